/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a console is connected to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"
#include "term.h"

/* A pipe or a terminal, but not the master of one: opening that anew makes another terminal. */
static bool may_reopen(int fd)
{
	struct stat st;
	char name[64];

	if (fstat(fd, &st) < 0)
		return false;
	return S_ISFIFO(st.st_mode) || (isatty(fd) && ptsname_r(fd, name, sizeof(name)) != 0);
}

/*
 * A descriptor of our own for standard input or output. O_NONBLOCK belongs to an open file, which
 * the shell and others share; opened anew it is ours alone, and neither a terminal that stops in
 * the middle of a write nor another reader can make the loop wait. Where that cannot be had
 * (sockets, files, no /proc) poll(2) and small writes have to do. -1 where @fd is closed.
 */
static int own(int fd, int access)
{
	char path[32];
	int ours = -1;

	if (may_reopen(fd)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ours = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	return ours >= 0 ? ours : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int open_stdio(struct console_ends *ends)
{
	ends->in = own(STDIN_FILENO, O_RDONLY);
	ends->out = own(STDOUT_FILENO, O_WRONLY);
	return 0;
}

/* O_NONBLOCK: a FIFO that nobody reads is an error, not a wait. */
static int open_file(const char *path, const char *name, struct console_ends *ends)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	ends->out = open(path, flags, 0644);
	if (ends->out >= 0)
		return 0;
	log_error("cannot open %s for the %s: %s", path, name, strerror(errno));
	return -errno;
}

static int open_slave(struct console_ends *ends, char *name, size_t size)
{
	int ret;

	if (grantpt(ends->in) < 0 || unlockpt(ends->in) < 0)
		return -errno;
	ret = ptsname_r(ends->in, name, size);
	if (ret != 0)
		return -ret;
	ends->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return ends->slave < 0 ? -errno : term_make_raw(ends->slave);
}

/* epoll takes a descriptor once, so input and output have one each. */
static int open_master(struct console_ends *ends)
{
	ends->in = posix_openpt(O_RDWR | O_NOCTTY);
	if (ends->in < 0 || fcntl(ends->in, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(ends->in, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return -errno;
	ends->out = fcntl(ends->in, F_DUPFD_CLOEXEC, 0);
	return ends->out < 0 ? -errno : 0;
}

static int open_pty(const char *name, struct console_ends *ends)
{
	char path[64];
	int ret = open_master(ends);

	if (ret == 0)
		ret = open_slave(ends, path, sizeof(path));
	if (ret < 0) {
		log_error("cannot make a pseudo terminal for the %s: %s", name, strerror(-ret));
		return ret;
	}
	ends->lossy = true;
	/* Not the log's to leave out at some level: without the name there is no console. */
	dprintf(STDERR_FILENO, "arcvisor: %s: %s\n", name, path);
	return 0;
}

int console_ends_open(const struct console_config *config, struct console_ends *ends)
{
	const char *name = config->name ? config->name : "console";
	int ret = 0;

	*ends = (struct console_ends){ .in = -1, .out = -1, .slave = -1 };
	switch (config->kind) {
	case CONSOLE_STDIO:
		ret = open_stdio(ends);
		break;
	case CONSOLE_FILE:
		ret = open_file(config->path, name, ends);
		break;
	case CONSOLE_PTY:
		ret = open_pty(name, ends);
		break;
	case CONSOLE_NONE:
	case CONSOLE_SOCKET: /* its ends come later */
		break;
	}
	if (ret < 0)
		console_ends_close(ends);
	return ret;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void console_ends_close(struct console_ends *ends)
{
	close_end(&ends->in);
	close_end(&ends->out);
	close_end(&ends->slave);
}
