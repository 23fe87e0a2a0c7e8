/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

struct rig rig;

static int log_file = -1, log_saved = -1;

void rig_init(void)
{
	rig = (struct rig){ .type = -1, .shown = -1, .room = SIZE_MAX };
	cr_assert_eq(loop_create(&rig.loop), 0);
}

void rig_fini(void)
{
	console_destroy(rig.console);
	loop_destroy(rig.loop);
}

void rig_use_pipes(void)
{
	int in[2], out[2];

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	cr_assert_eq(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
	close(in[0]);
	close(out[1]);
	rig.type = in[1];
	rig.shown = out[0];
}

void rig_use_terminal(void)
{
	int master, slave;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(slave, STDOUT_FILENO), STDOUT_FILENO);
	close(slave);
	rig.type = master;
	rig.shown = master;
}

void rig_use_input_file(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
}

static void quit(void *ctx)
{
	(void)ctx;
	rig.quits++;
}

static size_t take(void *ctx, const uint8_t *buf, size_t len)
{
	size_t n = len < rig.room ? len : rig.room;

	(void)ctx;
	cr_assert(rig.got_len + n < sizeof(rig.got));
	memcpy(rig.got + rig.got_len, buf, n);
	rig.got_len += n;
	return n;
}

static void drained(void *ctx)
{
	(void)ctx;
	rig.drained++;
}

void rig_attach(void)
{
	const struct console_sink sink = { .input = take, .drained = drained };

	console_attach(rig.console, &sink);
}

void rig_open(enum console_kind kind, const char *path)
{
	const struct console_config config = { .kind = kind, .path = path };

	cr_assert_eq(console_create(rig.loop, &config, quit, NULL, &rig.console), 0);
	rig_attach();
}

struct watch {
	struct loop_timer timer;
	bool (*done)(void);
};

static void look(void *ctx)
{
	struct watch *watch = ctx;

	if (watch->done())
		loop_stop(rig.loop);
	else
		loop_timer_set(&watch->timer, 200000);
}

void rig_run_until(bool (*done)(void))
{
	struct watch watch = { .done = done };

	cr_assert_eq(loop_timer_init(rig.loop, &watch.timer, look, &watch), 0);
	loop_timer_set(&watch.timer, 1);
	cr_assert_eq(loop_run(rig.loop), 0);
	loop_timer_fini(rig.loop, &watch.timer);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(rig.loop);
}

/* More than once: what is ready first may make something else so. */
void rig_run_ready(void)
{
	struct loop_event end;

	for (int i = 0; i < 5; i++) {
		cr_assert_eq(loop_event_init(rig.loop, &end, stop, NULL), 0);
		loop_event_raise(&end);
		cr_assert_eq(loop_run(rig.loop), 0);
		loop_event_fini(rig.loop, &end);
	}
}

void rig_say(const char *text)
{
	size_t len = strlen(text);

	cr_assert_eq(console_write(rig.console, (const uint8_t *)text, len), len);
}

void rig_type(const char *text)
{
	cr_assert_eq(write(rig.type, text, strlen(text)), (ssize_t)strlen(text));
}

static const char *wanted;

static bool input_is_there(void)
{
	return rig.got_len >= strlen(wanted);
}

void rig_expect_input(const char *text)
{
	wanted = text;
	rig_run_until(input_is_there);
	cr_assert_eq(rig.got_len, strlen(text));
	cr_assert_eq(memcmp(rig.got, text, rig.got_len), 0, "got %.*s", (int)rig.got_len, rig.got);
}

static bool output_is_there(void)
{
	struct pollfd pollfd = { .fd = rig.shown, .events = POLLIN };
	char byte;

	while (*wanted && poll(&pollfd, 1, 0) == 1) {
		cr_assert_eq(read(rig.shown, &byte, 1), 1);
		cr_assert_eq(byte, *wanted, "%d in place of %s", byte, wanted);
		wanted++;
	}
	return !*wanted;
}

void rig_expect_output(const char *text)
{
	wanted = text;
	rig_run_until(output_is_there);
}

size_t rig_fill(void)
{
	size_t total = 0, n;

	do {
		uint8_t buf[251];

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)((total + i) % 251);
		n = console_write(rig.console, buf, sizeof(buf));
		total += n;
	} while (n);
	return total;
}

void rig_log_start(void)
{
	log_file = memfd_create("stderr", MFD_CLOEXEC);
	log_saved = dup(STDERR_FILENO);
	cr_assert_eq(dup2(log_file, STDERR_FILENO), STDERR_FILENO);
}

char *rig_log_stop(void)
{
	off_t size = lseek(log_file, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	cr_assert_eq(dup2(log_saved, STDERR_FILENO), STDERR_FILENO);
	cr_assert(text && pread(log_file, text, (size_t)size, 0) == size);
	close(log_file);
	close(log_saved);
	return text;
}
