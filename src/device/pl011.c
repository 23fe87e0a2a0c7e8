/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 UART.
 *
 * The wire is as fast as the console: a byte that is sent is gone at once while the console takes
 * it, and only a console that is full lets the transmit FIFO fill up. The interrupts follow from
 * that. Linux loads half a FIFO without a look at UARTFR when UARTTXINTR comes, so UARTTXINTR is
 * raised for a FIFO at or below its trigger level and by nothing else.
 */
#include "device/pl011.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/util.h"
#include "reg.h"

#define FIFO_DEPTH 32u /* DDI0183 2.4.1: r1p5; Linux knows it by the revision in UARTPeriphID2 */

/* DDI0183 3.2, register offsets over 4. */
enum {
	UARTDR,
	UARTRSR,
	UARTFR = REG_INDEX(0x18),
	UARTILPR = REG_INDEX(0x20),
	UARTIBRD,
	UARTFBRD,
	UARTLCR_H,
	UARTCR,
	UARTIFLS,
	UARTIMSC,
	UARTRIS,
	UARTMIS,
	UARTICR,
	UARTDMACR,
	NR_REGS,
	PERIPH_ID0 = REG_INDEX(0xfe0),
};

/* DDI0183 3.3.2 */
#define RSR_OE BIT(3)

/* DDI0183 3.3.3 */
#define FR_CTS	BIT(0)
#define FR_DSR	BIT(1)
#define FR_DCD	BIT(2)
#define FR_BUSY BIT(3)
#define FR_RXFE BIT(4)
#define FR_TXFF BIT(5)
#define FR_RXFF BIT(6)
#define FR_TXFE BIT(7)
#define FR_RI	BIT(8)

/* DDI0183 3.3.7 */
#define LCR_H_FEN BIT(4)

/* DDI0183 3.3.8 */
#define CR_UARTEN BIT(0)
#define CR_LBE	  BIT(7)
#define CR_TXE	  BIT(8)
#define CR_RXE	  BIT(9)
#define CR_DTR	  BIT(10)
#define CR_RTS	  BIT(11)
#define CR_OUT1	  BIT(12)
#define CR_OUT2	  BIT(13)

/* DDI0183 3.3.10 to 3.3.13, the same in UARTIMSC, UARTRIS, UARTMIS and UARTICR. */
#define INT_RX BIT(4)
#define INT_TX BIT(5)
#define INT_RT BIT(6)
#define INT_OE BIT(10)

#define POLLS 2u /* as many looks at UARTFR are a guest that polls */

#define RESET_CR   (CR_TXE | CR_RXE)
#define RESET_IFLS 0x12u /* both FIFOs half full */

/* The bits that a register keeps of what is written (DDI0183 3.3); none in those left out. */
static const uint16_t kept_bits[NR_REGS] = {
	[UARTILPR] = 0xff, [UARTIBRD] = 0xffff, [UARTFBRD] = 0x3f,  [UARTLCR_H] = 0xff,
	[UARTCR] = 0xff87, [UARTIFLS] = 0x3f,	[UARTIMSC] = 0x7ff, [UARTDMACR] = 0x7,
};

struct fifo {
	uint8_t bytes[FIFO_DEPTH];
	unsigned int head; /* the oldest */
	unsigned int used;
};

struct pl011 {
	struct console *console;
	struct console_sink sink;
	pthread_mutex_t lock; /* guards all below; taken before the console's ring lock */
	struct irq_line *line;
	uint32_t regs[NR_REGS];
	struct fifo rx, tx;
	unsigned int polls; /* looks at UARTFR in a row that found nothing to do; see listens() */
};

static void fifo_put(struct fifo *fifo, uint8_t byte)
{
	fifo->bytes[(fifo->head + fifo->used++) % FIFO_DEPTH] = byte;
}

static uint8_t fifo_get(struct fifo *fifo)
{
	uint8_t byte = fifo->bytes[fifo->head];

	fifo->head = (fifo->head + 1) % FIFO_DEPTH;
	fifo->used--;
	return byte;
}

static bool fifos_enabled(const struct pl011 *uart)
{
	return uart->regs[UARTLCR_H] & LCR_H_FEN;
}

/* A FIFO that is not enabled holds one byte (DDI0183 3.3.7). */
static unsigned int depth(const struct pl011 *uart)
{
	return fifos_enabled(uart) ? FIFO_DEPTH : 1;
}

/* Bytes of a FIFO at the level that 3 bits of UARTIFLS select (DDI0183 3.3.9). */
static unsigned int level(uint32_t select)
{
	static const uint8_t eighths[8] = { 1, 2, 4, 6, 7, 7, 7, 7 };

	return FIFO_DEPTH / 8 * eighths[select & 7];
}

