/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/block and its tests: a request as the system calls that it takes.
 *
 * Both engines walk a request by the same two functions: blk_step_next() says what to ask of the
 * kernel, blk_step_result() takes the answer and says if that was all. Neither makes a system call.
 * A request is one thread's at a time.
 */
#ifndef ARCVISOR_SRC_BLOCK_STEP_H
#define ARCVISOR_SRC_BLOCK_STEP_H

#include <errno.h>

#include "block/block.h"

/* A bounce buffer's size: what a request that needs one moves at a time. */
#define BLK_BOUNCE_SIZE (64u << 10)

/* -EINTR and -EAGAIN in a row before a request counts as failed. */
#define BLK_MAX_TRIES 1000u

/*
 * Whether @res says that nothing was done and it may be tried again. io_uring ends requests with
 * -ECANCELED for which it could not start a worker, signals being in its way (Linux 6.1 io-wq.c,
 * create_worker_cont()); we cancel none.
 */
static inline bool blk_try_again(int64_t res)
{
	return res == -EINTR || res == -EAGAIN || res == -ECANCELED;
}

enum blk_step_kind {
	BLK_STEP_READ,
	BLK_STEP_WRITE,
	BLK_STEP_FALLOCATE,
	BLK_STEP_DISCARD,
	BLK_STEP_SYNC,
};

struct blk_step {
	enum blk_step_kind kind;
	int flags; /* RWF_ for READ and WRITE, FALLOC_FL_ for FALLOCATE */
	uint64_t offset, len;
	const struct iovec *iov; /* READ and WRITE: the request's, or @one */
	unsigned int nr_iov;
	struct iovec one;
};

/* Sets a request that passed all checks at its first step. */
void blk_step_start(struct blk_req *req);

/* What to ask next. Copies what is to be written into the request's bounce buffer if it has one. */
void blk_step_next(struct blk_req *req, struct blk_step *step);

/* @res is what the kernel said: a count, 0 or -errno. True: it has ended, req->status says how. */
bool blk_step_result(struct blk_req *req, int64_t res);

#endif
