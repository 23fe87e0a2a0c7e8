/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs print, read and look at registers of one PL011 while the loop writes out and feeds input.
 *
 * Each printed byte carries its thread and a count, so that a lost or a reordered one shows. The
 * printers share a lock, as Linux's port lock, since hardware too loses a byte that is written
 * between another's look at the flags and its store; the others take none.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "check.h"
#include "device/pl011.h"

#define UARTDR	  0x000
#define UARTFR	  0x018
#define UARTLCR_H 0x02c
#define UARTCR	  0x030
#define UARTIFLS  0x034
#define UARTIMSC  0x038
#define UARTRIS	  0x03c
#define FR_TXFF	  0x20
#define FR_RXFE	  0x10
#define LCR_H_FEN 0x10
#define CR_ENABLE 0x301 /* the UART, both ways */

#define PRINTERS 3u
#define BYTES	 60000u /* each; together more than ring and pipe hold */
#define TYPED	 20000u

static struct {
	struct loop *loop;
	struct console *console;
	struct pl011 *pl011;
	struct irq_line line;
	pthread_mutex_t port_lock;
	int type, shown;
	_Atomic bool done;
	bool level; /* the uart's lock */
} rig;

static int set_level(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	CHECK(level != rig.level);
	rig.level = level;
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = set_level };

static uint32_t reg_read(uint64_t offset)
{
	return (uint32_t)pl011_mmio_ops.read(rig.pl011, offset, 4);
}

static void reg_write(uint64_t offset, uint32_t val)
{
	pl011_mmio_ops.write(rig.pl011, offset, 4, val);
}

static void print_byte(uint8_t byte)
{
	bool sent = false;

	while (!sent) {
		pthread_mutex_lock(&rig.port_lock);
		sent = !(reg_read(UARTFR) & FR_TXFF);
		if (sent)
			reg_write(UARTDR, byte);
		pthread_mutex_unlock(&rig.port_lock);
		if (!sent)
			sched_yield();
	}
}

static void *printer(void *arg)
{
	unsigned int id = (unsigned int)(uintptr_t)arg;

	for (unsigned int i = 0; i < BYTES; i++)
		print_byte((uint8_t)(id << 6 | (i & 0x3f)));
	return NULL;
}

static void *reader(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < TYPED; i++) {
		while (reg_read(UARTFR) & FR_RXFE)
			sched_yield();
		CHECK(reg_read(UARTDR) == (uint8_t)i);
	}
	return NULL;
}

/*
 * Does what an interrupt handler does to the masks and levels, at any time. Receive interrupts are
 * let through for some turns on end: a mask that is open for one may be closed each time that the
 * loop looks, where all threads share a CPU.
 */
static void *meddler(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; !atomic_load(&rig.done); i++) {
		reg_write(UARTIMSC, i & 8 ? 0x70 : 0);
		reg_write(UARTIFLS, i % 5 | (i / 5 % 5) << 3);
		reg_read(UARTRIS);
		sched_yield();
	}
	return NULL;
}

static void *typist(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < TYPED;) {
		uint8_t buf[100];

		for (unsigned int n = 0; n < sizeof(buf); n++)
			buf[n] = (uint8_t)(i + n);
		NEED(write(rig.type, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
		i += (unsigned int)sizeof(buf);
	}
	return NULL;
}

/* The reader of what is printed. */
static void *spectator(void *arg)
{
	unsigned int counts[4] = { 0 };
	uint8_t buf[777];
	unsigned int left = PRINTERS * BYTES;

	(void)arg;
	while (left) {
		ssize_t n = read(rig.shown, buf, sizeof(buf));

		NEED(n > 0 && (unsigned int)n <= left);
		for (ssize_t i = 0; i < n; i++)
			CHECK((counts[buf[i] >> 6]++ & 0x3f) == (buf[i] & 0x3f));
		left -= (unsigned int)n;
	}
	for (unsigned int i = 0; i < PRINTERS; i++)
		CHECK(counts[i] == BYTES);
	return NULL;
}

static void *run_loop(void *arg)
{
	(void)arg;
	NEED(loop_run(rig.loop) == 0);
	return NULL;
}

static void rig_init(void)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };
	int in[2], out[2];

	NEED(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	NEED(dup2(in[0], STDIN_FILENO) == STDIN_FILENO);
	NEED(dup2(out[1], STDOUT_FILENO) == STDOUT_FILENO);
	close(in[0]);
	close(out[1]);
	rig.type = in[1];
	rig.shown = out[0];
	atomic_store(&rig.done, false);
	pthread_mutex_init(&rig.port_lock, NULL);
	NEED(loop_create(&rig.loop) == 0);
	NEED(console_create(rig.loop, &config, NULL, NULL, &rig.console) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 33, IRQ_LEVEL_HIGH);
	NEED(pl011_create(rig.console, &rig.line, &rig.pl011) == 0);
}

static void rig_fini(void)
{
	pl011_destroy(rig.pl011);
	console_destroy(rig.console);
	loop_destroy(rig.loop);
	pthread_mutex_destroy(&rig.port_lock);
	close(rig.type);
	close(rig.shown);
	rig.level = false;
}

static void no_byte_is_lost_or_reordered(void)
{
	pthread_t loop, meddling, others[PRINTERS + 3];
	unsigned int n = 0;

	rig_init();
	reg_write(UARTLCR_H, LCR_H_FEN);
	reg_write(UARTCR, CR_ENABLE);
	loop = check_spawn(run_loop, NULL);
	meddling = check_spawn(meddler, NULL);
	for (uintptr_t i = 0; i < PRINTERS; i++)
		others[n++] = check_spawn(printer, (void *)i);
	others[n++] = check_spawn(reader, NULL);
	others[n++] = check_spawn(typist, NULL);
	others[n++] = check_spawn(spectator, NULL);
	while (n)
		pthread_join(others[--n], NULL);
	atomic_store(&rig.done, true);
	pthread_join(meddling, NULL);
	loop_stop(rig.loop);
	pthread_join(loop, NULL);
	rig_fini();
}

/* Bytes with pauses of every length around the gather time: each must wake the loop or be seen. */
static void every_byte_arrives_after_a_pause(void)
{
	struct pollfd pollfd;
	pthread_t loop;

	rig_init();
	loop = check_spawn(run_loop, NULL);
	pollfd = (struct pollfd){ .fd = rig.shown, .events = POLLIN };
	for (unsigned int i = 0; i < 1000; i++) {
		struct timespec pause = { .tv_nsec = (long)(i * 2503 % 2000000) };
		uint8_t byte = 0;

		nanosleep(&pause, NULL);
		print_byte((uint8_t)i);
		NEED(poll(&pollfd, 1, 60000) == 1);
		NEED(read(rig.shown, &byte, 1) == 1);
		CHECK(byte == (uint8_t)i);
	}
	loop_stop(rig.loop);
	pthread_join(loop, NULL);
	rig_fini();
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("no byte is lost or reordered", no_byte_is_lost_or_reordered);
	passed += check_run("every byte arrives after a pause", every_byte_arrives_after_a_pause);
	return check_end(passed, 2 - passed);
}
