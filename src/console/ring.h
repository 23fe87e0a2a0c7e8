/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: a ring of bytes in the caller's memory. Guarded by whoever owns it. */
#ifndef ARCVISOR_SRC_CONSOLE_RING_H
#define ARCVISOR_SRC_CONSOLE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *bytes;
	size_t size; /* a power of two */
	size_t head; /* bytes ever put in; wraps with its type */
	size_t tail; /* bytes ever taken out */
};

static inline size_t ring_used(const struct ring *ring)
{
	return ring->head - ring->tail;
}

static inline size_t ring_room(const struct ring *ring)
{
	return ring->size - ring_used(ring);
}

/* Puts in what fits; how much that is. */
size_t ring_put(struct ring *ring, const uint8_t *buf, size_t len);

/* Takes out at most @len of the oldest bytes; how many. */
size_t ring_get(struct ring *ring, uint8_t *buf, size_t len);

/* The oldest bytes that lie in one piece; how many in *@len, 0 where the ring is empty. */
const uint8_t *ring_peek(const struct ring *ring, size_t *len);

/* Forgets the oldest @len bytes, at most ring_used(). */
void ring_drop(struct ring *ring, size_t len);

#endif
