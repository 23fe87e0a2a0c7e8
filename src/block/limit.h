/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/block and its tests: a token bucket that many threads take from without a lock.
 *
 * Its state is one word, the time at which all that was let through is paid for. A bucket of
 * burst tokens is full where that time is past, and empty where it lies burst / rate ahead.
 */
#ifndef ARCVISOR_SRC_BLOCK_LIMIT_H
#define ARCVISOR_SRC_BLOCK_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "block/disk.h"

struct blk_limit {
	uint64_t rate;	/* tokens a second; 0: no limit */
	uint64_t depth; /* burst / rate, in ticks */
	_Atomic uint64_t paid;
};

void blk_limit_init(struct blk_limit *limit, const struct disk_limit *config);

/*
 * When @tokens may go, in the nanoseconds of @now; at or before @now: at once. More tokens than a
 * full bucket has go when it is full. Takes nothing.
 */
uint64_t blk_limit_when(const struct blk_limit *limit, uint64_t tokens, uint64_t now);

/* Takes @tokens, whether the bucket has them or not. */
void blk_limit_take(struct blk_limit *limit, uint64_t tokens, uint64_t now);

#endif
