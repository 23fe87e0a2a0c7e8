/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between a connection and its unix socket. What the guest sends goes to the socket straight
 * out of guest memory, as far as that takes it; the rest waits in the connection's buffer, which is
 * as large as what the guest may have under way.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vsock_internal.h"

/* The guest hears of room before it has none. */
#define TELL (VVSOCK_BUFFER / 4)

/* The host took @n bytes: room for the guest. */
static void forward(struct vvsock *vvsock, struct vvsock_conn *conn, uint32_t n)
{
	conn->fwd += n;
	if (conn->fwd - conn->told_fwd >= TELL)
		vvsock_conn_owe(vvsock, conn, VVSOCK_OWES_CREDIT);
}

/* How many bytes the unix socket took, or -errno. */
static ssize_t write_out(const struct vvsock_conn *conn, struct iovec *iov, unsigned int nr)
{
	const struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (__typeof__(msg.msg_iovlen))nr };
	ssize_t n = sendmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN ? 0 : -errno;
}

static void keep(struct vvsock *vvsock, struct vvsock_conn *conn, const struct scatter *payload)
{
	uint8_t *buffer = vvsock_table_buffer(vvsock, conn);
	uint32_t len = (uint32_t)payload->len, to = (conn->at + conn->held) % VVSOCK_BUFFER;
	uint32_t first = len < VVSOCK_BUFFER - to ? len : VVSOCK_BUFFER - to;

	scatter_get(payload, 0, buffer + to, first);
	scatter_get(payload, first, buffer, len - first);
	conn->held += len;
	conn->dirty = true;
}

static bool host_takes(const struct vvsock_conn *conn)
{
	return conn->fd >= 0 && !(conn->host_shut & VVSOCK_SHUT_RECEIVE);
}

void vvsock_stream_send(struct vvsock *vvsock, struct vvsock_conn *conn, struct scatter *payload)
{
	ssize_t n = 0;

	if (!payload->len)
		return;
	if (!conn->held && host_takes(conn)) {
		n = write_out(conn, payload->iov, payload->nr);
		if (n < 0)
			vvsock_conn_host_shut(vvsock, conn, VVSOCK_SHUT_RECEIVE);
	}
	if (!host_takes(conn)) {
		forward(vvsock, conn, (uint32_t)payload->len);
		return;
	}
	scatter_drop_front(payload, (size_t)n);
	forward(vvsock, conn, (uint32_t)n);
	if (payload->len)
		keep(vvsock, conn, payload);
}

/* What is in the buffer, which may go on at its beginning. */
static unsigned int held_iov(const struct vvsock *vvsock, const struct vvsock_conn *conn,
			     struct iovec *iov)
{
	uint8_t *buffer = vvsock_table_buffer(vvsock, conn);
	uint32_t first =
		conn->held < VVSOCK_BUFFER - conn->at ? conn->held : VVSOCK_BUFFER - conn->at;

	iov[0] = (struct iovec){ buffer + conn->at, first };
	iov[1] = (struct iovec){ buffer, conn->held - first };
	return first < conn->held ? 2 : 1;
}

static void emptied(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	if (conn->state == VVSOCK_DYING || conn->state == VVSOCK_LINGER)
		vvsock_conn_host_shut(vvsock, conn, VVSOCK_SHUT_BOTH);
	else if (conn->guest_shut & VVSOCK_SHUT_SEND)
		shutdown(conn->fd, SHUT_WR);
}

void vvsock_stream_flush(struct vvsock *vvsock, struct vvsock_conn *conn)
{
	struct iovec iov[2];
	ssize_t n;

	while (conn->held) {
		n = write_out(conn, iov, held_iov(vvsock, conn, iov));
		if (n < 0)
			vvsock_conn_host_shut(vvsock, conn, VVSOCK_SHUT_RECEIVE);
		if (n <= 0)
			return;
		conn->at = (conn->at + (uint32_t)n) % VVSOCK_BUFFER;
		conn->held -= (uint32_t)n;
		if (conn->state == VVSOCK_OPEN)
			forward(vvsock, conn, (uint32_t)n);
		if (!conn->held)
			emptied(vvsock, conn);
	}
}

ssize_t vvsock_stream_read(struct vvsock_conn *conn, struct scatter *room, uint32_t credit)
{
	ssize_t n;

	scatter_limit(room, credit);
	n = readv(conn->fd, room->iov, (int)room->nr);
	return n < 0 ? -errno : n;
}
