/* SPDX-License-Identifier: Apache-2.0 */
/* What the console tests share. */
#include "rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int errors_fd;

static void move_fd(int from, int to)
{
	if (from < 0)
		close(to);
	else
		cr_assert_eq(dup2(from, to), to);
}

void rig_stdio(int in, int out)
{
	fflush(NULL);
	move_fd(in, STDIN_FILENO);
	move_fd(out, STDOUT_FILENO);
}

static size_t take_input(void *ctx, const uint8_t *buf, size_t len)
{
	struct rig *rig = ctx;
	size_t n;

	pthread_mutex_lock(&rig->lock);
	n = rig->room - rig->taken < len ? rig->room - rig->taken : len;
	memcpy(rig->input + rig->taken, buf, n);
	rig->taken += n;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
	return n;
}

static void count(struct rig *rig, unsigned int *what)
{
	pthread_mutex_lock(&rig->lock);
	++*what;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void drained(void *ctx)
{
	struct rig *rig = ctx;

	count(rig, &rig->drained);
}

static void quit(void *ctx)
{
	struct rig *rig = ctx;

	count(rig, &rig->quits);
}

void rig_attach(struct rig *rig)
{
	console_attach(rig->console, &rig->sink);
}

void rig_init(struct rig *rig, enum console_kind kind, const char *path)
{
	struct console_config config = { .kind = kind, .path = path };

	memset(rig, 0, sizeof(*rig));
	rig->room = RIG_INPUT_MAX;
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->changed, NULL);
	rig->sink = (struct console_sink){ .input = take_input, .drained = drained, .ctx = rig };
	cr_assert_eq(loop_create(&rig->loop), 0);
	cr_assert_eq(console_create(rig->loop, &config, quit, rig, &rig->console), 0);
	rig_attach(rig);
}

static void *run(void *ctx)
{
	struct rig *rig = ctx;

	cr_assert_eq(loop_run(rig->loop), 0);
	return NULL;
}

void rig_run(struct rig *rig)
{
	cr_assert_eq(pthread_create(&rig->thread, NULL, run, rig), 0);
	rig->running = true;
}

void rig_halt(struct rig *rig)
{
	if (!rig->running)
		return;
	loop_stop(rig->loop);
	pthread_join(rig->thread, NULL);
	rig->running = false;
}

void rig_fini(struct rig *rig)
{
	rig_halt(rig);
	console_destroy(rig->console);
	loop_destroy(rig->loop);
	pthread_cond_destroy(&rig->changed);
	pthread_mutex_destroy(&rig->lock);
}

void rig_allow(struct rig *rig, size_t more)
{
	pthread_mutex_lock(&rig->lock);
	rig->room += more;
	pthread_mutex_unlock(&rig->lock);
	console_input_ready(rig->console);
}

void rig_wait_input(struct rig *rig, size_t total)
{
	pthread_mutex_lock(&rig->lock);
	while (rig->taken < total)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

static void wait_count(struct rig *rig, const unsigned int *what, unsigned int times)
{
	pthread_mutex_lock(&rig->lock);
	while (*what < times)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

unsigned int rig_drained(struct rig *rig)
{
	unsigned int times;

	pthread_mutex_lock(&rig->lock);
	times = rig->drained;
	pthread_mutex_unlock(&rig->lock);
	return times;
}

void rig_wait_drained(struct rig *rig, unsigned int times)
{
	wait_count(rig, &rig->drained, times);
}

void rig_wait_quits(struct rig *rig, unsigned int times)
{
	wait_count(rig, &rig->quits, times);
}

void rig_send(struct rig *rig, const void *buf, size_t len)
{
	const uint8_t *from = buf;
	unsigned int waits = rig_drained(rig);

	while (len) {
		size_t n = console_write(rig->console, from, len);

		from += n;
		len -= n;
		if (len)
			rig_wait_drained(rig, ++waits);
	}
}

void rig_pattern(uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i % 2 ? i / 512 : i / 2);
}

size_t rig_read(int fd, void *buf, size_t len)
{
	size_t total = 0;

	while (total < len) {
		ssize_t n = read(fd, (char *)buf + total, len - total);

		if (n <= 0)
			break;
		total += (size_t)n;
	}
	return total;
}

void rig_wait_read(int fd)
{
	int left;

	do {
		cr_assert_eq(ioctl(fd, FIONREAD, &left), 0);
		sched_yield();
	} while (left);
}

void rig_fill(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };
	int flags = fcntl(fd, F_GETFL);
	char page[4096] = "";

	cr_assert_eq(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
	while (poll(&ready, 1, 0) == 1 && write(fd, page, sizeof(page)) > 0)
		;
	cr_assert_eq(fcntl(fd, F_SETFL, flags), 0);
}

void rig_keep_errors(void)
{
	errors_fd = memfd_create("errors", MFD_CLOEXEC);
	cr_assert_geq(errors_fd, 0);
	fflush(NULL);
	cr_assert_eq(dup2(errors_fd, STDERR_FILENO), STDERR_FILENO);
}

const char *rig_errors(void)
{
	static char text[4096];
	ssize_t n = pread(errors_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}
