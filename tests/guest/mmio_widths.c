/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device accesses of 1, 2, 4 and 8 bytes: the value, zeroes above it, and the right register of
 * x0..x30. What 8 bytes read beside a 32-bit register is left open.
 */
#include "check.h"
#include "mmio.h"
#include "pl011.h"
#include "pl031.h"

#define CHECK_LOAD(n, instruction, target, want) \
	check_eq(MMIO_LOAD(n, instruction, target, RTCMR), want, instruction " " target)

#define CHECK_STORE(n, instruction, value, mask)                                              \
	do {                                                                                  \
		MMIO_STORE(n, instruction, "w" #n, RTCMR, value);                             \
		check_eq(mmio_read32(RTCMR) & (mask), (value) & (mask), instruction " w" #n); \
	} while (0)

/* RTCMR holds all 32 bits that are written to it. */
#define CHECK_REGISTER(n)                                         \
	do {                                                      \
		mmio_write32(RTCMR, 0x8765c3e1);                  \
		CHECK_LOAD(n, "ldrb", "w" #n, 0xe1);              \
		CHECK_LOAD(n, "ldrh", "w" #n, 0xc3e1);            \
		CHECK_LOAD(n, "ldr", "w" #n, 0x8765c3e1);         \
		CHECK_LOAD(n, "ldarb", "w" #n, 0xe1);             \
		CHECK_LOAD(n, "ldarh", "w" #n, 0xc3e1);           \
		CHECK_LOAD(n, "ldar", "w" #n, 0x8765c3e1);        \
		CHECK_STORE(n, "str", 0x600dcafeU, 0xffffffffU);  \
		CHECK_STORE(n, "stlr", 0xfee1900dU, 0xffffffffU); \
		CHECK_STORE(n, "strh", 0x1234beefU, 0xffffU);     \
		CHECK_STORE(n, "strb", 0x123456a5U, 0xffU);       \
	} while (0)

static void check_id(uintptr_t addr, uint32_t want, const char *name)
{
	check_eq(mmio_read8(addr), want, "%s, 1 byte", name);
	check_eq(mmio_read16(addr), want, "%s, 2 bytes", name);
	check_eq(mmio_read32(addr), want, "%s, 4 bytes", name);

	uint64_t wide = mmio_read64(addr);

	check_eq((uint32_t)wide, want, "%s, 8 bytes, low half", name);
	note("%s, 8 bytes, high half 0x%lx", name, wide >> 32);
}

static void check_pl011(void)
{
	mmio_write8(UARTIMSC, 0x55);
	check_eq(mmio_read32(UARTIMSC) & 0xff, 0x55, "UARTIMSC, 1 byte");
	mmio_write16(UARTIMSC, 0x2aa);
	check_eq(mmio_read32(UARTIMSC), 0x2aa, "UARTIMSC, 2 bytes");
	mmio_write32(UARTIMSC, 0xffffffff);
	check_eq(mmio_read32(UARTIMSC), UART_INT_ALL, "UARTIMSC, 4 bytes: 11 bits kept");
	mmio_write64(UARTIMSC, 0x123);
	check_eq(mmio_read32(UARTIMSC), 0x123, "UARTIMSC, 8 bytes");
	mmio_write32(UARTIMSC, 0);

	mmio_write32(UARTIBRD, 0xffff8081);
	check_eq(mmio_read32(UARTIBRD), 0x8081, "UARTIBRD: 16 bits kept");
	check_eq(mmio_read16(UARTIBRD), 0x8081, "UARTIBRD, 2 bytes");
	mmio_write32(UARTFBRD, 0xffffffff);
	check_eq(mmio_read32(UARTFBRD), 0x3f, "UARTFBRD: 6 bits kept");
}

/* 8 bytes over two registers of which the second is RTCCR, that only ever reads 1 (started). */
static void check_pl031_wide(void)
{
	mmio_write64(RTCLR, 1UL << 32 | 0x6f00ba55);
	check_eq(mmio_read32(RTCLR), 0x6f00ba55, "RTCLR, 8 bytes written");
	check_eq((uint32_t)mmio_read64(RTCLR), 0x6f00ba55, "RTCLR, 8 bytes read, low half");
	check_eq(mmio_read32(RTCCR), 1, "RTCCR after 8 bytes written to RTCLR");
}

void guest_main(void)
{
	check_id(UARTPERIPHID0, 0x11, "UARTPeriphID0");
	check_id(RTCPERIPHID0, 0x31, "RTCPeriphID0");
	check_pl011();
	CHECK_REGISTER(0);
	CHECK_REGISTER(15);
	CHECK_REGISTER(29);
	CHECK_REGISTER(30);
	check_pl031_wide();
}
