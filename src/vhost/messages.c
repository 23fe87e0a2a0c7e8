/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost/messages.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/util.h"

#define TIMEOUT_MS \
	10000 /* for an answer: a back end that maps memory or ends requests takes time */

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
};

#define FLAG_VERSION	0x1u
#define FLAG_VERSIONS	0x3u
#define FLAG_REPLY	0x4u
#define FLAG_NEED_REPLY 0x8u

struct header {
	uint32_t request, flags, size;
};

struct memory_region {
	uint64_t gpa, size, user, offset;
};

struct memory {
	uint32_t nr, padding;
	struct memory_region regions[GMEM_MAX_REGIONS];
};

struct state {
	uint32_t index, num;
};

struct addresses {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct config {
	uint32_t offset, size, flags;
	uint8_t bytes[VHOST_MAX_CONFIG];
};

_Static_assert(sizeof(struct header) == 12, "vhost-user.rst, header");
_Static_assert(sizeof(struct addresses) == 40, "vhost-user.rst, a vring address description");

/* ---- bytes ----------------------------------------------------------------------------------- */

/* The descriptors go with the first byte. */
static int send_all(struct vhost_link *link, struct iovec *iov, const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(GMEM_MAX_REGIONS * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t len = iov[0].iov_len + iov[1].iov_len;
	struct cmsghdr *cmsg;
	ssize_t n;

	if (nr_fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = (socklen_t)CMSG_SPACE(nr_fds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = (socklen_t)CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr_fds * sizeof(int));
	}
	do {
		n = sendmsg(link->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	/* A message is small: a socket that takes no whole one is of somebody who reads none. */
	if (n >= 0 && (size_t)n < len)
		return -ETIMEDOUT;
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -EPIPE;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int receive_all(struct vhost_link *link, void *buf, size_t len, int64_t deadline)
{
	uint8_t *to = buf;

	while (len) {
		struct pollfd fd = { .fd = link->fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&fd, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = recv(link->fd, to, len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return -EPIPE;
		to += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

static int send_message(struct vhost_link *link, enum request request, uint32_t flags,
			const void *body, size_t size, const int *fds, unsigned int nr_fds)
{
	struct header header = { request, FLAG_VERSION | flags, (uint32_t)size };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)(uintptr_t)body, size } };

	return send_all(link, iov, fds, nr_fds);
}

/* An answer of just @size bytes to @request. */
static int receive_answer(struct vhost_link *link, enum request request, void *body, size_t size)
{
	int64_t deadline = now_ms() + TIMEOUT_MS;
	struct header header;
	int ret = receive_all(link, &header, sizeof(header), deadline);

	if (ret < 0)
		return ret;
	if (header.request != request || !(header.flags & FLAG_REPLY) ||
	    (header.flags & FLAG_VERSIONS) != FLAG_VERSION || header.size != size)
		return -EPROTO;
	return receive_all(link, body, size, deadline);
}

/* One that has an answer only where the back end gives one to anything. */
static int tell(struct vhost_link *link, enum request request, const void *body, size_t size,
		const int *fds, unsigned int nr_fds)
{
	uint64_t refused = 0;
	int ret = send_message(link, request, link->acks ? FLAG_NEED_REPLY : 0, body, size, fds,
			       nr_fds);

	if (ret == 0 && link->acks)
		ret = receive_answer(link, request, &refused, sizeof(refused));
	return ret < 0 ? ret : refused ? -EREMOTEIO : 0;
}

static int get_u64(struct vhost_link *link, enum request request, uint64_t *val)
{
	int ret = send_message(link, request, 0, NULL, 0, NULL, 0);

	return ret < 0 ? ret : receive_answer(link, request, val, sizeof(*val));
}

int vhost_get_features(struct vhost_link *link, uint64_t *features)
{
	return get_u64(link, GET_FEATURES, features);
}

int vhost_set_features(struct vhost_link *link, uint64_t features)
{
	return tell(link, SET_FEATURES, &features, sizeof(features), NULL, 0);
}

int vhost_get_protocol_features(struct vhost_link *link, uint64_t *features)
{
	return get_u64(link, GET_PROTOCOL_FEATURES, features);
}

int vhost_set_protocol_features(struct vhost_link *link, uint64_t features)
{
	int ret = tell(link, SET_PROTOCOL_FEATURES, &features, sizeof(features), NULL, 0);

	link->acks = ret == 0 && (features & BIT64(VHOST_PROTOCOL_F_REPLY_ACK));
	return ret;
}

int vhost_get_queue_num(struct vhost_link *link, uint64_t *nr)
{
	return get_u64(link, GET_QUEUE_NUM, nr);
}

int vhost_set_owner(struct vhost_link *link)
{
	return tell(link, SET_OWNER, NULL, 0, NULL, 0);
}

int vhost_set_mem_table(struct vhost_link *link, const struct gmem *mem)
{
	struct memory memory = { .nr = mem->nr_regions };
	int fds[GMEM_MAX_REGIONS];

	for (unsigned int i = 0; i < mem->nr_regions; i++) {
		const struct gmem_region *region = &mem->regions[i];

		memory.regions[i] = (struct memory_region){
			.gpa = region->base,
			.size = region->size,
			.user = (uintptr_t)region->host,
		};
		fds[i] = region->fd;
	}
	return tell(link, SET_MEM_TABLE, &memory,
		    offsetof(struct memory, regions) + mem->nr_regions * sizeof(memory.regions[0]),
		    fds, mem->nr_regions);
}

int vhost_get_config(struct vhost_link *link, void *buf, uint32_t len)
{
	struct config config = { .size = len };
	size_t size = offsetof(struct config, bytes) + len;
	int ret = send_message(link, GET_CONFIG, 0, &config, size, NULL, 0);

	if (ret == 0)
		ret = receive_answer(link, GET_CONFIG, &config, size);
	if (ret == 0)
		memcpy(buf, config.bytes, len);
	return ret;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static int set_addresses(struct vhost_link *link, const struct vhost_queue *queue)
{
	const struct addresses addresses = {
		.index = queue->index,
		.desc = (uintptr_t)queue->desc,
		.avail = (uintptr_t)queue->avail,
		.used = (uintptr_t)queue->used,
	};

	return tell(link, SET_VRING_ADDR, &addresses, sizeof(addresses), NULL, 0);
}

static int set_state(struct vhost_link *link, enum request request, unsigned int index,
		     uint32_t num)
{
	const struct state state = { index, num };

	return tell(link, request, &state, sizeof(state), NULL, 0);
}

static int set_fd(struct vhost_link *link, enum request request, unsigned int index, int fd)
{
	const uint64_t body = index;

	return tell(link, request, &body, sizeof(body), &fd, 1);
}

int vhost_start_queue(struct vhost_link *link, const struct vhost_queue *queue)
{
	unsigned int index = queue->index;
	int ret = set_state(link, SET_VRING_NUM, index, queue->size);

	if (ret == 0)
		ret = set_state(link, SET_VRING_BASE, index, queue->base);
	if (ret == 0)
		ret = set_addresses(link, queue);
	if (ret == 0)
		ret = set_fd(link, SET_VRING_CALL, index, queue->call);
	if (ret == 0)
		ret = set_fd(link, SET_VRING_KICK, index, queue->kick);
	if (ret == 0)
		ret = set_state(link, SET_VRING_ENABLE, index, 1);
	return ret;
}

int vhost_stop_queue(struct vhost_link *link, unsigned int index)
{
	struct state state = { .index = index };
	int ret = send_message(link, GET_VRING_BASE, 0, &state, sizeof(state), NULL, 0);

	if (ret == 0)
		ret = receive_answer(link, GET_VRING_BASE, &state, sizeof(state));
	return ret == 0 && state.index != index ? -EPROTO : ret;
}
