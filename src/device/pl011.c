/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 UART (Arm DDI0183G). Section numbers below are that manual's. */
#include "device/pl011.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/util.h"

#define RX_FIFO 32u /* entries of r1p5 */

/* Register offsets, 3.2. */
enum pl011_reg {
	UARTDR = 0x000,
	UARTRSR = 0x004,
	UARTFR = 0x018,
	UARTILPR = 0x020,
	UARTIBRD = 0x024,
	UARTFBRD = 0x028,
	UARTLCR_H = 0x02c,
	UARTCR = 0x030,
	UARTIFLS = 0x034,
	UARTIMSC = 0x038,
	UARTRIS = 0x03c,
	UARTMIS = 0x040,
	UARTICR = 0x044,
	UARTDMACR = 0x048,
	UARTPERIPHID0 = 0xfe0,
};

/* UARTFR, 3.3.3. */
#define FR_TXFE BIT(7)
#define FR_RXFF BIT(6)
#define FR_TXFF BIT(5)
#define FR_RXFE BIT(4)
#define FR_BUSY BIT(3)

#define LCR_H_FEN BIT(4) /* 3.3.7: FIFOs, else one entry */
#define CR_LBE	  BIT(7) /* 3.3.8: what is sent is received */

/* Interrupt bits of IMSC, RIS, MIS and ICR, 3.3.10. */
#define INT_RX	BIT(4)
#define INT_TX	BIT(5)
#define INT_RT	BIT(6)
#define INT_ALL 0x7ffu

static const uint8_t pl011_id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

struct pl011 {
	struct console *console;

	/*
	 * Guards all below and the line. Held over console_write(): the order is this lock, then
	 * the console's. The console calls its sink without its own lock.
	 */
	pthread_mutex_t lock;
	struct irq_line *line;
	uint8_t rx[RX_FIFO];
	unsigned int rx_head, rx_count;
	bool tx_full;	 /* the console took less than it was given */
	uint8_t tx_held; /* the byte that it did not take */
	uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
};

static unsigned int rx_depth(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? RX_FIFO : 1;
}

/* Entries that raise the receive interrupt, 3.3.9: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO. */
static unsigned int rx_level(const struct pl011 *uart)
{
	static const unsigned int levels[] = { 4, 8, 16, 24, 28, 16, 16, 16 };

	return uart->lcr_h & LCR_H_FEN ? levels[(uart->ifls >> 3) & 7] : 1;
}

static void update_line(struct pl011 *uart)
{
	irq_line_set(uart->line, uart->ris & uart->imsc);
}

/*
 * The receive interrupt follows the level; the timeout interrupt, which the hardware raises when
 * nothing more comes for 32 bit times, is raised as soon as anything waits: a driver that is
 * told early loses nothing.
 */
static void update_rx(struct pl011 *uart)
{
	uart->ris &= ~(INT_RX | INT_RT);
	if (uart->rx_count >= rx_level(uart))
		uart->ris |= INT_RX;
	if (uart->rx_count)
		uart->ris |= INT_RT;
}

static void rx_push(struct pl011 *uart, uint8_t byte)
{
	uart->rx[(uart->rx_head + uart->rx_count++) % RX_FIFO] = byte;
}

static uint32_t rx_pop(struct pl011 *uart)
{
	bool was_full = uart->rx_count >= rx_depth(uart);
	uint8_t byte;

	if (!uart->rx_count)
		return 0;
	byte = uart->rx[uart->rx_head];
	uart->rx_head = (uart->rx_head + 1) % RX_FIFO;
	uart->rx_count--;
	update_rx(uart);
	if (was_full && uart->console)
		console_input_ready(uart->console);
	return byte;
}

static void tx_byte(struct pl011 *uart, uint8_t byte)
{
	if (uart->cr & CR_LBE) {
		if (uart->rx_count < rx_depth(uart))
			rx_push(uart, byte);
		update_rx(uart);
	} else if (uart->tx_full) {
		return; /* written over a full FIFO: lost, as in hardware */
	} else if (uart->console && !console_write(uart->console, &byte, 1)) {
		uart->tx_full = true;
		uart->tx_held = byte;
		uart->ris &= ~INT_TX;
		return;
	}
	/* Sent at once, so the FIFO falls through its level with every byte. */
	uart->ris |= INT_TX;
}

static uint32_t flags(const struct pl011 *uart)
{
	uint32_t fr = uart->tx_full ? FR_TXFF | FR_BUSY : FR_TXFE;

	if (!uart->rx_count)
		fr |= FR_RXFE;
	else if (uart->rx_count >= rx_depth(uart))
		fr |= FR_RXFF;
	return fr;
}

