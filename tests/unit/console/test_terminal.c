/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's terminal: raw while the guest runs, as it was on every way out. Each test plays the
 * user at the master's side; the console runs in a process that the terminal controls.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include "base/util.h"
#include "rig.h"

#define QUIT_STATUS 42

static int master, slave;
static pid_t child;
static struct rig rig; /* the child's */

static void setup(void)
{
	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
}

static void teardown(void)
{
	if (child > 0)
		kill(child, SIGKILL);
}

TestSuite(terminal, .init = setup, .fini = teardown);

static struct termios mode(void)
{
	struct termios termios;

	cr_assert_eq(tcgetattr(slave, &termios), 0);
	return termios;
}

static bool is_raw(void)
{
	return !(mode().c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) &&
	       !(mode().c_iflag & (ICRNL | IXON));
}

static bool is_cooked(void)
{
	tcflag_t local = ICANON | ECHO | ISIG | IEXTEN;

	return (mode().c_lflag & local) == local && (mode().c_iflag & ICRNL);
}

/* There is no event for a mode; the test's timeout ends a wait in vain. */
static void wait_raw(void)
{
	while (!is_raw())
		sched_yield();
}

/* Reads what the terminal shows until @text is there. */
static void expect_shown(const char *text)
{
	static char shown[65536];
	static size_t len;

	while (!memmem(shown, len, text, strlen(text))) {
		ssize_t n = read(master, shown + len, sizeof(shown) - len);

		cr_assert_gt(n, 0);
		len += (size_t)n;
	}
	len = 0;
}

static void type(const char *text)
{
	cr_assert_eq(write(master, text, strlen(text)), (ssize_t)strlen(text));
}

/* What the child does: a guest that says "ready", then echoes what it gets in angle brackets. */
static size_t echo(void *ctx, const uint8_t *buf, size_t len)
{
	struct console *console = ((struct rig *)ctx)->console;

	for (size_t i = 0; i < len; i++) {
		uint8_t text[3] = { '<', buf[i], '>' };

		if (buf[i] == 'E')
			exit(QUIT_STATUS + 1);
		console_write(console, text, sizeof(text));
	}
	return len;
}

static void quit(void *ctx)
{
	loop_stop(((struct rig *)ctx)->loop);
}

static void serve(void)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };

	rig.sink = (struct console_sink){ .input = echo, .ctx = &rig };
	if (loop_create(&rig.loop) < 0 ||
	    console_create(rig.loop, &config, quit, &rig, &rig.console) < 0)
		_exit(1);
	console_attach(rig.console, &rig.sink);
	console_write(rig.console, (const uint8_t *)"ready\n", 6);
	if (loop_run(rig.loop) < 0)
		_exit(1);
	console_destroy(rig.console);
	_exit(QUIT_STATUS);
}

/* In the child: the leader of a session that the terminal controls. */
static void take_session(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGQUIT };

	/* Those of the test's own process are somebody else's. */
	for (unsigned int i = 0; i < ARRAY_SIZE(fatal); i++)
		signal(fatal[i], SIG_DFL);
	if (login_tty(dup(slave)) < 0)
		_exit(1);
}

static void start(void)
{
	cr_assert(is_cooked());
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		take_session();
		serve();
	}
	expect_shown("ready");
}

static int wait_end(void)
{
	int status;

	cr_assert_eq(waitpid(child, &status, 0), child);
	child = 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Test(terminal, is_raw_while_the_guest_runs_but_for_its_output)
{
	start();
	cr_expect(is_raw());
	cr_expect(mode().c_oflag & OPOST);
	type("\x01x");
	wait_end();
}

Test(terminal, keys_go_to_the_guest_as_they_are)
{
	start();
	type("a\x03\x1a\r\x7f");
	expect_shown("<a><\x03><\x1a><\r><\x7f>");
	type("\x01x");
	wait_end();
}

Test(terminal, escape_x_ends_and_restores)
{
	start();
	type("\x01");
	type("x");
	cr_expect_eq(wait_end(), QUIT_STATUS);
	cr_expect(is_cooked());
}

Test(terminal, escape_h_helps)
{
	start();
	type("\x01h");
	expect_shown("Ctrl-A x");
	type("\x01x");
	wait_end();
}

Test(terminal, escape_twice_sends_one)
{
	start();
	type("a\x01\x01z\x01yb");
	expect_shown("<a><\x01><z><b>");
	type("\x01x");
	wait_end();
}

Test(terminal, exit_restores)
{
	start();
	type("E");
	cr_expect_eq(wait_end(), QUIT_STATUS + 1);
	cr_expect(is_cooked());
}

static void expect_fatal_restores(int signo)
{
	start();
	cr_assert_eq(kill(child, signo), 0);
	cr_expect_eq(wait_end(), 128 + signo);
	cr_expect(is_cooked());
}

Test(terminal, sigsegv_restores_and_ends)
{
	expect_fatal_restores(SIGSEGV);
}

Test(terminal, sigbus_restores_and_ends)
{
	expect_fatal_restores(SIGBUS);
}

Test(terminal, sigabrt_restores_and_ends)
{
	expect_fatal_restores(SIGABRT);
}

Test(terminal, sigfpe_restores_and_ends)
{
	expect_fatal_restores(SIGFPE);
}

Test(terminal, sigill_restores_and_ends)
{
	expect_fatal_restores(SIGILL);
}

Test(terminal, sigsys_restores_and_ends)
{
	expect_fatal_restores(SIGSYS);
}

Test(terminal, sigquit_restores_and_ends)
{
	expect_fatal_restores(SIGQUIT);
}

static void wait_stopped(void)
{
	int status;

	cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
	cr_assert(WIFSTOPPED(status));
}

Test(terminal, sigtstp_restores_and_sigcont_makes_it_raw_again)
{
	start();
	kill(child, SIGTSTP);
	wait_stopped();
	cr_expect(is_cooked());
	kill(child, SIGCONT);
	wait_raw();
	type("k");
	expect_shown("<k>");
	type("\x01x");
	cr_expect_eq(wait_end(), QUIT_STATUS);
	cr_expect(is_cooked());
}

/* Nobody can catch SIGSTOP; the shell that gets the terminal sets what it needs. */
Test(terminal, is_raw_again_after_sigstop_and_sigcont)
{
	struct termios cooked = mode();

	start();
	kill(child, SIGSTOP);
	wait_stopped();
	cr_assert_eq(tcsetattr(slave, TCSANOW, &cooked), 0);
	kill(child, SIGCONT);
	wait_raw();
	type("\x01x");
	cr_expect_eq(wait_end(), QUIT_STATUS);
	cr_expect(is_cooked());
}

/* The session's leader plays the shell: it has the terminal, and gives it away when told to. */
static void play_shell(int orders)
{
	pid_t job = fork();
	char order;
	int status;

	if (job == 0) {
		setpgid(0, 0);
		serve();
	}
	signal(SIGTTOU, SIG_IGN);
	while (read(orders, &order, 1) == 1) {
		tcsetpgrp(STDIN_FILENO, job);
		if (order == 'c')
			kill(job, SIGCONT);
	}
	if (waitpid(job, &status, 0) != job)
		_exit(1);
	_exit(WEXITSTATUS(status));
}

/* A background job; the descriptor takes the shell's orders. */
static int start_in_background(void)
{
	int orders[2];

	cr_assert_eq(pipe(orders), 0);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		close(orders[1]);
		take_session();
		play_shell(orders[0]);
	}
	close(orders[0]);
	expect_shown("ready");
	return orders[1];
}

