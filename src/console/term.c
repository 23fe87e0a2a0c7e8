/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's mode, and every way out of the process that must put it back. */
#include "term.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGQUIT };

/* Written by the loop's thread; signal handlers and exit() read it while @raw says so. */
static struct {
	bool open;
	int fd;
	struct termios saved;
	_Atomic bool raw;
	struct sigaction previous[ARRAY_SIZE(fatal_signals)];
} term;

bool term_is_ours(void)
{
	pid_t group = tcgetpgrp(term.fd);

	/* -1 where it does not control us, 0 where its group is out of our sight. */
	return group <= 0 || group == getpgrp();
}

void term_raw(void)
{
	struct termios mode = term.saved;

	if (!term_is_ours())
		return;
	mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON);
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	/* Before the change, so that one that kills us in between restores too much, not too
	 * little. */
	atomic_store(&term.raw, true);
	tcsetattr(term.fd, TCSANOW, &mode);
}

bool term_is_raw(void)
{
	return atomic_load(&term.raw);
}

void term_restore(void)
{
	int saved = errno;

	if (atomic_exchange(&term.raw, false) && term_is_ours())
		tcsetattr(term.fd, TCSANOW, &term.saved);
	errno = saved;
}

/* Hands on to whoever had the signal before; the default ends the process on return. */
static void on_fatal(int signo)
{
	term_restore();
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		if (fatal_signals[i] == signo)
			sigaction(signo, &term.previous[i], NULL);
	raise(signo);
}

static void catch_fatal_signals(void)
{
	struct sigaction action = { .sa_handler = on_fatal };

	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &action, &term.previous[i]);
}

int term_open(int fd)
{
	static bool registered;

	if (term.open)
		return -EBUSY;
	if (tcgetattr(fd, &term.saved) < 0)
		return -errno;
	if (!registered && atexit(term_restore) != 0)
		return -ENOMEM;
	registered = true;
	term.open = true;
	term.fd = fd;
	catch_fatal_signals();
	return 0;
}

void term_close(void)
{
	if (!term.open)
		return;
	term_restore();
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &term.previous[i], NULL);
	term.open = false;
}

int term_make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -errno : 0;
}
