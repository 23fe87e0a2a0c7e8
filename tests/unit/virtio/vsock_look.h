/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the socket device share: a rig, and connections that are there. */
#ifndef ARCVISOR_TESTS_VIRTIO_VSOCK_LOOK_H
#define ARCVISOR_TESTS_VIRTIO_VSOCK_LOOK_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsock_rig.h"

#define GUEST_PORT 1000u
#define HOST_PORT  52u

static struct vsock_rig rig;
static struct vvsock_header header; /* that came last */

static inline void init(void)
{
	vsock_rig_init(&rig);
	vsock_rig_start(&rig, VSOCK_RIG_BUFFERS);
}

static inline void fini(void)
{
	vsock_rig_fini(&rig);
}

static inline struct vvsock_stats stats(void)
{
	struct vvsock_stats stats;

	vvsock_get_stats(rig.vvsock, &stats);
	return stats;
}

#define expect_none() cr_assert_not(vsock_rig_got(&rig, &header, NULL, 0), "op %u", header.op)

/* The next packet is of that connection. */
#define expect_packet(want, guest_port, host_port)                             \
	do {                                                                   \
		cr_assert(vsock_rig_got(&rig, &header, NULL, 0), "no packet"); \
		cr_assert_eq(header.op, (want), "op %u", header.op);           \
		cr_assert_eq(header.src_cid, VVSOCK_CID_HOST);                 \
		cr_assert_eq(header.dst_cid, VSOCK_RIG_CID);                   \
		cr_assert_eq(header.dst_port, (guest_port));                   \
		cr_assert_eq(header.src_port, (host_port));                    \
	} while (0)

/* The guest has connected to HOST_PORT; the host's program. */
static inline int open_by_guest(int listener, uint32_t guest_port)
{
	int fd;

	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, guest_port, HOST_PORT);
	expect_packet(VVSOCK_OP_RESPONSE, guest_port, HOST_PORT);
	cr_assert_eq(header.buf_alloc, VVSOCK_BUFFER);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
	return fd;
}

static inline void send_text(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come to @fd is @text, and nothing more. */
static inline void expect_text(int fd, const char *text)
{
	char got[256];
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	cr_assert_eq(n, (ssize_t)strlen(text), "%zd", n);
	got[n] = '\0';
	cr_assert_str_eq(got, text);
}

/* The other side of @fd sends no more. */
static inline void expect_end(int fd)
{
	char byte;

	cr_assert_eq(recv(fd, &byte, 1, 0), 0);
}

/* There is nothing, and there may be later. */
static inline void expect_quiet(int fd)
{
	char byte;

	cr_assert_eq(recv(fd, &byte, 1, 0), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* A program of the host has connected to the guest's @port; its own in *@host_port. */
static inline int open_by_host(uint32_t port, uint32_t *host_port)
{
	char line[32];
	int fd = vsock_rig_connect(&rig);

	snprintf(line, sizeof(line), "CONNECT %u\n", port);
	send_text(fd, line);
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	cr_assert_eq(header.op, VVSOCK_OP_REQUEST);
	cr_assert_eq(header.dst_port, port);
	*host_port = header.src_port;
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, port, *host_port);
	snprintf(line, sizeof(line), "OK %u\n", *host_port);
	expect_text(fd, line);
	return fd;
}

/* The driver sends @len bytes of @data as one packet, served. */
static inline void guest_sends(uint32_t guest_port, uint32_t host_port, const void *data,
			       uint32_t len)
{
	struct vvsock_header packet = vsock_rig_packet(VVSOCK_OP_RW, guest_port, host_port);

	packet.len = len;
	vsock_rig_send(&rig, &packet, data, len);
	vsock_rig_serve(&rig);
}

static inline void guest_shuts(uint32_t guest_port, uint32_t host_port, uint32_t flags)
{
	struct vvsock_header packet = vsock_rig_packet(VVSOCK_OP_SHUTDOWN, guest_port, host_port);

	packet.flags = flags;
	vsock_rig_send(&rig, &packet, NULL, 0);
	vsock_rig_serve(&rig);
}

#endif
