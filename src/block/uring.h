/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/block/uring*.c, which alone know liburing: a ring. */
#ifndef ARCVISOR_SRC_BLOCK_URING_H
#define ARCVISOR_SRC_BLOCK_URING_H

#include <liburing.h>
#include <pthread.h>

#include "queue_internal.h"

#define URING_MAX_ALARMS 8u /* set and not gone off */

/*
 * A piece of memory that is registered with the ring, in buffers of URING_PIN_SIZE from its begin
 * on: the most that the kernel takes as one.
 */
#define URING_PIN_SHIFT 30
#define URING_PIN_SIZE	(1ull << URING_PIN_SHIFT)

struct uring_pin {
	uintptr_t base;
	uint64_t size;
	unsigned int first; /* number of the buffer at @base */
};

struct uring {
	struct io_uring ring; /* first: tests look into it */
	struct blk_queue *queue;
	bool deferred; /* DEFER_TASKRUN: what has finished shows only after an entry */
	bool has_cmd;  /* URING_CMD is among the operations allowed */
	int enter_fd;
	unsigned int enter_flags;
	pthread_t owner;
	struct uring_pin pins[BLK_MAX_PINNED];
	unsigned int nr_pins;
	unsigned int nr_alarms;
	uint64_t alarm; /* the earliest; UINT64_MAX: none */
};

/* The number of the buffer that [@base, @base + @len) lies in, @len not 0; -1: in none. */
int uring_find_pin(const struct uring *uring, const void *base, uint64_t len);

/*
 * Registers @nr pieces of memory, of which the kernel takes every page, now; all or nothing. 0 or
 * -errno.
 */
int uring_pin(struct uring *uring, const struct iovec *mem, unsigned int nr);

/* The ring's life: what struct blk_engine_ops says of each. */
int uring_create(struct blk_queue *queue);
void uring_destroy(struct blk_queue *queue);
int uring_attach(struct blk_queue *queue);

#endif
