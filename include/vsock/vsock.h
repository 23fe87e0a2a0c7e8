/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a socket device: unix stream sockets, by Firecracker's convention, or the
 * host's kernel (vsock/vhost.h). It knows no guest.
 *
 * Host to guest: a program connects to PATH, writes "CONNECT PORT\n" and reads "OK PORT\n", with
 * the port that is its own; from there on the stream is the guest's. Guest to host: whoever in the
 * guest connects to CID 2, port P, is connected to the socket PATH_P.
 *
 * Thread: one that opens and closes, one that does the rest. Descriptors are non-blocking.
 */
#ifndef ARCVISOR_VSOCK_VSOCK_H
#define ARCVISOR_VSOCK_VSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/local_socket.h"

#define VSOCK_MIN_CID	      3u	  /* those below are somebody's (section 5.10.4) */
#define VSOCK_MAX_CID	      0xfffffffeu /* the one above stands for any */
#define VSOCK_PATH_MAX	      96u	  /* bytes: "_4294967295" goes behind it */
#define VSOCK_MAX_CONNECTIONS 4096u
#define VSOCK_HELLO_MAX	      32u /* bytes of the line that a client begins with */

struct vsock_config {
	uint32_t cid;	  /* 0: there is no such device */
	const char *path; /* of the socket that programs of the host connect to; NULL: @vhost */
	bool vhost;	  /* the host's AF_VSOCK, by /dev/vhost-vsock */
};

struct vsock {
	uint32_t cid;
	const char *path;
	unsigned int max_connections;
	struct local_socket listener;
	int vhost;	   /* the kernel's device, or -1 */
	uint64_t features; /* that it can */
};

/* Whether @config can be had, as far as can be told before: 0, or -errno after a line in the log.
 */
int vsock_check(const struct vsock_config *config);

/*
 * Listens at the path, with mode 0600, and asks the host for as many descriptors as there may be
 * connections; or takes the CID in the host's kernel. 0, or -errno after a line in the log.
 * @config's path outlives it.
 */
int vsock_open(const struct vsock_config *config, struct vsock **out);

/* Removes the socket if it is still the one that was made. NULL is fine. */
void vsock_close(struct vsock *vsock);

/* A program of the host that has connected: its descriptor, or -errno; -EAGAIN: there is none. */
int vsock_accept(struct vsock *vsock);

/* Connects to PATH_@port: a descriptor, or -errno: nobody takes it now. */
int vsock_connect(const struct vsock *vsock, uint32_t port);

/*
 * Takes the line that a program begins with off @fd, and not a byte of what follows: 1 and the
 * guest's port, 0 (it has not come whole yet), or -errno: it is no such line, or will not come.
 */
int vsock_hello_read(int fd, uint32_t *port);

/* The line that says that the guest has taken the connection. 0 or -errno. */
int vsock_hello_answer(int fd, uint32_t port);

#endif
