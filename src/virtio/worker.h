/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/virtio: a thread that serves queues of one device. Woken by descriptors, it goes
 * on while there is work, and looks a little longer before it sleeps where that has paid off. While
 * it is awake no driver needs to ring, and none is asked to.
 */
#ifndef ARCVISOR_VIRTIO_WORKER_H
#define ARCVISOR_VIRTIO_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#define WORKER_MAX_FDS 4u

/* What a thread does; all of it on that thread, with worker_config.ctx. */
struct worker_ops {
	/* Before anything else; 0 or -errno after a line in the log. May be NULL. */
	int (*begin)(void *ctx);

	/* Does what there is to do. True: there was something. */
	bool (*serve)(void *ctx);

	/* From here on a descriptor tells. True: something came before that, and none will. May be
	 * NULL, as the next: they tell all the time. */
	bool (*rest)(void *ctx);

	/* The thread looks by itself again. */
	void (*wake)(void *ctx);

	/* @fd said that its other end is gone, or that it is broken. May be NULL. */
	void (*lost)(void *ctx, int fd);

	/* After all else. May be NULL. */
	void (*end)(void *ctx);
};

/* What makes it wake: edge-triggered, so that an eventfd is never read. */
struct worker_fd {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT */
};

struct worker_config {
	const char *name; /* the thread's, cut at 15 bytes */
	const struct worker_ops *ops;
	void *ctx;
	struct worker_fd fds[WORKER_MAX_FDS];
	unsigned int nr_fds;
};

struct worker;

/* 0 or -errno. The descriptors stay the caller's, open until worker_stop(). */
int worker_start(const struct worker_config *config, struct worker **out);

/* Ends the thread after what it does. NULL is fine. */
void worker_stop(struct worker *worker);

#endif
