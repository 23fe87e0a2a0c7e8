/* SPDX-License-Identifier: Apache-2.0 */
/* Raw mode on a real pseudo terminal, and the ways out of it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "console/term.h"

static int master, slave;
static struct termios before;

static void setup(void)
{
	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &before), 0);
	cr_assert(before.c_lflag & ICANON);
}

TestSuite(term, .init = setup, .timeout = 30);

static struct termios mode(void)
{
	struct termios now;

	cr_assert_eq(tcgetattr(slave, &now), 0);
	return now;
}

static void expect_raw(void)
{
	cr_expect_eq(mode().c_lflag & (ECHO | ICANON | ISIG | IEXTEN), 0);
	cr_expect_eq(mode().c_iflag & (ICRNL | IXON | ISTRIP), 0);
}

static void expect_restored(void)
{
	cr_expect_eq(mode().c_lflag, before.c_lflag);
	cr_expect_eq(mode().c_iflag, before.c_iflag);
}

Test(term, raw_passes_every_key_and_keeps_output_processing)
{
	cr_assert_eq(term_raw(slave), 0);
	expect_raw();
	cr_expect_eq(mode().c_oflag, before.c_oflag);
	cr_expect_eq(mode().c_cc[VMIN], 1);
	cr_expect_eq(mode().c_cc[VTIME], 0);
	term_restore();
}

Test(term, restore_puts_back_what_was_there)
{
	cr_assert_eq(term_raw(slave), 0);
	term_restore();
	expect_restored();
}

Test(term, restore_without_raw_changes_nothing)
{
	term_restore();
	expect_restored();
}

Test(term, restore_happens_once)
{
	struct termios own = before;

	cr_assert_eq(term_raw(slave), 0);
	term_restore();
	own.c_lflag &= ~(tcflag_t)ECHO;
	cr_assert_eq(tcsetattr(slave, TCSANOW, &own), 0);
	term_restore();
	cr_expect_not(mode().c_lflag & ECHO);
}

Test(term, what_is_no_terminal_is_refused)
{
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_expect_eq(term_raw(fds[0]), -ENOTTY);
	cr_expect_eq(term_raw(-1), -EBADF);
}

Test(term, continue_makes_it_raw_again)
{
	cr_assert_eq(term_raw(slave), 0);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &before), 0);
	raise(SIGCONT);
	expect_raw();
	term_restore();
	raise(SIGCONT);
	expect_restored();
}

/* A process that does not outlive the test, stopped or not. */
static pid_t fork_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Forks a process that makes the terminal raw and then ends in some way: its wait status. */
static int status_of(void (*end)(void))
{
	int status;
	pid_t pid = fork_child();

	if (pid == 0) {
		if (term_raw(slave) < 0)
			_exit(99);
		end();
		_exit(98);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void end_by_exit(void)
{
	exit(0);
}

static void end_by_abort(void)
{
	abort();
}

static void end_by_quit(void)
{
	raise(SIGQUIT);
}

Test(term, exit_restores)
{
	cr_expect(WIFEXITED(status_of(end_by_exit)));
	expect_restored();
}

Test(term, fatal_signals_restore_and_still_kill)
{
	cr_expect_eq(WTERMSIG(status_of(end_by_abort)), SIGABRT);
	expect_restored();
	cr_expect_eq(WTERMSIG(status_of(end_by_quit)), SIGQUIT);
	expect_restored();
}

/* A session of its own, whose terminal @slave is, with this process in the foreground. */
static void lead_session(void)
{
	if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		_exit(97);
}

/* SIGTTOU is ignored here, so that what a background job does to the terminal takes effect. */
static void set_foreground(pid_t group)
{
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(slave, group) < 0)
		_exit(96);
}

/* What a job does: raw in the foreground, then brought to the background and ended there. */
static void run_background_job(void)
{
	if (term_raw(slave) < 0)
		_exit(95);
	set_foreground(getppid());
	if (tcsetattr(slave, TCSANOW, &before) < 0)
		_exit(94);
	raise(SIGCONT);
	if (!(mode().c_lflag & ICANON))
		_exit(93);
	before.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(slave, TCSANOW, &before) < 0)
		_exit(92);
	term_restore();
	_exit(mode().c_lflag & ECHO ? 91 : 0);
}

static int run_session(void)
{
	int status;
	pid_t pid;

	lead_session();
	pid = fork_child();
	if (pid == 0) {
		setpgid(0, 0);
		set_foreground(getpgrp());
		run_background_job();
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 90;
}

Test(term, the_background_leaves_the_mode_alone)
{
	int status;
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(run_session());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}

static int run_stopped_session(void)
{
	int status;
	pid_t pid;

	lead_session();
	pid = fork_child();
	if (pid == 0) {
		setpgid(0, 0);
		_exit(term_raw(slave) < 0);
	}
	waitpid(pid, &status, WUNTRACED);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTTOU)
		return 89;
	if (!(mode().c_lflag & ICANON))
		return 88;
	set_foreground(pid);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 87;
}

Test(term, a_background_job_is_stopped_until_it_comes_forward)
{
	int status;
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(run_stopped_session());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
	expect_raw();
}
