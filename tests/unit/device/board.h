/* SPDX-License-Identifier: Apache-2.0 */
/* What the device tests share: a PL011 with a console on two pipes, and its interrupt line. */
#ifndef ARCVISOR_TESTS_DEVICE_BOARD_H
#define ARCVISOR_TESTS_DEVICE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "device/pl011.h"

/* Register offsets (Arm DDI0183 3.2). */
enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	ILPR = 0x20,
	IBRD = 0x24,
	FBRD = 0x28,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
	DMACR = 0x48,
};

enum {
	FR_CTS = 0x01,
	FR_DSR = 0x02,
	FR_DCD = 0x04,
	FR_BUSY = 0x08,
	FR_RXFE = 0x10,
	FR_TXFF = 0x20,
	FR_RXFF = 0x40,
	FR_TXFE = 0x80,
	FR_RI = 0x100,
	FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI,
};

enum {
	INT_RX = 0x10,
	INT_TX = 0x20,
	INT_RT = 0x40,
	INT_OE = 0x400,
};

enum {
	LCR_H_FEN = 0x10,
	CR_UARTEN = 0x001,
	CR_LBE = 0x080,
	CR_TXE = 0x100,
	CR_RXE = 0x200,
};

#define UART_ON (CR_UARTEN | CR_TXE | CR_RXE)

/* One board a test. */
extern struct pl011 *uart;
extern int typing;  /* what is written here is typed */
extern int showing; /* what is read here was sent */

void board_init(void);
void board_fini(void);

/* The event loop, on a thread of its own; board_fini() halts it. */
void board_run(void);
void board_halt(void);

/* Returns when the console has read what was typed; after board_halt() it has offered it too. */
void wait_read(void);

uint32_t get(uint64_t reg);
void put(uint64_t reg, uint32_t val);

/* The interrupt line, now, and when it comes to be so. */
bool line_is_high(void);
void line_wait(bool high);

/* Types on the keyboard; reads what is shown, @len bytes of it. */
void type(const char *text);
void expect_shown(const char *text);

/* Sends until the transmit FIFO is full, since nobody reads; how many bytes that took. */
unsigned int fill_console(void);

#endif
