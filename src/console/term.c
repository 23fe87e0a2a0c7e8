/* SPDX-License-Identifier: Apache-2.0 */
/* Raw mode, and every way out of it. */
#include "term.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"

/* Signals that end the process from within; others come to the event loop. */
static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS };

static struct {
	volatile sig_atomic_t raw;
	int fd;
	struct termios before, mode;
} term;

/*
 * From a background job the change would stop us by SIGTTOU; blocked, it is done instead
 * (POSIX, tcsetattr).
 */
static int set_mode(const struct termios *mode)
{
	sigset_t ttou, before;
	int ret;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);
	ret = tcsetattr(term.fd, TCSANOW, mode) < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
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

/* Whoever stopped us may have changed the mode. */
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
	int ret;

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
	ret = set_mode(&term.mode);
	if (ret < 0)
		term.raw = 0;
	return ret;
}
