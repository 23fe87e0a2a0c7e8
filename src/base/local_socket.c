/* SPDX-License-Identifier: Apache-2.0 */
#include "base/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static int set_address(const char *option, const char *path, struct sockaddr_un *addr)
{
	size_t len = strlen(path);

	if (len >= sizeof(addr->sun_path)) {
		log_error(
			"%s %s: %zu bytes, and a socket's path has at most %zu; name a shorter one",
			option, path, len, sizeof(addr->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, path, len);
	return 0;
}

/* Whether somebody serves the socket: a connection, which is given up at once, is the only test. */
static int try_connect(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* 0: nothing is there, 1: a socket that nobody serves. Else -errno, logged. */
static int look_at(const char *option, const struct sockaddr_un *addr)
{
	const char *path = addr->sun_path;
	struct stat st;
	int ret;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		ret = -errno;
		log_error("%s %s: %s", option, path, strerror(-ret));
		return ret;
	}
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s %s: there is a file which is no socket; name another path", option,
			  path);
		return -EEXIST;
	}
	ret = try_connect(addr);
	if (ret == -ECONNREFUSED)
		return 1;
	if (ret == 0 || ret == -EAGAIN) {
		log_error("%s %s: another process serves it; name another path", option, path);
		return -EADDRINUSE;
	}
	log_error("%s %s: %s", option, path, strerror(-ret));
	return ret;
}

/* The folder that @path is in; a descriptor or -errno, logged. */
static int open_folder(const char *option, const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = -errno;
	log_error("%s %s: its folder cannot be opened: %s", option, path, strerror(-fd));
	return fd;
}

int local_socket_check(const char *option, const char *path)
{
	struct sockaddr_un addr;
	int ret = set_address(option, path, &addr);

	if (ret == 0)
		ret = open_folder(option, path);
	if (ret < 0)
		return ret;
	close(ret);
	ret = look_at(option, &addr);
	return ret < 0 ? ret : 0;
}

/*
 * The mask makes the file 0600 from the start, where a chmod() would come too late. It is the
 * process's, and no other thread makes files now.
 */
static int bind_private(int fd, const struct sockaddr_un *addr)
{
	mode_t before = umask(0177);
	int ret = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;

	umask(before);
	return ret;
}

static int listen_at(const char *option, const struct sockaddr_un *addr, int backlog,
		     struct local_socket *out)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int ret;

	if (fd < 0) {
		ret = -errno;
		goto fail;
	}
	ret = bind_private(fd, addr);
	if (ret == 0 && (listen(fd, backlog) < 0 || lstat(addr->sun_path, &st) < 0))
		ret = -errno;
	if (ret < 0)
		goto fail_fd;
	*out = (struct local_socket){ fd, st.st_dev, st.st_ino };
	return 0;

fail_fd:
	close(fd);
fail:
	log_error("%s %s: %s", option, addr->sun_path, strerror(-ret));
	return ret;
}

/*
 * Two that start at once on one stale socket would each remove the other's: the folder's lock lets
 * one look, remove and listen before the next looks.
 */
int local_socket_listen(const char *option, const char *path, int backlog, struct local_socket *out)
{
	struct sockaddr_un addr;
	int ret = set_address(option, path, &addr), folder;

	out->fd = -1;
	if (ret < 0)
		return ret;
	folder = open_folder(option, path);
	if (folder < 0)
		return folder;
	flock(folder, LOCK_EX);
	ret = look_at(option, &addr);
	if (ret == 1)
		unlink(path);
	if (ret >= 0)
		ret = listen_at(option, &addr, backlog, out);
	close(folder);
	return ret;
}

void local_socket_close(const char *path, struct local_socket *socket)
{
	struct stat st;

	if (socket->fd < 0)
		return;
	if (lstat(path, &st) == 0 && st.st_dev == socket->dev && st.st_ino == socket->ino)
		unlink(path);
	close(socket->fd);
	socket->fd = -1;
}