static unsigned int rx_level(const struct pl011 *uart)
{
	return fifos_enabled(uart) ? level(uart->regs[UARTIFLS] >> 3) : 1;
}

static unsigned int tx_level(const struct pl011 *uart)
{
	return fifos_enabled(uart) ? level(uart->regs[UARTIFLS]) : 0;
}

static void update_line(struct pl011 *uart)
{
	irq_line_set(uart->line, uart->regs[UARTRIS] & uart->regs[UARTIMSC]);
}

/* The line falls idle with the last byte that comes, so the timeout is over at once. */
static void rx_put(struct pl011 *uart, uint8_t byte)
{
	fifo_put(&uart->rx, byte);
	uart->regs[UARTRIS] |= INT_RT;
	if (uart->rx.used >= rx_level(uart))
		uart->regs[UARTRIS] |= INT_RX;
}

static uint32_t rx_get(struct pl011 *uart)
{
	uint8_t byte;

	if (!uart->rx.used)
		return 0;
	byte = fifo_get(&uart->rx);
	if (uart->rx.used < rx_level(uart))
		uart->regs[UARTRIS] &= ~INT_RX;
	if (!uart->rx.used)
		uart->regs[UARTRIS] &= ~INT_RT;
	return byte;
}

static void rx_flush(struct pl011 *uart)
{
	uart->rx.used = 0;
	uart->regs[UARTRIS] &= ~(INT_RX | INT_RT);
}

/*
 * Whether the guest wants input now. Linux throws away what it finds in the FIFO when a program
 * opens the port, which is long after it has enabled the UART for messages; so input waits until
 * receive interrupts are let through, or the guest polls for it: looks at UARTFR again when it
 * has neither sent nor changed anything since it last found both FIFOs empty.
 */
static bool listens(const struct pl011 *uart)
{
	uint32_t enabled = CR_UARTEN | CR_RXE;

	if (uart->regs[UARTCR] & CR_LBE)
		return false;
	if (uart->polls == POLLS)
		return true;
	return (uart->regs[UARTCR] & enabled) == enabled &&
	       (uart->regs[UARTIMSC] & (INT_RX | INT_RT));
}

/*
 * Asks for input. While the guest empties the FIFO only half of it is worth waking the loop; but
 * one that clears interrupts and reads no further hears of the rest only with a byte that comes.
 */
static void rx_ask(struct pl011 *uart, unsigned int reg)
{
	unsigned int limit = reg == UARTICR ? depth(uart) - 1 : depth(uart) / 2;

	if (uart->console && uart->rx.used <= limit && listens(uart))
		console_input_ready(uart->console);
}

static size_t pl011_input(void *ctx, const uint8_t *buf, size_t len)
{
	struct pl011 *uart = ctx;
	size_t taken = 0;

	pthread_mutex_lock(&uart->lock);
	if (listens(uart)) {
		while (taken < len && uart->rx.used < depth(uart))
			rx_put(uart, buf[taken++]);
		update_line(uart);
	}
	pthread_mutex_unlock(&uart->lock);
	return taken;
}

static bool transmit(struct pl011 *uart, uint8_t byte)
{
	return !uart->console || console_write(uart->console, &byte, 1) == 1;
}

/* Moves on what the console takes. */
static void tx_pump(struct pl011 *uart)
{
	while (uart->tx.used && transmit(uart, uart->tx.bytes[uart->tx.head]))
		fifo_get(&uart->tx);
	if (uart->tx.used <= tx_level(uart))
		uart->regs[UARTRIS] |= INT_TX;
	else
		uart->regs[UARTRIS] &= ~INT_TX;
}

static void pl011_drained(void *ctx)
{
	struct pl011 *uart = ctx;

	pthread_mutex_lock(&uart->lock);
	if (uart->tx.used)
		tx_pump(uart);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
}

/* In loopback what is sent is received (DDI0183 3.3.8), and nobody else sees it. */
static void loop_back(struct pl011 *uart, uint8_t byte)
{
	if (uart->rx.used < depth(uart)) {
		rx_put(uart, byte);
	} else {
		uart->regs[UARTRSR] |= RSR_OE;
		uart->regs[UARTRIS] |= INT_OE;
	}
	uart->regs[UARTRIS] |= INT_TX;
}

/*
 * Whether transmission is enabled does not matter, as with other VMMs: early consoles write
 * without a look at UARTCR. A byte for a full FIFO is lost, as the guest could know from UARTFR.
 */
static void write_data(struct pl011 *uart, uint8_t byte)
{
	if (uart->regs[UARTCR] & CR_LBE) {
		loop_back(uart, byte);
		return;
	}
	if (uart->tx.used < depth(uart))
		fifo_put(&uart->tx, byte);
	tx_pump(uart);
}

