/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets. Two threads that ask at once may both go: the bucket then owes, and keeps its
 * rate. */
#include "base/rate_limit.h"

#define TICKS_PER_NS 16u /* so that a block at gigabytes a second is not rounded away */
#define TICKS_PER_S  (1000000000ull * TICKS_PER_NS)

static uint64_t ticks_of(const struct rate_limit *limit, uint64_t tokens)
{
	unsigned __int128 ticks = (unsigned __int128)tokens * TICKS_PER_S / limit->rate;

	/* A century, so that sums do not wrap. */
	return ticks < UINT64_MAX / 8 ? (uint64_t)ticks : UINT64_MAX / 8;
}

void rate_limit_init(struct rate_limit *limit, uint64_t rate, uint64_t burst)
{
	limit->rate = rate;
	atomic_init(&limit->paid, 0);
	if (limit->rate)
		limit->depth = ticks_of(limit, burst ? burst : rate);
}

uint64_t rate_limit_when(const struct rate_limit *limit, uint64_t tokens, uint64_t now)
{
	uint64_t paid, cost;

	if (!limit->rate)
		return now;
	paid = atomic_load_explicit(&limit->paid, memory_order_relaxed);
	cost = ticks_of(limit, tokens);
	if (cost > limit->depth)
		cost = limit->depth;
	if (paid + cost <= now * TICKS_PER_NS + limit->depth)
		return now;
	return (paid + cost - limit->depth + TICKS_PER_NS - 1) / TICKS_PER_NS;
}

/* One word, which publishes nothing else: relaxed order will do. */
void rate_limit_take(struct rate_limit *limit, uint64_t tokens, uint64_t now)
{
	uint64_t old = atomic_load_explicit(&limit->paid, memory_order_relaxed);
	uint64_t next, cost;

	if (!limit->rate)
		return;
	cost = ticks_of(limit, tokens);
	do {
		next = (old > now * TICKS_PER_NS ? old : now * TICKS_PER_NS) + cost;
		if (next > UINT64_MAX / 2)
			next = UINT64_MAX / 2;
	} while (!atomic_compare_exchange_weak_explicit(
		&limit->paid, &old, next, memory_order_relaxed, memory_order_relaxed));
}
