/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu.h"

#include <stdint.h>

#include "cpu.h"
#include "map.h"

#define TABLE_ENTRIES 512
#define GIB_SHIFT     30
#define MIB2_SHIFT    21
#define PAGE_SHIFT    12

/* Descriptors (Arm DDI0487 D8.3.1). */
#define DESC_BLOCK  0x1UL
#define DESC_TABLE  0x3UL
#define DESC_PAGE   0x3UL
#define DESC_AF	    (1UL << 10)
#define DESC_INNER  (3UL << 8)
#define DESC_XN	    (3UL << 53)
#define ATTR_DEVICE (DESC_AF | DESC_XN)		      /* MAIR index 0 */
#define ATTR_NORMAL (DESC_AF | DESC_INNER | 1UL << 2) /* MAIR index 1 */

#define ATTR_NC (DESC_AF | DESC_XN | 2UL << 2) /* MAIR index 2 */

#define MAIR_VALUE 0x44ff00UL /* 0: Device-nGnRnE, 1: Normal write-back, 2: not cacheable */

#define SCTLR_I (1U << 12)

/* TxSZ 16, walks inner shareable and write-back, TG0 and TG1 4 KiB, IPS 40 bits. */
#define TCR_HALF  (16UL | 1UL << 8 | 1UL << 10 | 3UL << 12)
#define TCR_VALUE (TCR_HALF | TCR_HALF << 16 | 2UL << 30 | 2UL << 32)

typedef uint64_t table[TABLE_ENTRIES] __attribute__((aligned(4096)));

static table low0, low1, high0, high1, high2_devices, high2_memory, high3_devices;

static uint64_t table_at(const uint64_t *entries)
{
	return (uintptr_t)entries | DESC_TABLE;
}

static void map_low(uint64_t device_attr)
{
	low0[0] = table_at(low1);
	low1[0] = device_attr | DESC_BLOCK;
	low1[RAM_BASE >> GIB_SHIFT] = RAM_BASE | ATTR_NORMAL | DESC_BLOCK;
}

static void map_page(uintptr_t base)
{
	high3_devices[(base >> PAGE_SHIFT) % TABLE_ENTRIES] = base | ATTR_DEVICE | DESC_PAGE;
}

static void map_high(void)
{
	high0[0] = table_at(high1);
	high1[0] = table_at(high2_devices);
	high1[RAM_BASE >> GIB_SHIFT] = table_at(high2_memory);
	high2_devices[UART_BASE >> MIB2_SHIFT] = table_at(high3_devices);
	map_page(UART_BASE);
	map_page(RTC_BASE);
	for (uint64_t i = 0; i < TABLE_ENTRIES; i++)
		high2_memory[i] = (RAM_BASE + (i << MIB2_SHIFT)) | ATTR_NORMAL | DESC_BLOCK;
}

/* What was written past the caches must not be hidden by what they hold from before. */
static void drop_caches(void)
{
	extern const char __image_end[] __attribute__((visibility("hidden")));
	uintptr_t line = 4UL << ((read_sysreg(ctr_el0) >> 16) & 0xf); /* DminLine */

	for (uintptr_t at = (uintptr_t)guest_image; at < (uintptr_t)__image_end; at += line)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb();
}

static void enable(uint64_t low_device_attr)
{
	map_low(low_device_attr);
	map_high();
	dsb();
	drop_caches();
	write_sysreg(mair_el1, MAIR_VALUE);
	write_sysreg(tcr_el1, TCR_VALUE);
	write_sysreg(ttbr0_el1, (uintptr_t)low0);
	write_sysreg(ttbr1_el1, (uintptr_t)high0);
	asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
	write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | SCTLR_M | SCTLR_C | SCTLR_I);
	isb();
}

void mmu_enable(void)
{
	enable(ATTR_DEVICE);
}

void mmu_enable_normal_devices(void)
{
	enable(ATTR_NC);
}
