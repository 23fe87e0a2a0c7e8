/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of bytes. */
#include "ring.h"

#include <assert.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t ring_put(struct ring *ring, const uint8_t *buf, size_t len)
{
	size_t n = smaller(len, ring_room(ring));
	size_t at = ring->head & (ring->size - 1);
	size_t first = smaller(n, ring->size - at);

	memcpy(ring->bytes + at, buf, first);
	memcpy(ring->bytes, buf + first, n - first);
	ring->head += n;
	return n;
}

const uint8_t *ring_peek(const struct ring *ring, size_t *len)
{
	size_t at = ring->tail & (ring->size - 1);

	*len = smaller(ring_used(ring), ring->size - at);
	return ring->bytes + at;
}

void ring_drop(struct ring *ring, size_t len)
{
	assert(len <= ring_used(ring));
	ring->tail += len;
}

size_t ring_get(struct ring *ring, uint8_t *buf, size_t len)
{
	size_t total = 0;

	while (total < len && ring_used(ring)) {
		size_t n;
		const uint8_t *from = ring_peek(ring, &n);

		n = smaller(n, len - total);
		memcpy(buf + total, from, n);
		ring_drop(ring, n);
		total += n;
	}
	return total;
}
