/* SPDX-License-Identifier: Apache-2.0 */
/* What the device tests share. */
#include "board.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pl011 *uart;
int typing, showing;

static struct loop *loop;
static struct console *console;
static struct irq_line line;
static pthread_t thread;
static bool running;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool wire;

static int irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	cr_assert_eq(intid, 33);
	pthread_mutex_lock(&lock);
	wire = level;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return 0;
}

static const struct backend_ops ops = { .name = "wire", .irq_set = irq_set };

bool line_is_high(void)
{
	bool high;

	pthread_mutex_lock(&lock);
	high = wire;
	pthread_mutex_unlock(&lock);
	return high;
}

void line_wait(bool high)
{
	pthread_mutex_lock(&lock);
	while (wire != high)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void board_init(void)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };
	int in[2], out[2];

	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	typing = in[1];
	showing = out[0];
	cr_assert_eq(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
	cr_assert_eq(loop_create(&loop), 0);
	cr_assert_eq(console_create(loop, &config, NULL, NULL, &console), 0);
	irq_line_init(&line, &ops, NULL, 33, IRQ_LEVEL_HIGH);
	cr_assert_eq(pl011_create(console, &line, &uart), 0);
}

static void *run(void *ctx)
{
	(void)ctx;
	cr_assert_eq(loop_run(loop), 0);
	return NULL;
}

void board_run(void)
{
	cr_assert_eq(pthread_create(&thread, NULL, run, NULL), 0);
	running = true;
}

void board_halt(void)
{
	if (!running)
		return;
	loop_stop(loop);
	pthread_join(thread, NULL);
	running = false;
}

void wait_read(void)
{
	int left;

	do {
		cr_assert_eq(ioctl(typing, FIONREAD, &left), 0);
		sched_yield();
	} while (left);
}

void board_fini(void)
{
	board_halt();
	close(showing);
	pl011_destroy(uart);
	console_destroy(console);
	loop_destroy(loop);
}

uint32_t get(uint64_t reg)
{
	return (uint32_t)pl011_mmio_ops.read(uart, reg, 4);
}

void put(uint64_t reg, uint32_t val)
{
	pl011_mmio_ops.write(uart, reg, 4, val);
}

void type(const char *text)
{
	cr_assert_eq(write(typing, text, strlen(text)), (ssize_t)strlen(text));
}

void expect_shown(const char *text)
{
	char shown[256];
	size_t len = 0, want = strlen(text);

	while (len < want) {
		ssize_t n = read(showing, shown + len, want - len);

		cr_assert_gt(n, 0);
		len += (size_t)n;
	}
	cr_expect_arr_eq(shown, text, want);
}

unsigned int fill_console(void)
{
	unsigned int sent = 0;

	while (!(get(FR) & FR_TXFF)) {
		put(DR, 'a' + sent % 26);
		sent++;
	}
	return sent;
}
