/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_NEED(ok)                                                                  \
	do {                                                                           \
		if (!(ok)) {                                                           \
			fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                       \
		}                                                                      \
	} while (0)

struct fake_message {
	uint32_t request, flags, size;
	union {
		uint8_t bytes[512];
		uint64_t u64;
		uint32_t u32[128];
	} body;
	int fds[8];
	unsigned int nr_fds;
};

static bool fake_receive(struct fake_backend *fake, struct fake_message *msg)
{
	char control[CMSG_SPACE(sizeof(msg->fds))];
	struct iovec iov = { msg, 12 };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	int conn = atomic_load(&fake->conn);

	memset(msg, 0, sizeof(*msg));
	if (recvmsg(conn, &hdr, MSG_CMSG_CLOEXEC) != 12)
		return false;
	cmsg = CMSG_FIRSTHDR(&hdr);
	if (cmsg) {
		msg->nr_fds = (unsigned int)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(msg->fds, CMSG_DATA(cmsg), msg->nr_fds * sizeof(int));
	}
	FAKE_NEED(msg->size <= sizeof(msg->body));
	return !msg->size ||
	       recv(conn, msg->body.bytes, msg->size, MSG_WAITALL) == (ssize_t)msg->size;
}

static void fake_answer(struct fake_backend *fake, const struct fake_message *msg, const void *body,
			uint32_t size)
{
	int fault = atomic_load(&fake->fault_at) == msg->request ? atomic_load(&fake->fault)
								 : FAKE_NONE;
	uint32_t head[3] = { msg->request, 0x5, size };
	uint64_t refused = 1;

	if (fault == FAKE_CLOSES) {
		shutdown(atomic_load(&fake->conn), SHUT_RDWR);
		return;
	}
	if (fault == FAKE_OTHER)
		head[0]++;
	if (fault == FAKE_LONG)
		head[2] += 8;
	if (fault == FAKE_NO_REPLY)
		head[1] = 1;
	if (fault == FAKE_REFUSES)
		body = &refused;
	(void)send(atomic_load(&fake->conn), head, sizeof(head), MSG_NOSIGNAL);
	(void)send(atomic_load(&fake->conn), body, size, MSG_NOSIGNAL);
}

static void fake_take_fd(int *fd, const struct fake_message *msg)
{
	FAKE_NEED(msg->nr_fds == 1);
	if (*fd >= 0)
		close(*fd);
	*fd = msg->fds[0];
}

static void fake_take_memory(struct fake_backend *fake, const struct fake_message *msg)
{
	int old;

	fake->regions = msg->body.u32[0];
	memcpy(&fake->gpa, msg->body.bytes + 8, 8);
	memcpy(&fake->size, msg->body.bytes + 16, 8);
	memcpy(&fake->user, msg->body.bytes + 24, 8);
	FAKE_NEED(msg->nr_fds == 1 && fake->regions == 1);
	old = atomic_exchange(&fake->mem_fd, msg->fds[0]);
	if (old >= 0)
		close(old);
}

/* True: it has been answered. */
static bool fake_handle(struct fake_backend *fake, struct fake_message *msg)
{
	struct fake_queue *queue = &fake->q[msg->body.u32[0] % FAKE_QUEUES];
	uint32_t state[2] = { msg->body.u32[0], 7 };

	switch (msg->request) {
	case 1:
		fake_answer(fake, msg, &fake->features, 8);
		return true;
	case 15:
		fake_answer(fake, msg, &fake->protocol, 8);
		return true;
	case 17:
		fake_answer(fake, msg, &fake->queues, 8);
		return true;
	case 24:
		memcpy(msg->body.bytes + 12, fake->space, sizeof(fake->space));
		fake_answer(fake, msg, msg->body.bytes, msg->size);
		return true;
	case 11:
		queue->enabled = false;
		atomic_fetch_add(&fake->stops, 1);
		fake_answer(fake, msg, state, 8);
		return true;
	case 2:
		fake->set_features = msg->body.u64;
		break;
	case 16:
		fake->set_protocol = msg->body.u64;
		break;
	case 5:
		fake_take_memory(fake, msg);
		break;
	case 8:
		queue->size = msg->body.u32[1];
		break;
	case 10:
		queue->base = msg->body.u32[1];
		break;
	case 9:
		memcpy(&queue->desc, msg->body.bytes + 8, 8);
		memcpy(&queue->used, msg->body.bytes + 16, 8);
		memcpy(&queue->avail, msg->body.bytes + 24, 8);
		break;
	case 12:
		fake_take_fd(&queue->kick, msg);
		break;
	case 13:
		fake_take_fd(&queue->call, msg);
		break;
	case 18:
		queue->enabled = msg->body.u32[1];
		break;
	default:
		break;
	}
	return false;
}

static void fake_serve(struct fake_backend *fake)
{
	struct fake_message msg;
	const uint64_t good = 0;

	while (fake_receive(fake, &msg))
		if (!fake_handle(fake, &msg) && (msg.flags & 0x8))
			fake_answer(fake, &msg, &good, 8);
}

static void *fake_run(void *arg)
{
	struct fake_backend *fake = arg;
	int conn;

	while ((conn = accept(fake->listener, NULL, NULL)) >= 0) {
		atomic_store(&fake->conn, conn);
		atomic_fetch_add(&fake->connections, 1);
		fake_serve(fake);
		atomic_store(&fake->conn, -1);
		close(conn);
	}
	return NULL;
}

void fake_backend_start(struct fake_backend *fake)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(fake->path, sizeof(fake->path), "/tmp/fake-backend.%d", (int)getpid());
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", fake->path);
	unlink(fake->path);
	for (unsigned int i = 0; i < FAKE_QUEUES; i++)
		fake->q[i].kick = fake->q[i].call = -1;
	atomic_store(&fake->mem_fd, -1);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FAKE_NEED(bind(fake->listener, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	FAKE_NEED(listen(fake->listener, 4) == 0);
	FAKE_NEED(pthread_create(&fake->thread, NULL, fake_run, fake) == 0);
}

void fake_backend_drop(struct fake_backend *fake)
{
	shutdown(atomic_load(&fake->conn), SHUT_RDWR);
}

void fake_backend_end(struct fake_backend *fake)
{
	shutdown(fake->listener, SHUT_RDWR);
	fake_backend_drop(fake);
	pthread_join(fake->thread, NULL);
	close(fake->listener);
	unlink(fake->path);
	if (atomic_load(&fake->mem_fd) >= 0)
		close(atomic_load(&fake->mem_fd));
	for (unsigned int i = 0; i < FAKE_QUEUES; i++) {
		if (fake->q[i].kick >= 0)
			close(fake->q[i].kick);
		if (fake->q[i].call >= 0)
			close(fake->q[i].call);
	}
}