/* A terminal that is there and ready, or in loopback our own outputs (DDI0183 3.3.8). */
static uint32_t modem_flags(const struct pl011 *uart)
{
	uint32_t cr = uart->regs[UARTCR];

	if (!(cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (cr & CR_RTS ? FR_CTS : 0) | (cr & CR_DTR ? FR_DSR : 0) |
	       (cr & CR_OUT1 ? FR_DCD : 0) | (cr & CR_OUT2 ? FR_RI : 0);
}

static uint32_t flags(const struct pl011 *uart)
{
	uint32_t fr = modem_flags(uart);

	fr |= uart->rx.used ? 0 : FR_RXFE;
	fr |= uart->rx.used >= depth(uart) ? FR_RXFF : 0;
	fr |= uart->tx.used ? FR_BUSY : FR_TXFE;
	fr |= uart->tx.used >= depth(uart) ? FR_TXFF : 0;
	return fr;
}

/* DDI0183 3.3.15 and 3.3.16: a PL011 by Arm, r1p5. */
static uint32_t read_id(unsigned int reg)
{
	static const uint8_t ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	return reg >= PERIPH_ID0 && reg - PERIPH_ID0 < ARRAY_SIZE(ids) ? ids[reg - PERIPH_ID0] : 0;
}

static uint32_t read_flags(struct pl011 *uart)
{
	uint32_t fr = flags(uart);

	if (!(fr & FR_RXFE) || !(fr & FR_TXFE))
		uart->polls = 0;
	else if (uart->polls < POLLS)
		uart->polls++;
	return fr;
}

static uint32_t read_reg(struct pl011 *uart, unsigned int reg)
{
	switch (reg) {
	case UARTDR:
		return rx_get(uart);
	case UARTFR:
		return read_flags(uart);
	case UARTMIS:
		return uart->regs[UARTRIS] & uart->regs[UARTIMSC];
	}
	return reg < NR_REGS ? uart->regs[reg] : read_id(reg);
}

static void write_line_control(struct pl011 *uart, uint32_t val)
{
	if ((uart->regs[UARTLCR_H] ^ val) & LCR_H_FEN)
		rx_flush(uart);
	uart->regs[UARTLCR_H] = val;
}

static void write_reg(struct pl011 *uart, unsigned int reg, uint32_t val)
{
	if (reg >= NR_REGS)
		return;
	switch (reg) {
	case UARTDR:
		write_data(uart, (uint8_t)val);
		break;
	case UARTRSR:
		uart->regs[UARTRSR] = 0;
		break;
	case UARTLCR_H:
		write_line_control(uart, val & kept_bits[UARTLCR_H]);
		break;
	case UARTICR:
		uart->regs[UARTRIS] &= ~val;
		break;
	default:
		if (kept_bits[reg])
			uart->regs[reg] = val & kept_bits[reg];
	}
}

/* What every access may bring with it: another level of the line, and a wish for input. */
static void settle(struct pl011 *uart, unsigned int reg)
{
	update_line(uart);
	rx_ask(uart, reg);
}

static uint64_t pl011_read(void *dev, uint64_t offset, unsigned int len)
{
	struct pl011 *uart = dev;
	unsigned int reg = REG_INDEX(offset);
	uint32_t val = 0;

	(void)len;
	pthread_mutex_lock(&uart->lock);
	if (reg != UARTDR || reg_has_low_byte(offset))
		val = read_reg(uart, reg);
	settle(uart, reg);
	pthread_mutex_unlock(&uart->lock);
	return reg_bytes(val, offset);
}

static void pl011_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct pl011 *uart = dev;
	unsigned int reg = REG_INDEX(offset);

	if (!reg_has_low_byte(offset))
		return;
	pthread_mutex_lock(&uart->lock);
	uart->polls = 0;
	write_reg(uart, reg, reg_value(val, len));
	settle(uart, reg);
	pthread_mutex_unlock(&uart->lock);
}

int pl011_create(struct console *console, struct irq_line *line, struct pl011 **out)
{
	struct pl011 *uart = calloc(1, sizeof(*uart));

	if (!uart)
		return -ENOMEM;
	uart->console = console;
	uart->line = line;
	uart->regs[UARTCR] = RESET_CR;
	uart->regs[UARTIFLS] = RESET_IFLS;
	pthread_mutex_init(&uart->lock, NULL);
	uart->sink = (struct console_sink){
		.input = pl011_input,
		.drained = pl011_drained,
		.ctx = uart,
	};
	if (console)
		console_attach(console, &uart->sink);
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
