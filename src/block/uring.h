/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/block/uring*.c, which alone know liburing: a ring. */
#ifndef ARCVISOR_SRC_BLOCK_URING_H
#define ARCVISOR_SRC_BLOCK_URING_H

#include <liburing.h>
#include <pthread.h>

#include "queue_internal.h"

#define URING_MAX_ALARMS 8u /* set and not gone off */

struct uring {
	struct io_uring ring; /* first: tests look into it */
	struct blk_queue *queue;
	bool deferred; /* DEFER_TASKRUN: what has finished shows only after an entry */
	bool has_cmd;  /* URING_CMD is among the operations allowed */
	int enter_fd;
	unsigned int enter_flags;
	pthread_t owner;
	unsigned int nr_alarms;
	uint64_t alarm; /* the earliest; UINT64_MAX: none */
};

/* The ring's life: what struct blk_engine_ops says of each. */
int uring_create(struct blk_queue *queue);
void uring_destroy(struct blk_queue *queue);
int uring_attach(struct blk_queue *queue);

#endif
