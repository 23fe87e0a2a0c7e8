/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket that many threads take from without a lock.
 *
 * Its state is one word, the time at which all that was let through is paid for. A bucket of
 * burst tokens is full where that time is past, and empty where it lies burst / rate ahead.
 */
#ifndef ARCVISOR_BASE_RATE_LIMIT_H
#define ARCVISOR_BASE_RATE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint64_t rate;	/* tokens a second; 0: no limit */
	uint64_t depth; /* burst / rate, in ticks */
	_Atomic uint64_t paid;
};

/*
 * @rate tokens a second, 0: no limit; @burst of them at once after a rest, 0: as much as a second
 * gives.
 */
void rate_limit_init(struct rate_limit *limit, uint64_t rate, uint64_t burst);

/*
 * When @tokens may go, in the nanoseconds of @now; at or before @now: at once. More tokens than a
 * full bucket has go when it is full. Takes nothing.
 */
uint64_t rate_limit_when(const struct rate_limit *limit, uint64_t tokens, uint64_t now);

/* Takes @tokens, whether the bucket has them or not. */
void rate_limit_take(struct rate_limit *limit, uint64_t tokens, uint64_t now);

#endif
