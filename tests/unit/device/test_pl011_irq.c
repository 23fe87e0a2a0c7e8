/* SPDX-License-Identifier: Apache-2.0 */
/* PL011: interrupts, and the register sequences of Linux's drivers/tty/serial/amba-pl011.c. */
#include <criterion/criterion.h>

#include "uart.h"

TestSuite(pl011_irq, .init = uart_init, .fini = uart_fini, .timeout = 60);

static void expect_rx(size_t count, uint32_t want)
{
	cr_expect_eq(uart_read(UARTRIS) & (INT_RX | INT_RT), want, "with %zu bytes", count);
}

/* Each level of UARTIFLS, 3.3.9. */
Test(pl011_irq, receive_levels_follow_ifls)
{
	static const unsigned int levels[] = { 4, 8, 16, 24, 28 };

	uart_write(UARTLCR_H, LCR_H_FEN);
	for (uint32_t i = 0; i < 5; i++) {
		uart_write(UARTIFLS, i << 3);
		uart_type(0, levels[i] - 1);
		expect_rx(levels[i] - 1, INT_RT);
		uart_type(0, 1);
		expect_rx(levels[i], INT_RX | INT_RT);
		uart_read(UARTDR);
		expect_rx(levels[i] - 1, INT_RT);
		while (!(uart_read(UARTFR) & FR_RXFE))
			uart_read(UARTDR);
		expect_rx(0, 0);
	}
}

Test(pl011_irq, a_level_that_is_lowered_counts_at_once)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_type(0, 10);
	expect_rx(10, INT_RT);
	uart_write(UARTIFLS, 0);
	expect_rx(10, INT_RX | INT_RT);
}

Test(pl011_irq, without_fifos_each_byte_is_an_interrupt)
{
	uart_type(0, 1);
	expect_rx(1, INT_RX | INT_RT);
	uart_read(UARTDR);
	expect_rx(0, 0);
}

Test(pl011_irq, the_wire_follows_what_is_masked)
{
	uart_write(UARTIMSC, INT_TX);
	uart_type(0, 1);
	cr_expect_not(uart.wire);
	cr_expect_eq(uart_read(UARTMIS), 0);
	uart_write(UARTIMSC, INT_RX);
	cr_expect(uart.wire);
	cr_expect_eq(uart_read(UARTMIS), INT_RX);
	uart_write(UARTIMSC, 0);
	cr_expect_not(uart.wire);
	cr_expect_eq(uart_read(UARTRIS) & INT_RX, INT_RX);
}

Test(pl011_irq, input_raises_the_wire_and_reading_lowers_it)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_write(UARTIMSC, INT_RX | INT_RT);
	uart_type(0, 2);
	cr_expect(uart.wire);
	uart_read(UARTDR);
	cr_expect(uart.wire, "one byte is left");
	uart_read(UARTDR);
	cr_expect_not(uart.wire);
}

Test(pl011_irq, clearing_lowers_the_wire_until_more_comes)
{
	uart_write(UARTLCR_H, LCR_H_FEN);
	uart_write(UARTIMSC, INT_RX | INT_RT);
	uart_type(0, 2);
	uart_write(UARTICR, INT_RX);
	cr_expect(uart.wire, "another interrupt was cleared");
	uart_write(UARTICR, INT_RT);
	cr_expect_not(uart.wire);
	uart_type(2, 1);
	cr_expect(uart.wire);
}

/* "The interrupt is based on a transition", 2.8.3: none before anything was sent. */
Test(pl011_irq, sending_raises_the_transmit_interrupt_and_clearing_lowers_it)
{
	uart_write(UARTIMSC, INT_TX);
	cr_expect_not(uart.wire);
	uart_write(UARTDR, 'x');
	cr_expect(uart.wire);
	uart_write(UARTICR, INT_TX);
	cr_expect_not(uart.wire);
	uart_write(UARTDR, 'y');
	cr_expect(uart.wire);
}

Test(pl011_irq, a_full_transmitter_interrupts_when_it_has_room)
{
	size_t count;

	uart_write(UARTLCR_H, LCR_H_FEN);
	count = uart_send_until_full();
	cr_expect_eq(uart_read(UARTRIS) & INT_TX, 0);
	uart_write(UARTIMSC, INT_TX);
	cr_expect_not(uart.wire);
	uart_expect_sent(0, count - 1000);
	cr_expect(uart.wire);
	cr_expect_eq(uart_read(UARTMIS), INT_TX);
	uart_expect_sent((uint8_t)(count - 1000), 1000);
}

Test(pl011_irq, without_fifos_the_transmitter_interrupts_when_it_is_empty)
{
	size_t count = uart_send_until_full();

	uart_write(UARTIMSC, INT_TX);
	cr_expect_not(uart.wire);
	uart_expect_sent(0, count);
	uart_run_ready();
	cr_expect(uart.wire);
}

