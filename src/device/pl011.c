/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 UART (Arm DDI0183G). Section numbers below are that manual's. */
#include "device/pl011.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/util.h"

#define FIFO_SIZE 32u /* entries, of r1p5; a power of two */

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
#define FR_RI	BIT(8)
#define FR_TXFE BIT(7)
#define FR_RXFF BIT(6)
#define FR_TXFF BIT(5)
#define FR_RXFE BIT(4)
#define FR_BUSY BIT(3)
#define FR_DCD	BIT(2)
#define FR_DSR	BIT(1)
#define FR_CTS	BIT(0)

#define LCR_H_FEN BIT(4) /* 3.3.7: FIFOs, else one entry */

/* UARTCR, 3.3.8. */
#define CR_OUT2	 BIT(13)
#define CR_OUT1	 BIT(12)
#define CR_RTS	 BIT(11)
#define CR_DTR	 BIT(10)
#define CR_RXE	 BIT(9)
#define CR_TXE	 BIT(8)
#define CR_LBE	 BIT(7) /* what is sent is received */
#define CR_VALID 0xff87u

/* Interrupt bits of IMSC, RIS, MIS and ICR, 3.3.10. */
#define INT_RI	BIT(0)
#define INT_CTS BIT(1)
#define INT_DCD BIT(2)
#define INT_DSR BIT(3)
#define INT_RX	BIT(4)
#define INT_TX	BIT(5)
#define INT_RT	BIT(6)
#define INT_ALL 0x7ffu

/* UARTPeriphID0 to 3, UARTPCellID0 to 3: 3.3.15, 3.3.16. */
static const uint8_t pl011_id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

struct fifo {
	unsigned int head, count;
	uint8_t bytes[FIFO_SIZE];
};

struct pl011 {
	struct console *console;

	/*
	 * Guards all below and the line. Held over console_write(): the order is this lock, then
	 * the console's. The console calls its sink without its own lock.
	 */
	pthread_mutex_t lock;
	struct irq_line *line;
	struct fifo rx, tx; /* tx: what the console had no room for */
	bool rx_refused;    /* the console has input that did not fit */
	uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
};

static void fifo_push(struct fifo *fifo, uint8_t byte)
{
	fifo->bytes[(fifo->head + fifo->count++) % FIFO_SIZE] = byte;
}

static uint8_t fifo_pop(struct fifo *fifo)
{
	uint8_t byte = fifo->bytes[fifo->head];

	fifo->head = (fifo->head + 1) % FIFO_SIZE;
	fifo->count--;
	return byte;
}

static unsigned int fifo_depth(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? FIFO_SIZE : 1;
}

/* The entries that IFLS's field @select stands for, 3.3.9: 1/8, 1/4, 1/2, 3/4, 7/8 of a FIFO. */
static unsigned int fifo_level(unsigned int select)
{
	static const unsigned int levels[] = { 4, 8, 16, 24, 28, 16, 16, 16 };

	return levels[select & 7];
}

/* As many raise the receive interrupt. */
static unsigned int rx_level(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? fifo_level(uart->ifls >> 3) : 1;
}

/* As few raise the transmit interrupt. */
static unsigned int tx_level(const struct pl011 *uart)
{
	return uart->lcr_h & LCR_H_FEN ? fifo_level(uart->ifls) : 0;
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
	if (uart->rx.count >= rx_level(uart))
		uart->ris |= INT_RX;
	if (uart->rx.count)
		uart->ris |= INT_RT;
}

/*
 * After bytes came or went. The interrupt means as much room as the level leaves: Linux then
 * writes half a FIFO without a look at the flags.
 */
static void update_tx(struct pl011 *uart)
{
	if (uart->tx.count <= tx_level(uart))
		uart->ris |= INT_TX;
	else
		uart->ris &= ~INT_TX;
}

/* By halves, so that the console is not asked for each byte. */
static void ask_for_input(struct pl011 *uart)
{
	if (!uart->rx_refused || uart->rx.count > fifo_depth(uart) / 2)
		return;
	uart->rx_refused = false;
	console_input_ready(uart->console);
}

