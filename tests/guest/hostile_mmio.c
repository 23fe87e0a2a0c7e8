/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of every width at every alignment, over every device and the holes between: the
 * registers of each by plain accesses, then its bytes unaligned, then addresses anywhere below RAM.
 * The devices are mapped as Normal memory, where an unaligned access is no fault of its own.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "gic.h"
#include "hostile.h"
#include "map.h"
#include "mmio.h"
#include "mmu.h"

#define PAGE	 0x1000UL
#define ANYWHERE 3000U

/* Where the map has, or may have, something; neighbours and edges are in the walk. */
static const uint32_t places[] = {
	0x00000000, /* nothing */
	0x07fff000, 0x08000000, 0x08010000, 0x08080000, 0x08090000, 0x080a0000,
	0x080b0000, 0x080c0000, /* interrupt controller */
	0x08fff000, 0x09000000, 0x09001000, 0x09010000, 0x09020000, 0x09030000, /* Arm devices */
	0x090a0000, 0x090b0000,				/* steal time, and behind it */
	0x0a000000, 0x0a000200, 0x0a003e00, 0x0a004000, /* virtio */
	0x0b000000, 0x0b010000, 0x0b01f000, 0x0b020000, /* hvc-blk */
	0x10000000, 0x13fff000, 0x20000000, 0x3ffff000, /* holes up to RAM */
};

static unsigned int accesses;

static void access(uintptr_t at, unsigned int log_width, bool is_write, uint64_t value)
{
	accesses++;
	switch (log_width << 1 | is_write) {
	case 0:
		mmio_read8(at);
		break;
	case 1:
		mmio_write8(at, (uint8_t)value);
		break;
	case 2:
		mmio_read16(at);
		break;
	case 3:
		mmio_write16(at, (uint16_t)value);
		break;
	case 4:
		mmio_read32(at);
		break;
	case 5:
		mmio_write32(at, (uint32_t)value);
		break;
	case 6:
		mmio_read64(at);
		break;
	default:
		mmio_write64(at, value);
	}
}

static void all_widths(uintptr_t at)
{
	for (unsigned int kind = 0; kind < 8; kind++)
		access(at, kind >> 1, kind & 1, hostile_value());
}

/* Registers by words, the first and the last of a page; the first bytes one by one. */
static void walk(uintptr_t base)
{
	for (uintptr_t at = base; at < base + 0x80; at += 4)
		all_widths(at);
	for (uintptr_t at = base + 1; at < base + 0x14; at++)
		all_widths(at);
	for (uintptr_t at = base + PAGE - 0x14; at < base + PAGE; at++)
		all_widths(at);
}

static void anywhere(void)
{
	uintptr_t base = places[hostile_below(sizeof(places) / sizeof(places[0]))];
	uintptr_t at = hostile_random() & 1UL << 40 ? base + hostile_below(PAGE)
						    : hostile_below(RAM_BASE - 8);

	access(at, (unsigned int)hostile_below(4), hostile_random() & 1UL << 41, hostile_value());
}

void guest_main(void)
{
	hostile_begin();
	mmu_enable_normal_devices();
	do {
		exception_catch();
		for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
			walk(places[i]);
		for (unsigned int i = 0; i < ANYWHERE; i++)
			anywhere();
		exception_caught();
	} while (hostile_round());
	note("%u accesses", accesses);
	check(accesses > 10000, "all accesses made");
}