/* Bytes in the transmit FIFO as the ring is full: the interrupt goes above the level. */
Test(pl011_irq, transmit_levels_follow_ifls)
{
	static const unsigned int levels[] = { 4, 8, 16, 24, 28 };

	for (uint32_t i = 0; i < 5; i++) {
		size_t count = 0;

		uart_write(UARTLCR_H, LCR_H_FEN);
		uart_write(UARTIFLS, i);
		do {
			uart_write(UARTDR, 0);
			if (++count % 4096 == 0)
				uart_run_ready();
		} while (uart_read(UARTFR) & FR_TXFE);
		for (unsigned int used = 1; used <= 32; used++) {
			uint32_t want = used <= levels[i] ? INT_TX : 0;

			cr_assert_eq(uart_read(UARTRIS) & INT_TX, want, "%u of level %u", used,
				     levels[i]);
			uart_write(UARTDR, 0);
		}
		uart_write(UARTLCR_H, 0);
		cr_expect_eq(uart_read(UARTFR) & FR_TXFE, FR_TXFE, "flushed");
		cr_expect_eq(uart_read(UARTRIS) & INT_TX, INT_TX);
	}
}

/* pl011_startup(), pl011_hwinit(), pl011_enable_interrupts(). */
static void linux_startup(void)
{
	uart_write(UARTICR, 0x7d0);
	uart_read(UARTIMSC);
	uart_write(UARTIMSC, INT_RT | INT_RX);
	uart_write(UARTIFLS, 0x12);
	uart_write(UARTCR, 0x301);
	uart_write(UARTLCR_H, 0x70);
	uart_write(UARTICR, INT_RT | INT_RX);
	for (int i = 0; i < 64 && !(uart_read(UARTFR) & FR_RXFE); i++)
		uart_read(UARTDR);
	uart_write(UARTIMSC, INT_RT | INT_RX);
}

static uint8_t received[4096];
static size_t nr_received, to_send, nr_sent;

/* pl011_tx_chars(): from an interrupt, half a FIFO without a look at the flags. */
static void linux_tx_chars(bool from_irq)
{
	for (int i = 0; nr_sent < to_send && !(from_irq && i == 16); i++) {
		if (!from_irq && (uart_read(UARTFR) & FR_TXFF))
			return;
		uart_write(UARTDR, (uint32_t)(nr_sent++ & 0xff));
	}
	if (nr_sent == to_send)
		uart_write(UARTIMSC, uart_read(UARTIMSC) & ~(uint32_t)INT_TX);
}

/* pl011_int(): as long as the wire is up. */
static void linux_interrupt(void)
{
	for (int pass = 0; pass < 256 && uart.wire; pass++) {
		uint32_t status = uart_read(UARTRIS) & uart_read(UARTIMSC);

		uart_write(UARTICR, status & ~(uint32_t)(INT_TX | INT_RT | INT_RX));
		if (status & (INT_RT | INT_RX))
			while (!(uart_read(UARTFR) & FR_RXFE) && nr_received < sizeof(received))
				received[nr_received++] = (uint8_t)uart_read(UARTDR);
		if (status & INT_TX)
			linux_tx_chars(true);
	}
}

Test(pl011_irq, linux_receives_every_byte)
{
	linux_startup();
	for (int i = 0; i < 10; i++) {
		uart_type((uint8_t)(i * 100), 100);
		while (uart.wire) {
			linux_interrupt();
			uart_run_ready();
		}
	}
	cr_assert_eq(nr_received, 1000);
	for (size_t i = 0; i < nr_received; i++)
		cr_assert_eq(received[i], (uint8_t)i);
	cr_expect_not(uart.wire);
}

Test(pl011_irq, linux_drops_what_was_typed_before_it_started_and_goes_on)
{
	uart_type(0, 1);
	linux_startup();
	cr_expect_not(uart.wire);
	uart_type(7, 1);
	linux_interrupt();
	cr_expect_eq(nr_received, 1);
	cr_expect_eq(received[0], 7);
}

/* Through a full ring and pipe: the interrupt never promises room that is not there. */
Test(pl011_irq, linux_sends_every_byte)
{
	size_t seen = 0;

	linux_startup();
	to_send = 3 * 65536;
	linux_tx_chars(false);
	uart_write(UARTIMSC, uart_read(UARTIMSC) | INT_TX);
	while (seen < to_send) {
		uart_run_ready();
		linux_interrupt();
		uart_expect_sent((uint8_t)seen, 256);
		seen += 256;
	}
	uart_run_ready();
	linux_interrupt();
	cr_expect_eq(nr_sent, to_send);
	cr_expect_not(uart.wire);
}

/* pl011_console_putchar(), pl011_console_write(): polls, with no interrupt. */
Test(pl011_irq, linux_console_polls_the_flags)
{
	linux_startup();
	uart_write(UARTIMSC, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		cr_assert_eq(uart_read(UARTFR) & FR_TXFF, 0);
		uart_write(UARTDR, i & 0xff);
	}
	cr_expect_eq(uart_read(UARTFR) & FR_BUSY, 0);
	uart_expect_sent(0, 1000);
	cr_expect_eq(uart.edges, 0);
}
