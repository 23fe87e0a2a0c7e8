/* SPDX-License-Identifier: Apache-2.0 */
/* PL011 and the console: how drivers send and receive, and what threads do to that. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"

TestSuite(pl011_console, .init = board_init, .fini = board_fini);

static void enable(uint32_t interrupts)
{
	put(LCR_H, LCR_H_FEN);
	put(CR, UART_ON);
	put(IMSC, interrupts);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

Test(pl011_console, what_is_sent_is_gone_at_once)
{
	enable(0);
	cr_expect_eq(get(RIS) & INT_TX, 0);
	put(DR, 'x');
	cr_expect_eq(get(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
	cr_expect(get(RIS) & INT_TX);
}

Test(pl011_console, the_transmit_interrupt_is_cleared_until_the_next_byte)
{
	enable(INT_TX);
	put(DR, 'x');
	cr_expect(line_is_high());
	put(ICR, INT_TX);
	cr_expect_not(line_is_high());
	put(DR, 'y');
	cr_expect(line_is_high());
}

/* 64 KiB of ring and a FIFO of 32: then it is full, and no vCPU waits. */
Test(pl011_console, a_full_console_fills_the_fifo)
{
	enable(INT_TX);
	cr_expect_eq(fill_console(), 65536 + 32);
	cr_expect_eq(get(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFF | FR_BUSY);
	cr_expect_eq(get(RIS) & INT_TX, 0);
	cr_expect_not(line_is_high());
}

Test(pl011_console, a_fifo_that_is_off_is_full_with_one_byte)
{
	put(CR, UART_ON);
	cr_expect_eq(fill_console(), 65536 + 1);
}

/*
 * Linux takes the transmit interrupt as room for half a FIFO: it writes 16 bytes without a look at
 * the flags. Below the level there is no interrupt, and what is promised fits.
 */
Test(pl011_console, the_transmit_interrupt_promises_half_a_fifo)
{
	unsigned int sent, more;

	enable(INT_TX);
	for (sent = 0; line_is_high() || !sent; sent++)
		put(DR, 'a' + sent % 26);
	cr_expect_eq(sent, 65536 + 17);
	for (more = 0; !(get(FR) & FR_TXFF); more++)
		put(DR, 'x');
	cr_expect_eq(more, 15);
}

/* The whole of a driver's transmission by interrupts, with a reader slower than the guest. */
Test(pl011_console, a_driver_that_sends_by_interrupts_loses_nothing)
{
	const unsigned int total = 400000;
	unsigned int sent = 0, seen = 0;
	static uint8_t shown[65536];

	enable(0);
	sent = fill_console();
	put(IMSC, INT_TX);
	board_run();
	while (seen < total) {
		ssize_t n = read(showing, shown, sizeof(shown));

		cr_assert_gt(n, 0);
		for (ssize_t i = 0; i < n; i++, seen++)
			cr_assert_eq(shown[i], 'a' + seen % 26);
		while (line_is_high() && sent < total)
			for (unsigned int i = 0; i < 16 && sent < total; i++, sent++)
				put(DR, 'a' + sent % 26);
		/* With nothing left to read the next interrupt is due. */
		if (seen == sent && sent < total)
			line_wait(true);
	}
	cr_expect_eq(sent, total);
}

Test(pl011_console, a_byte_for_a_full_fifo_is_lost_and_no_other)
{
	unsigned int sent, seen = 0;
	static uint8_t shown[4096];

	enable(0);
	sent = fill_console();
	put(DR, '!');
	board_run();
	while (seen < sent) {
		ssize_t n = read(showing, shown, sizeof(shown));

		for (ssize_t i = 0; i < n; i++, seen++)
			cr_assert_eq(shown[i], 'a' + seen % 26);
	}
	put(DR, '.');
	expect_shown(".");
}

/* ---- receiving --------------------------------------------------------------------------------
 */

static void expect_polled(const char *text)
{
	for (; *text; text++) {
		while (get(FR) & FR_RXFE)
			;
		cr_expect_eq(get(DR), (uint32_t)*text);
	}
}

Test(pl011_console, a_guest_that_polls_receives)
{
	enable(0);
	board_run();
	type("polled");
	expect_polled("polled");
}

/* Firmware that never heard of UARTCR, with the FIFO off. */
Test(pl011_console, a_guest_that_polls_need_not_enable_anything)
{
	board_run();
	type("polled");
	expect_polled("polled");
}

Test(pl011_console, input_interrupts)
{
	enable(INT_RX | INT_RT);
	board_run();
	type("k");
	line_wait(true);
	cr_expect_eq(get(DR), 'k');
	cr_expect_not(line_is_high());
	type("e");
	line_wait(true);
	cr_expect_eq(get(DR), 'e');
}

/* Far more than the FIFO holds: it is taken as there is room, and nothing is lost. */
Test(pl011_console, a_burst_arrives_whole)
{
	static char text[20001];

	for (unsigned int i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('!' + i % 90);
	enable(INT_RX | INT_RT);
	board_run();
	type(text);
	for (unsigned int i = 0; i < sizeof(text) - 1; i++) {
		line_wait(true);
		cr_assert_eq(get(DR), (uint32_t)text[i], "byte %u", i);
	}
	cr_expect_eq(get(RIS) & INT_OE, 0);
}

/* Its handler reads one byte, clears what it saw, and goes: it must hear of all the others. */
Test(pl011_console, a_driver_that_reads_one_byte_an_interrupt_is_not_left_waiting)
{
	static char text[1001];
	unsigned int seen = 0;

	for (unsigned int i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('!' + i % 90);
	enable(INT_RX | INT_RT);
	board_run();
	type(text);
	/* What the FIFO holds at the end is not announced again, as on hardware. */
	while (seen < sizeof(text) - 1 - 32) {
		line_wait(true);
		cr_assert_eq(get(DR), (uint32_t)text[seen++]);
		put(ICR, INT_RX | INT_RT);
	}
	for (; seen < sizeof(text) - 1; seen++) {
		while (get(FR) & FR_RXFE)
			;
		cr_assert_eq(get(DR), (uint32_t)text[seen]);
	}
}

/*
 * What Linux does to a port, with input that was there before it: messages while nobody has the
 * port open, then pl011_startup(), which throws away what the FIFO holds. Nothing may be in it.
 */
Test(pl011_console, input_waits_until_linux_opens_the_port)
{
	put(LCR_H, LCR_H_FEN | 0x60);
	board_run();
	type("typed ahead");
	for (unsigned int i = 0; i < 1000; i++) {
		put(CR, UART_ON);
		cr_assert_eq(get(FR) & FR_TXFF, 0);
		put(DR, 'm');
		while (get(FR) & FR_BUSY)
			;
		put(CR, 0x300);
	}
	for (unsigned int seen = 0; seen < 1000; seen++)
		expect_shown("m");
	put(ICR, 0x7d0);
	put(IMSC, INT_RX | INT_RT);
	/* Time for a loop that takes this for a wish: what it shows second it shows in a new turn.
	 */
	put(DR, 'm');
	expect_shown("m");
	put(DR, 'm');
	expect_shown("m");
	put(IMSC, 0);
	put(IFLS, 0x12);
	put(CR, UART_ON);
	get(FR);
	put(ICR, INT_RX | INT_RT);
	cr_expect(get(FR) & FR_RXFE);
	put(IMSC, INT_RX | INT_RT);
	for (const char *want = "typed ahead"; *want; want++) {
		line_wait(true);
		cr_expect_eq(get(DR), (uint32_t)*want);
	}
}

Test(pl011_console, input_waits_for_the_end_of_a_loopback)
{
	enable(INT_RX | INT_RT);
	put(CR, UART_ON | CR_LBE);
	type("x");
	board_run();
	wait_read();
	board_halt();
	put(DR, 'l');
	cr_expect_eq(get(DR), 'l');
	cr_expect_not(line_is_high());
	board_run();
	put(CR, UART_ON);
	line_wait(true);
	cr_expect_eq(get(DR), 'x');
}

Test(pl011_console, a_fifo_that_is_off_takes_one_byte)
{
	put(CR, UART_ON);
	put(IMSC, INT_RX);
	type("abc");
	board_run();
	line_wait(true);
	/* Forgets what the FIFO holds. */
	put(LCR_H, LCR_H_FEN);
	put(IMSC, INT_RX | INT_RT);
	line_wait(true);
	cr_expect_eq(get(DR), 'b');
}

/* ---- threads ----------------------------------------------------------------------------------
 */

#define SENDERS 3u
#define EACH	30000u /* bytes of one sender */
#define TYPED	30000u

/* A guest's own lock of its port. */
static pthread_mutex_t port = PTHREAD_MUTEX_INITIALIZER;

/* A byte says who sent it, and when. */
static uint8_t byte_of(unsigned int sender, unsigned int n)
{
	return (uint8_t)(sender << 6 | n % 64);
}

static void *vcpu_sends(void *ctx)
{
	unsigned int sender = *(const unsigned int *)ctx;
	unsigned int n = 0;

	while (n < EACH) {
		pthread_mutex_lock(&port);
		if (!(get(FR) & FR_TXFF))
			put(DR, byte_of(sender, n++));
		pthread_mutex_unlock(&port);
	}
	return NULL;
}

static void *vcpu_receives(void *ctx)
{
	atomic_uint *wrong = ctx;

	for (unsigned int n = 0; n < TYPED; n++) {
		line_wait(true);
		if (get(DR) != byte_of(3, n))
			atomic_fetch_add(wrong, 1);
	}
	return NULL;
}

static void *user_types(void *ctx)
{
	static uint8_t typed[TYPED];

	(void)ctx;
	for (unsigned int n = 0; n < TYPED; n++)
		typed[n] = byte_of(3, n);
	cr_assert_eq(write(typing, typed, TYPED), TYPED);
	return NULL;
}

/* Reads all that is shown; how many bytes of it are not the next of their sender. */
static unsigned int check_shown(void)
{
	unsigned int next[4] = { 0 }, wrong = 0;
	static uint8_t shown[4096];

	for (unsigned int total = 0; total < SENDERS * EACH;) {
		ssize_t n = read(showing, shown, sizeof(shown));

		cr_assert_gt(n, 0);
		for (ssize_t i = 0; i < n; i++, total++)
			wrong += shown[i] != byte_of(shown[i] >> 6, next[shown[i] >> 6]++);
	}
	return wrong;
}

/* vCPUs that send and receive, the loop, a user at both ends: no byte lost, none out of turn. */
Test(pl011_console, threads_lose_and_reorder_nothing)
{
	static unsigned int ids[SENDERS] = { 0, 1, 2 };
	pthread_t senders[SENDERS], receiver, user;
	atomic_uint wrong = 0;

	enable(INT_RX | INT_RT);
	board_run();
	cr_assert_eq(pthread_create(&receiver, NULL, vcpu_receives, &wrong), 0);
	cr_assert_eq(pthread_create(&user, NULL, user_types, NULL), 0);
	for (unsigned int i = 0; i < SENDERS; i++)
		cr_assert_eq(pthread_create(&senders[i], NULL, vcpu_sends, &ids[i]), 0);
	cr_expect_eq(check_shown(), 0);
	for (unsigned int i = 0; i < SENDERS; i++)
		pthread_join(senders[i], NULL);
	pthread_join(user, NULL);
	pthread_join(receiver, NULL);
	cr_expect_eq(atomic_load(&wrong), 0);
}
