/* SPDX-License-Identifier: Apache-2.0 */
#include "uart.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

struct uart uart;

static int record_level(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	cr_assert_eq(intid, 33);
	cr_assert_neq(level, uart.wire, "asked for the level that is there");
	uart.edges += level;
	uart.wire = level;
	return 0;
}

static const struct backend_ops recording_ops = { .irq_set = record_level };

static void init_pl011(void)
{
	irq_line_init(&uart.line, &recording_ops, NULL, 33, IRQ_LEVEL_HIGH);
	cr_assert_eq(pl011_create(uart.console, &uart.line, &uart.pl011), 0);
}

void uart_init_unconnected(void)
{
	uart = (struct uart){ .type = -1, .shown = -1 };
	init_pl011();
}

void uart_init(void)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };
	int in[2], out[2];

	uart = (struct uart){ 0 };
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	cr_assert_eq(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
	close(in[0]);
	close(out[1]);
	cr_assert_gt(fcntl(out[0], F_SETPIPE_SZ, 4096), 0);
	uart.type = in[1];
	uart.shown = out[0];
	cr_assert_eq(loop_create(&uart.loop), 0);
	cr_assert_eq(console_create(uart.loop, &config, NULL, NULL, &uart.console), 0);
	init_pl011();
	uart_run_ready();
}

void uart_fini(void)
{
	pl011_destroy(uart.pl011);
	if (uart.shown >= 0)
		close(uart.shown); /* so that nothing is flushed */
	console_destroy(uart.console);
	loop_destroy(uart.loop);
}

uint32_t uart_read(uint64_t offset)
{
	return (uint32_t)pl011_mmio_ops.read(uart.pl011, offset, 4);
}

void uart_write(uint64_t offset, uint32_t val)
{
	pl011_mmio_ops.write(uart.pl011, offset, 4, val);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(uart.loop);
}

void uart_run_ready(void)
{
	struct loop_event end;

	for (int i = 0; i < 5; i++) {
		cr_assert_eq(loop_event_init(uart.loop, &end, stop, NULL), 0);
		loop_event_raise(&end);
		cr_assert_eq(loop_run(uart.loop), 0);
		loop_event_fini(uart.loop, &end);
	}
}

void uart_type(uint8_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t byte = (uint8_t)(first + i);

		cr_assert_eq(write(uart.type, &byte, 1), 1);
	}
	uart_run_ready();
}

size_t uart_send_until_full(void)
{
	size_t count = 0;

	/* Served in between, so that the pipe is full before the ring is. */
	while (!(uart_read(UARTFR) & FR_TXFF)) {
		uart_write(UARTDR, (uint32_t)(count++ & 0xff));
		if (count % 4096 == 0)
			uart_run_ready();
	}
	return count;
}

void uart_expect_sent(uint8_t first, size_t count)
{
	struct pollfd pollfd = { .fd = uart.shown, .events = POLLIN };

	for (size_t i = 0; i < count; i++) {
		uint8_t byte;

		while (poll(&pollfd, 1, 0) != 1)
			uart_run_ready();
		cr_assert_eq(read(uart.shown, &byte, 1), 1);
		cr_assert_eq(byte, (uint8_t)(first + i), "byte %zu", i);
	}
}
