/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unix stream socket at a path that the user named: made, told from others' files, removed.
 *
 * Thread: of a process that makes files on no other thread meanwhile (its umask is changed).
 */
#ifndef ARCVISOR_BASE_LOCAL_SOCKET_H
#define ARCVISOR_BASE_LOCAL_SOCKET_H

#include <sys/types.h>

struct local_socket {
	int fd;	   /* listens, non-blocking; -1: there is none */
	dev_t dev; /* the file, to know it again */
	ino_t ino;
};

/*
 * Whether a socket can be made at @path: 0, or -errno after a line in the log, which begins with
 * @option. Somebody else's file, a socket that is served, or a path that is too long (107 bytes)
 * cannot be.
 */
int local_socket_check(const char *option, const char *path);

/*
 * Makes it, with mode 0600 whatever the umask, in place of one that nobody serves any more; up to
 * @backlog connections wait to be accepted. 0, or -errno after a line in the log; then @out->fd is
 * -1.
 */
int local_socket_listen(const char *option, const char *path, int backlog,
			struct local_socket *out);

/* Closes it, and removes the file if it is still that one. Nothing where there is none. */
void local_socket_close(const char *path, struct local_socket *socket);

#endif
