/* SPDX-License-Identifier: Apache-2.0 */
/* Raw mode, and every way out of it. */
#include "term.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"

/* Signals that end the process from within; others come to the event loop. */
static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGQUIT };

static struct {
	volatile sig_atomic_t raw;
	int fd;
	struct termios before, mode;
} term;

/* The terminal is another job's now: its mode is none of our business. */
static bool in_background(void)
{
	pid_t group = tcgetpgrp(term.fd);

	return group > 0 && group != getpgrp();
}

/*
 * Should we lose the foreground in between, SIGTTOU would stop us on our way out; blocked, the
 * change is made instead (POSIX, tcsetattr).
 */
static void set_mode(const struct termios *mode)
{
	sigset_t ttou, before;

	if (in_background())
		return;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &ttou, &before);
	tcsetattr(term.fd, TCSANOW, mode);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void term_restore(void)
{
	if (!term.raw)
		return;
	term.raw = 0;
	set_mode(&term.before);
}

/* SA_RESETHAND put the default back: the signal comes again when we return, and ends us. */
static void on_fatal(int signo)
{
	term_restore();
	raise(signo);
}

/* Whoever stopped us may have changed the mode: the shell that puts us in the foreground again. */
static void on_continue(int signo)
{
	int saved = errno;

	(void)signo;
	if (term.raw)
		set_mode(&term.mode);
	errno = saved;
}

static void install_handlers(void)
{
	struct sigaction fatal = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction cont = { .sa_handler = on_continue, .sa_flags = SA_RESTART };

	for (unsigned int i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &fatal, NULL);
	sigaction(SIGCONT, &cont, NULL);
}

int term_raw(int fd)
{
	static bool installed;

	if (tcgetattr(fd, &term.before) < 0)
		return errno == EINVAL ? -ENOTTY : -errno;
	term.fd = fd;
	term.mode = term.before;
	term.mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON);
	term.mode.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	term.mode.c_cc[VMIN] = 1;
	term.mode.c_cc[VTIME] = 0;
	if (!installed) {
		install_handlers();
		atexit(term_restore);
		installed = true;
	}
	term.raw = 1;
	if (tcsetattr(fd, TCSANOW, &term.mode) < 0) {
		term.raw = 0;
		return -errno;
	}
	return 0;
}
