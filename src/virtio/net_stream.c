/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of a stream: each behind its length, in 4 bytes, big-endian, and without a header. Out of
 * order with its own lengths a stream is of no use any more, so what was begun is ended even when
 * the guest takes its buffers away.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_internal.h"

#define LENGTH_SIZE sizeof(uint32_t)

/* ---- in -------------------------------------------------------------------------------------- */

/* The frame at the front, if it is whole: its length, 0, or -EPROTO. */
static int front(const struct vnet_stream *stream)
{
	uint32_t len;

	if (stream->in_end - stream->in_at < LENGTH_SIZE)
		return 0;
	memcpy(&len, stream->in + stream->in_at, sizeof(len));
	len = ntohl(len);
	if (len < NET_MIN_FRAME || len > NET_MAX_FRAME)
		return -EPROTO;
	return stream->in_end - stream->in_at - LENGTH_SIZE >= len ? (int)len : 0;
}

/* More into the buffer: 1, 0 (there is none), or -errno. */
static int fill(struct vnet_stream *stream, int fd)
{
	ssize_t n;

	if (stream->in_at) {
		memmove(stream->in, stream->in + stream->in_at, stream->in_end - stream->in_at);
		stream->in_end -= stream->in_at;
		stream->in_at = 0;
	}
	n = recv(fd, stream->in + stream->in_end, sizeof(stream->in) - stream->in_end,
		 MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	stream->in_end += (size_t)n;
	return n ? 1 : -EPIPE;
}

/* Nobody knows where its next packet begins: it ends, for both sides. */
static void give_up(struct vnet_stream *stream, int fd)
{
	stream->broken = true;
	shutdown(fd, SHUT_RDWR);
	while (recv(fd, stream->in, sizeof(stream->in), MSG_DONTWAIT) > 0)
		;
}

int vnet_stream_read(struct vnet_stream *stream, int fd, uint8_t *packet, size_t *len)
{
	int ret = stream->broken ? -EPROTO : front(stream);

	while (ret == 0) {
		ret = fill(stream, fd);
		if (ret <= 0)
			return ret;
		ret = front(stream);
	}
	if (ret < 0) {
		if (!stream->broken)
			give_up(stream, fd);
		return ret;
	}
	memset(packet, 0, NET_HEADER_SIZE);
	memcpy(packet + NET_HEADER_SIZE, stream->in + stream->in_at + LENGTH_SIZE, (size_t)ret);
	stream->in_at += LENGTH_SIZE + (size_t)ret;
	*len = NET_HEADER_SIZE + (size_t)ret;
	return 1;
}

/* ---- out ------------------------------------------------------------------------------------- */

void vnet_stream_begin(struct vnet_stream *stream, struct scatter *packet)
{
	stream->out_length = htonl((uint32_t)packet->len);
	packet->iov--;
	packet->nr++;
	packet->len += LENGTH_SIZE;
	*packet->iov = (struct iovec){ &stream->out_length, LENGTH_SIZE };
	stream->begun = false;
}

/* What the guest took its memory away from. */
static int send_tail(struct vnet_stream *stream, int fd)
{
	while (stream->tail_at < stream->tail_end) {
		ssize_t n = send(fd, stream->tail + stream->tail_at,
				 stream->tail_end - stream->tail_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		stream->tail_at += (size_t)n;
	}
	return 0;
}

int vnet_stream_write(struct vnet_stream *stream, int fd, struct scatter *packet)
{
	int ret = send_tail(stream, fd);

	while (ret == 0 && packet->len) {
		struct msghdr msg = { .msg_iov = packet->iov };
		ssize_t n;

		/* C libraries disagree on its type. */
		msg.msg_iovlen = (__typeof__(msg.msg_iovlen))packet->nr;
		n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		stream->begun = true;
		scatter_drop_front(packet, (size_t)n);
	}
	return ret;
}

void vnet_stream_cut(struct vnet_stream *stream, const struct scatter *packet)
{
	if (!stream->begun || !packet->len)
		return;
	/* A tail of before has gone: the packet was begun after it. */
	stream->tail_at = 0;
	stream->tail_end = (size_t)packet->len;
	scatter_get(packet, 0, stream->tail, stream->tail_end);
	stream->begun = false;
}