Test(terminal, is_left_alone_by_a_background_job)
{
	int orders = start_in_background();

	cr_expect(is_cooked());
	/* Typed for the shell: who reads it in the background is stopped, or gets EIO. */
	type("line\n");
	cr_assert_eq(write(orders, "c", 1), 1);
	wait_raw();
	type("k");
	expect_shown("<k>");
	type("\x01x");
	close(orders);
	cr_expect_eq(wait_end(), QUIT_STATUS);
	cr_expect(is_cooked());
}

/* With `stty tostop` the driver would stop a background job that writes. */
Test(terminal, shows_what_a_background_job_writes)
{
	struct termios tostop = mode();
	int orders;

	tostop.c_lflag |= TOSTOP;
	cr_assert_eq(tcsetattr(slave, TCSANOW, &tostop), 0);
	orders = start_in_background();
	cr_assert_eq(write(orders, "c", 1), 1);
	wait_raw();
	type("\x01x");
	close(orders);
	cr_expect_eq(wait_end(), QUIT_STATUS);
}

/* A shell's `fg` of a job that was not stopped: the first line that is typed wakes it. */
Test(terminal, is_taken_when_a_job_comes_to_the_foreground_without_a_signal)
{
	int orders = start_in_background();

	cr_expect(is_cooked());
	cr_assert_eq(write(orders, "f", 1), 1);
	while (tcgetpgrp(master) == child)
		sched_yield();
	type("\n");
	wait_raw();
	type("k");
	expect_shown("<k>");
	type("\x01x");
	close(orders);
	cr_expect_eq(wait_end(), QUIT_STATUS);
	cr_expect(is_cooked());
}

Test(terminal, has_one_console_at_a_time)
{
	const struct console_config config = { .kind = CONSOLE_STDIO };
	struct console *first, *second;
	struct loop *loop;

	rig_keep_errors();
	rig_stdio(slave, slave);
	cr_assert_eq(loop_create(&loop), 0);
	cr_assert_eq(console_create(loop, &config, NULL, NULL, &first), 0);
	cr_expect_eq(console_create(loop, &config, NULL, NULL, &second), -EBUSY);
	console_destroy(first);
	cr_expect(is_cooked());
	cr_assert_eq(console_create(loop, &config, NULL, NULL, &second), 0);
	cr_expect(is_raw());
	console_destroy(second);
	loop_destroy(loop);
}

/* A terminal that hangs up ends input; the guest goes on. */
Test(terminal, the_guest_goes_on_after_a_hangup)
{
	int fds[2];
	char text[4];

	cr_assert_eq(pipe(fds), 0);
	rig_stdio(slave, fds[1]);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	close(master);
	rig_run(&rig);
	rig_send(&rig, "more", 4);
	cr_expect_eq(rig_read(fds[0], text, 4), 4);
	rig_fini(&rig);
}

/* A guest that hangs does not read; the way out must work all the same. */
Test(terminal, escape_x_works_when_the_guest_takes_no_input)
{
	rig_stdio(slave, slave);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	rig.room = 0;
	rig_run(&rig);
	type("keys that nobody wants");
	rig_wait_read(slave);
	type("\x01x");
	rig_wait_quits(&rig, 1);
	rig_fini(&rig);
}

Test(terminal, escape_x_works_when_there_is_no_port)
{
	rig_stdio(slave, slave);
	rig_init(&rig, CONSOLE_STDIO, NULL);
	console_attach(rig.console, NULL);
	rig_run(&rig);
	type("\x01x");
	rig_wait_quits(&rig, 1);
	rig_fini(&rig);
}
