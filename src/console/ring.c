/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <assert.h>
#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t ring_put(struct ring *ring, const uint8_t *buf, size_t len)
{
	size_t at = ring->tail % RING_SIZE;
	size_t first;

	len = min_size(len, RING_SIZE - ring_used(ring));
	first = min_size(len, RING_SIZE - at);
	memcpy(ring->bytes + at, buf, first);
	memcpy(ring->bytes, buf + first, len - first);
	ring->tail += (uint32_t)len;
	return len;
}

const uint8_t *ring_peek(const struct ring *ring, size_t max, size_t *len)
{
	size_t at = ring->head % RING_SIZE;

	*len = min_size(min_size(max, ring_used(ring)), RING_SIZE - at);
	return ring->bytes + at;
}

void ring_drop(struct ring *ring, size_t len)
{
	assert(len <= ring_used(ring));
	ring->head += (uint32_t)len;
}