static uint32_t read_reg(struct pl011 *uart, uint32_t reg)
{
	switch (reg) {
	case UARTDR:
		return rx_pop(uart);
	case UARTFR:
		return flags(uart);
	case UARTILPR:
		return uart->ilpr;
	case UARTIBRD:
		return uart->ibrd;
	case UARTFBRD:
		return uart->fbrd;
	case UARTLCR_H:
		return uart->lcr_h;
	case UARTCR:
		return uart->cr;
	case UARTIFLS:
		return uart->ifls;
	case UARTIMSC:
		return uart->imsc;
	case UARTRIS:
		return uart->ris;
	case UARTMIS:
		return uart->ris & uart->imsc;
	case UARTDMACR:
		return uart->dmacr;
	default:
		if (reg >= UARTPERIPHID0)
			return pl011_id[(reg - UARTPERIPHID0) / 4];
		return 0; /* UARTRSR: no errors ever; reserved */
	}
}

static void write_lcr_h(struct pl011 *uart, uint32_t val)
{
	/* Turning the FIFOs on or off empties them. */
	if ((uart->lcr_h ^ val) & LCR_H_FEN)
		uart->rx_count = 0;
	uart->lcr_h = val & 0xff;
	update_rx(uart);
	if (uart->console)
		console_input_ready(uart->console);
}

static void write_reg(struct pl011 *uart, uint32_t reg, uint32_t val)
{
	switch (reg) {
	case UARTDR:
		tx_byte(uart, (uint8_t)val);
		break;
	case UARTILPR:
		uart->ilpr = val & 0xff;
		break;
	case UARTIBRD:
		uart->ibrd = val & 0xffff;
		break;
	case UARTFBRD:
		uart->fbrd = val & 0x3f;
		break;
	case UARTLCR_H:
		write_lcr_h(uart, val);
		break;
	case UARTCR:
		uart->cr = val & 0xff87;
		break;
	case UARTIFLS:
		uart->ifls = val & 0x3f;
		update_rx(uart);
		break;
	case UARTIMSC:
		uart->imsc = val & INT_ALL;
		break;
	case UARTICR:
		uart->ris &= ~(val & INT_ALL);
		break;
	case UARTDMACR:
		uart->dmacr = val & 7;
		break;
	default:
		break;
	}
}

/* Registers are 32 bits wide; narrow accesses see their bytes of one. */
static uint64_t pl011_read(void *dev, uint64_t offset, unsigned int len)
{
	struct pl011 *uart = dev;
	uint32_t val;

	(void)len;
	pthread_mutex_lock(&uart->lock);
	val = read_reg(uart, (uint32_t)offset & ~3u);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
	return val >> (8 * (offset & 3));
}

static void pl011_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct pl011 *uart = dev;

	(void)len;
	if (offset & 3)
		return;
	pthread_mutex_lock(&uart->lock);
	write_reg(uart, (uint32_t)offset, (uint32_t)val);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
}

static size_t pl011_input(void *ctx, const uint8_t *buf, size_t len)
{
	struct pl011 *uart = ctx;
	size_t n;

	pthread_mutex_lock(&uart->lock);
	for (n = 0; n < len && uart->rx_count < rx_depth(uart); n++)
		rx_push(uart, buf[n]);
	update_rx(uart);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
	return n;
}

static void pl011_drained(void *ctx)
{
	struct pl011 *uart = ctx;

	pthread_mutex_lock(&uart->lock);
	if (uart->tx_full && console_write(uart->console, &uart->tx_held, 1)) {
		uart->tx_full = false;
		uart->ris |= INT_TX;
		update_line(uart);
	}
	pthread_mutex_unlock(&uart->lock);
}

int pl011_create(struct console *console, struct irq_line *line, struct pl011 **out)
{
	struct pl011 *uart = calloc(1, sizeof(*uart));

	if (!uart)
		return -ENOMEM;
	uart->console = console;
	uart->line = line;
	pthread_mutex_init(&uart->lock, NULL);
	/* Reset values, 3.2: transmit and receive enabled, levels at one half. */
	uart->cr = 0x300;
	uart->ifls = 0x12;
	if (console) {
		const struct console_sink sink = {
			.input = pl011_input,
			.drained = pl011_drained,
			.ctx = uart,
		};

		console_attach(console, &sink);
	}
	*out = uart;
	return 0;
}

void pl011_destroy(struct pl011 *uart)
{
	if (!uart)
		return;
	if (uart->console)
		console_attach(uart->console, NULL);
	pthread_mutex_destroy(&uart->lock);
	free(uart);
}

const struct mmio_ops pl011_mmio_ops = {
	.read = pl011_read,
	.write = pl011_write,
};
