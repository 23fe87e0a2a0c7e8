/* SPDX-License-Identifier: Apache-2.0 */
/* The console on a user's terminal, and on a pseudo terminal of its own. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console/ring.h"
#include "rig.h"

TestSuite(console_tty, .init = rig_init, .fini = rig_fini, .timeout = 60);

static void open_terminal(void)
{
	rig_use_terminal();
	rig_open(CONSOLE_STDIO, NULL);
}

static tcflag_t local_mode(void)
{
	struct termios mode;

	cr_assert_eq(tcgetattr(STDIN_FILENO, &mode), 0);
	return mode.c_lflag;
}

static bool has_quit(void)
{
	return rig.quits > 0;
}

Test(console_tty, a_terminal_is_raw_until_the_end)
{
	tcflag_t before;

	rig_use_terminal();
	before = local_mode();
	rig_open(CONSOLE_STDIO, NULL);
	cr_expect_eq(local_mode() & (ICANON | ECHO | ISIG), 0);
	console_destroy(rig.console);
	rig.console = NULL;
	cr_expect_eq(local_mode(), before);
}

Test(console_tty, a_terminal_gets_output_with_carriage_returns)
{
	open_terminal();
	rig_say("one\ntwo\n");
	rig_expect_output("one\r\ntwo\r\n");
}

Test(console_tty, keys_reach_the_guest_one_by_one)
{
	open_terminal();
	rig_type("ab\3\r");
	rig_expect_input("ab\3\r");
}

Test(console_tty, escape_x_quits)
{
	open_terminal();
	rig_type("a\1xb");
	rig_run_until(has_quit);
	rig_expect_input("ab");
	cr_expect_eq(rig.quits, 1);
}

Test(console_tty, escape_h_helps)
{
	open_terminal();
	rig_type("\1h");
	rig_expect_output("\r\nCtrl-A x");
	cr_expect_eq(rig.got_len, 0);
}

Test(console_tty, escape_twice_sends_one)
{
	open_terminal();
	rig_type("\1\1x");
	rig_expect_input("\1x");
	cr_expect_eq(rig.quits, 0);
}

Test(console_tty, an_escape_may_come_in_two_pieces)
{
	open_terminal();
	rig_type("a\1");
	rig_expect_input("a");
	rig_type("x");
	rig_run_until(has_quit);
	cr_expect_eq(rig.got_len, 1);
}

/* Its user must be able to end a guest that hangs, whatever was typed before. */
Test(console_tty, the_escape_works_while_the_guest_takes_nothing)
{
	char text[201];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rig.room = 0;
	open_terminal();
	for (int i = 0; i < 5; i++) {
		rig_type(text);
		rig_run_ready();
	}
	rig_type("\1x");
	rig_run_until(has_quit);
	rig.room = SIZE_MAX;
	console_input_ready(rig.console);
	rig_run_ready();
	cr_expect_eq(rig.got_len, 256, "what was typed first waited, the rest is lost");
}

Test(console_tty, the_escape_works_between_two_guests)
{
	open_terminal();
	console_attach(rig.console, NULL);
	rig_type("ahead\1x");
	rig_run_until(has_quit);
	rig_attach();
	rig_expect_input("ahead");
}

/* A terminal that polls as writable may not take a whole piece: the loop must not wait for it. */
Test(console_tty, a_terminal_that_stopped_reading_does_not_hold_the_loop)
{
	open_terminal();
	while (rig_fill())
		rig_run_ready();
	rig_type("\1x");
	rig_run_until(has_quit);
	cr_expect_not(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK);
	cr_expect_not(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK);
}

static int user = -1;

/* Makes the console on a pseudo terminal, and opens it as its user does if @opened. */
static void open_pty(bool opened)
{
	char *log, *name;

	rig_log_start();
	rig_open(CONSOLE_PTY, NULL);
	log = rig_log_stop();
	name = strstr(log, "/dev/pts/");
	cr_assert_not_null(name, "%s", log);
	*strchr(name, '\n') = '\0';
	if (opened) {
		user = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		cr_assert_geq(user, 0);
		rig.type = user;
		rig.shown = user;
	} else {
		rig.shown = open(name, O_PATH | O_CLOEXEC);
	}
	free(log);
}

