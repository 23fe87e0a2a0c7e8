/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window of a pmem device that can only be read, which is the first virtio device: loads find
 * the file, and zeroes behind its end; stores of every kind go nowhere and hurt nobody. Prints
 * `pmem ready` before and waits for a byte, so that two guests can be at it at once.
 *
 * The file is 1 MiB of 64-bit words, each its offset times PATTERN.
 */
#include "check.h"
#include "exception.h"
#include "mmio.h"
#include "pl011.h"

#define DEVICE	  0x0a000000UL
#define WINDOW	  0x80000000UL /* with RAM of at most 1 GiB */
#define FILE_SIZE 0x100000UL
#define SIZE	  0x200000UL
#define PATTERN	  0x9e3779b97f4a7c15UL

static void check_device(void)
{
	check_eq(mmio_read32(DEVICE), 0x74726976, "it is virtio");
	check_eq(mmio_read32(DEVICE + 8), 27, "it is pmem");
	check_eq(mmio_read32(DEVICE + 0x100), WINDOW, "start");
	check_eq(mmio_read32(DEVICE + 0x104), 0, "start, high");
	check_eq(mmio_read32(DEVICE + 0x108), SIZE, "size");
	check_eq(mmio_read32(DEVICE + 0x10c), 0, "size, high");
}

/* A word a page, and the last one. */
static void check_content(const char *when)
{
	unsigned int wrong = 0;

	for (uint64_t at = 0; at < FILE_SIZE; at += 0x1000)
		wrong += mmio_read64(WINDOW + at) != at * PATTERN;
	check_eq(wrong, 0, "%s: pages of the file", when);
	check_eq(mmio_read64(WINDOW + FILE_SIZE - 8), (FILE_SIZE - 8) * PATTERN,
		 "%s: end of the file", when);
	for (uint64_t at = FILE_SIZE; at < SIZE; at += 0x1000)
		wrong += mmio_read64(WINDOW + at) != 0;
	check_eq(wrong, 0, "%s: zeroes behind it", when);
	check_eq(mmio_read64(WINDOW + SIZE - 8), 0, "%s: end of the window", when);
}

static void check_lives(const char *name)
{
	struct exception taken = exception_caught();

	check_eq(taken.count ? taken.esr : 0, 0, "%s lives", name);
}

#define CHECK_STORE(bits)                                                 \
	do {                                                              \
		exception_catch();                                        \
		mmio_write##bits(WINDOW + 0x1000, (uint##bits##_t) ~0UL); \
		check_lives("store of " #bits " bits");                   \
	} while (0)

/* These have no syndrome: the instruction itself is looked at. */
static void check_without_syndrome(void)
{
	uint64_t at = WINDOW + 0x2000;

	exception_catch();
	asm volatile("stp %0, %0, [%1]" : : "r"(~0UL), "r"(at) : "memory");
	check_lives("store of a pair");
	exception_catch();
	asm volatile("str %1, [%0], #16" : "+&r"(at) : "r"(~0UL) : "memory");
	check_lives("store with write-back");
	check_eq(at, WINDOW + 0x2010, "write-back");
}

static void wait_for_byte(void)
{
	print("pmem ready\n");
	while (mmio_read32(UARTFR) & UARTFR_RXFE)
		;
	(void)mmio_read32(UARTDR);
}

void guest_main(void)
{
	check_device();
	check_content("at first");
	wait_for_byte();
	CHECK_STORE(8);
	CHECK_STORE(16);
	CHECK_STORE(32);
	CHECK_STORE(64);
	check_without_syndrome();
	exception_catch();
	mmio_write64(WINDOW + SIZE - 8, ~0UL);
	check_lives("store to the zeroes");
	check_content("then");
}
