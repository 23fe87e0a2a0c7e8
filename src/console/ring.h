/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: a byte ring. Not locked; free-running indexes, masked on use. */
#ifndef ARCVISOR_CONSOLE_RING_H
#define ARCVISOR_CONSOLE_RING_H

#include <stddef.h>
#include <stdint.h>

#define RING_SIZE 65536u /* a power of two */

struct ring {
	uint32_t head, tail; /* read here, write there */
	uint8_t bytes[RING_SIZE];
};

static inline size_t ring_used(const struct ring *ring)
{
	return ring->tail - ring->head;
}

/* Appends as much as there is room for: how many bytes. */
size_t ring_put(struct ring *ring, const uint8_t *buf, size_t len);

/* The oldest bytes that lie in one piece; *@len of them, at most @max. */
const uint8_t *ring_peek(const struct ring *ring, size_t max, size_t *len);

/* Forgets the oldest @len bytes. */
void ring_drop(struct ring *ring, size_t len);

#endif
