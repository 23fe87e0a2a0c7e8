/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/block and its tests: a transfer in parts that go to the kernel side by side.
 *
 * A block device takes requests up to a size. A larger one io_uring hands to a worker thread, which
 * costs ten times the system call; in parts it does not. Parts are cut where the segments end, or
 * within a large one.
 */
#ifndef ARCVISOR_SRC_BLOCK_PARTS_H
#define ARCVISOR_SRC_BLOCK_PARTS_H

#include "step.h"

struct blk_parts {
	const struct blk_step *whole;
	uint64_t size; /* of a part, at most */
	uint64_t offset;
	unsigned int entry; /* the segment that comes next, */
	uint64_t cut;	    /* and what of it went before */
};

/* True: @req, whose step is @step, is larger than its disk takes; *@parts is at the first part. */
bool blk_parts_begin(const struct blk_req *req, const struct blk_step *step,
		     struct blk_parts *parts);

/* The next part as a step of its own; false: there is none. */
bool blk_parts_next(struct blk_parts *parts, struct blk_step *part);

/*
 * A part ended with @res. True: it was the last, and *@res is what blk_step_result() is to be told
 * of the whole: all of it, an error, or -EINTR where a part was short, and the whole goes again.
 */
bool blk_parts_ended(struct blk_req *req, int64_t *res);

#endif