static int user_comes(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", rig.shown);
	return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

Test(console_tty, a_pseudo_terminal_passes_bytes_both_ways)
{
	open_pty(true);
	rig_say("a\nb");
	rig_expect_output("a\nb");
	rig_type("x\r\1x");
	rig_expect_input("x\r\1x");
	cr_expect_eq(rig.quits, 0, "the escape is the standard terminal's");
}

Test(console_tty, users_of_a_pseudo_terminal_come_and_go)
{
	open_pty(false);
	for (int i = 0; i < 3; i++) {
		int fd = user_comes();

		rig.got_len = 0;
		cr_assert_eq(write(fd, "hi", 2), 2);
		rig_expect_input("hi");
		close(fd);
		rig_run_ready();
	}
}

static bool ring_has_room(void)
{
	return console_write(rig.console, (const uint8_t *)"z", 1) == 1;
}

/* Far more than all buffers together. */
Test(console_tty, a_guest_never_waits_for_a_pseudo_terminal_that_nobody_opened)
{
	size_t total = 0;

	open_pty(false);
	while (total < 8 * RING_SIZE) {
		total += rig_fill();
		rig_run_until(ring_has_room);
	}
	cr_expect_gt(rig.drained, 0);
}

Test(console_tty, who_opens_a_pseudo_terminal_late_reads_what_came_last)
{
	char text[4096], all[4 * RING_SIZE];
	size_t len = 0;
	ssize_t n;
	int fd;

	open_pty(false);
	for (int i = 0; i < 4; i++) {
		rig_fill();
		rig_run_until(ring_has_room);
	}
	fd = user_comes();
	cr_assert_geq(fd, 0);
	rig_run_until(ring_has_room);
	cr_expect_eq(console_write(rig.console, (const uint8_t *)"\xffLAST", 5), 5);
	do {
		rig_run_ready();
		n = read(fd, text, sizeof(text));
		if (n > 0) {
			cr_assert_lt(len + (size_t)n, sizeof(all));
			memcpy(all + len, text, (size_t)n);
			len += (size_t)n;
		}
	} while (len < 5 || memcmp(all + len - 5, "\xffLAST", 5) != 0);
	cr_expect_gt(len, RING_SIZE, "as much as the ring holds");
	close(fd);
}

static int turns;

static bool twenty_turns(void)
{
	return ++turns > 20;
}

Test(console_tty, a_user_who_does_not_read_is_waited_for_and_may_leave)
{
	open_pty(true);
	while (rig_fill())
		rig_run_ready();
	rig.drained = 0;
	rig_run_until(twenty_turns);
	cr_expect_eq(rig.drained, 0, "nothing is dropped while it is open");
	close(user);
	rig_run_until(ring_has_room);
	cr_expect_gt(rig.drained, 0);
}

/* The kernel throws away what was not read when our side closes. */
Test(console_tty, a_pseudo_terminals_user_reads_the_last_words)
{
	char buf[16] = { 0 };
	pid_t pid;
	int status[2];
	char ok = 0;

	open_pty(true);
	cr_assert_eq(pipe(status), 0);
	pid = fork();
	if (pid == 0) {
		ok = read(user, buf, sizeof(buf)) == 3 && !strcmp(buf, "bye");
		_exit(write(status[1], &ok, 1) != 1);
	}
	rig_say("bye");
	console_destroy(rig.console);
	rig.console = NULL;
	cr_assert_eq(read(status[0], &ok, 1), 1);
	cr_expect(ok);
}

Test(console_tty, a_pseudo_terminal_that_nobody_opened_does_not_keep_the_end)
{
	open_pty(false);
	rig_fill();
	console_destroy(rig.console);
	rig.console = NULL;
	cr_expect_lt(user_comes(), 0, "it is gone");
}
