/* SPDX-License-Identifier: Apache-2.0 */
/* A PL011 on a console of pipes, and a backend that has one interrupt wire and nothing else. */
#ifndef ARCVISOR_TESTS_DEVICE_UART_H
#define ARCVISOR_TESTS_DEVICE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/pl011.h"

/* Register offsets and bits, Arm DDI0183 3.2 and 3.3. */
#define UARTDR	  0x000
#define UARTRSR	  0x004
#define UARTFR	  0x018
#define UARTILPR  0x020
#define UARTIBRD  0x024
#define UARTFBRD  0x028
#define UARTLCR_H 0x02c
#define UARTCR	  0x030
#define UARTIFLS  0x034
#define UARTIMSC  0x038
#define UARTRIS	  0x03c
#define UARTMIS	  0x040
#define UARTICR	  0x044
#define UARTDMACR 0x048
#define UARTID	  0xfe0

#define FR_RI	0x100
#define FR_TXFE 0x80
#define FR_RXFF 0x40
#define FR_TXFF 0x20
#define FR_RXFE 0x10
#define FR_BUSY 0x08
#define FR_DCD	0x04
#define FR_DSR	0x02
#define FR_CTS	0x01

#define LCR_H_FEN 0x10
#define CR_LBE	  0x80

#define INT_RX 0x10
#define INT_TX 0x20
#define INT_RT 0x40

struct uart {
	struct loop *loop;
	struct console *console;
	struct pl011 *pl011;
	struct irq_line line;
	bool wire; /* what the backend was told last */
	int edges; /* how often the wire rose */
	int type;  /* what is written here is typed */
	int shown; /* what was sent is read here */
};

extern struct uart uart;

void uart_init(void);		  /* on pipes */
void uart_init_unconnected(void); /* without a console */
void uart_fini(void);

uint32_t uart_read(uint64_t offset);
void uart_write(uint64_t offset, uint32_t val);

/* Runs the loop until all that is ready has been served. */
void uart_run_ready(void);

/* Types @count bytes that count up from @first, and has them served. */
void uart_type(uint8_t first, size_t count);

/* Sends bytes, which count up from 0, until the transmit FIFO is full: how many. */
size_t uart_send_until_full(void);

/* Reads @count bytes of what was sent and looks that they count up from @first. */
void uart_expect_sent(uint8_t first, size_t count);

#endif
