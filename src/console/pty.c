/* SPDX-License-Identifier: Apache-2.0 */
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int open_peer(int fd)
{
	int peer = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	return peer < 0 ? -errno : peer;
}

/* The guest's driver does the editing. */
static int make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -errno : 0;
}

int pty_open(struct pty *pty)
{
	int ret;

	pty->peer = -1;
	pty->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (pty->fd < 0)
		return -errno;
	if (grantpt(pty->fd) < 0 || unlockpt(pty->fd) < 0) {
		ret = -errno;
		goto fail;
	}
	ret = open_peer(pty->fd);
	if (ret < 0)
		goto fail;
	pty->peer = ret;
	ret = make_raw(pty->peer);
	if (ret < 0)
		goto fail;
	return 0;

fail:
	pty_close(pty);
	return ret;
}

void pty_close(struct pty *pty)
{
	if (pty->peer >= 0)
		close(pty->peer);
	if (pty->fd >= 0)
		close(pty->fd);
	*pty = (struct pty){ .fd = -1, .peer = -1 };
}

/* Our side hangs up when the last who has the other open closes it: so we do, for a moment. */
bool pty_in_use(struct pty *pty)
{
	struct pollfd pollfd = { .fd = pty->fd };

	if (pty->peer >= 0)
		close(pty->peer);
	poll(&pollfd, 1, 0);
	pty->peer = open_peer(pty->fd);
	return !(pollfd.revents & POLLHUP);
}

int pty_discard(struct pty *pty)
{
	return tcflush(pty->peer, TCIFLUSH) < 0 ? -errno : 0;
}

static bool is_read(const struct pty *pty)
{
	int unread;

	return ioctl(pty->peer, FIONREAD, &unread) < 0 || unread == 0;
}

/* The kernel tells nobody when a terminal's input was read, so this looks now and then. */
void pty_wait_read(struct pty *pty, int64_t ms)
{
	while (ms-- > 0 && !is_read(pty) && pty_in_use(pty))
		poll(NULL, 0, 1);
}