static uint32_t rx_pop(struct pl011 *uart)
{
	uint8_t byte;

	if (!uart->rx.count)
		return 0;
	byte = fifo_pop(&uart->rx);
	update_rx(uart);
	ask_for_input(uart);
	return byte;
}

/* Over a full FIFO a byte is lost, as in hardware. */
static void loop_back(struct pl011 *uart, uint8_t byte)
{
	if (uart->rx.count < fifo_depth(uart))
		fifo_push(&uart->rx, byte);
	update_rx(uart);
	update_tx(uart);
}

static bool console_takes(struct pl011 *uart, uint8_t byte)
{
	return !uart->console || console_write(uart->console, &byte, 1) == 1;
}

static void tx_byte(struct pl011 *uart, uint8_t byte)
{
	if (uart->tx.count >= fifo_depth(uart))
		return; /* written over a full FIFO: lost, as in hardware */
	if (uart->tx.count || !console_takes(uart, byte))
		fifo_push(&uart->tx, byte);
	update_tx(uart);
}

static void tx_drain(struct pl011 *uart)
{
	if (!uart->tx.count)
		return;
	while (uart->tx.count && console_takes(uart, uart->tx.bytes[uart->tx.head]))
		fifo_pop(&uart->tx);
	update_tx(uart);
}

/*
 * The modem's lines, 3.3.8: asserted as by a null modem, so that nobody waits for a carrier, but
 * fed from our own outputs in loopback.
 */
static uint32_t modem_lines(const struct pl011 *uart)
{
	uint32_t cr = uart->cr;

	if (!(cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (cr & CR_RTS ? FR_CTS : 0) | (cr & CR_DTR ? FR_DSR : 0) |
	       (cr & CR_OUT1 ? FR_DCD : 0) | (cr & CR_OUT2 ? FR_RI : 0);
}

static void write_cr(struct pl011 *uart, uint32_t val)
{
	uint32_t changed = modem_lines(uart);

	uart->cr = val & CR_VALID;
	changed ^= modem_lines(uart);
	uart->ris |= (changed & FR_RI ? INT_RI : 0) | (changed & FR_CTS ? INT_CTS : 0) |
		     (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_DSR ? INT_DSR : 0);
}

static uint32_t flags(const struct pl011 *uart)
{
	uint32_t fr = modem_lines(uart);

	if (!uart->tx.count)
		fr |= FR_TXFE;
	else
		fr |= FR_BUSY;
	if (uart->tx.count >= fifo_depth(uart))
		fr |= FR_TXFF;
	if (!uart->rx.count)
		fr |= FR_RXFE;
	if (uart->rx.count >= fifo_depth(uart))
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

static void write_ifls(struct pl011 *uart, uint32_t val)
{
	bool sending = uart->tx.count;

	uart->ifls = val & 0x3f;
	update_rx(uart);
	if (sending)
		update_tx(uart);
}

static void write_lcr_h(struct pl011 *uart, uint32_t val)
{
	bool flush = uart->lcr_h & ~val & LCR_H_FEN; /* 3.3.8: FIFOs off is how they are flushed */
	bool sending = uart->tx.count;

	uart->lcr_h = val & 0xff;
	if (flush) {
		uart->rx.count = 0;
		uart->tx.count = 0;
	}
	update_rx(uart);
	if (sending)
		update_tx(uart);
	ask_for_input(uart);
}

static void write_reg(struct pl011 *uart, uint32_t reg, uint32_t val)
{
	switch (reg) {
	case UARTDR:
		if (uart->cr & CR_LBE)
			loop_back(uart, (uint8_t)val);
		else
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
		write_cr(uart, val);
		break;
	case UARTIFLS:
		write_ifls(uart, val);
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
	for (n = 0; n < len && uart->rx.count < fifo_depth(uart); n++)
		fifo_push(&uart->rx, buf[n]);
	uart->rx_refused = n < len;
	update_rx(uart);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
	return n;
}

static void pl011_drained(void *ctx)
{
	struct pl011 *uart = ctx;

	pthread_mutex_lock(&uart->lock);
	tx_drain(uart);
	update_line(uart);
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
	uart->cr = CR_RXE | CR_TXE;
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
