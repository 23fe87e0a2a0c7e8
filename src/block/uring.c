/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on io_uring: a ring with one thread that submits and reaps. liburing sets the ring up
 * (uring_ring.c); entering the kernel is done here, in one place.
 *
 * Memory is registered with the ring only where its owner says that its pages stay: those that a
 * balloon punches out of guest memory stay pinned, and a fixed read would fill pages which the
 * guest no longer has.
 */
#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/log.h"
#include "disk_internal.h"
#include "parts.h"
#include "uring.h"

/* <linux/blkdev.h> of Linux 6.12: a block device's discard as a command of the ring. */
#ifndef BLOCK_URING_CMD_DISCARD
#define BLOCK_URING_CMD_DISCARD _IO(0x12, 0)
#endif

#define MAX_MOVE    (1u << 30)
#define MAX_ENTRIES 1000u /* of the kernel without taking anything, before it counts as broken */
#define PART_TAG    1ull  /* in a user data: one part of the request */
#define NS_PER_S    1000000000u

/* ---- into the submission queue --------------------------------------------------------------- */

static unsigned int nr_pending(const struct uring *uring)
{
	return uring->ring.sq.sqe_tail - IO_URING_READ_ONCE(*uring->ring.sq.khead);
}

/* The tail is published with release: the kernel reads the entries behind it. */
static int64_t enter(struct uring *uring, unsigned int wait, unsigned int flags, const void *arg,
		     uint64_t size)
{
	unsigned int submit = nr_pending(uring);

	io_uring_smp_store_release(uring->ring.sq.ktail, uring->ring.sq.sqe_tail);
	return uring->queue->host->enter(uring->enter_fd, submit, wait, flags | uring->enter_flags,
					 arg, size);
}

static void ended(struct uring *uring, uint64_t data, int64_t res);

/* What the kernel has not taken comes back, and fails; what that lets start is taken back too. */
static void fail_pending(struct uring *uring, int error)
{
	struct io_uring_sq *sq = &uring->ring.sq;

	log_error("io_uring takes no requests: error %d; they fail", -error);
	while (nr_pending(uring)) {
		uint64_t data = sq->sqes[--sq->sqe_tail & *sq->kring_mask].user_data;

		io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
		ended(uring, data, -EIO);
	}
}

/*
 * Hands all that is pending to the kernel. Where it is short of memory, it is given time: what it
 * works on ends some time.
 */
static void flush(struct uring *uring, unsigned int flags)
{
	unsigned int tries = 0;

	while (nr_pending(uring)) {
		int64_t ret = enter(uring, 0, flags, NULL, 0);

		if (ret > 0) {
			tries = 0;
			continue;
		}
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY) {
			fail_pending(uring, (int)ret);
		} else if (++tries > MAX_ENTRIES) {
			fail_pending(uring, (int)ret);
		} else {
			sched_yield();
		}
	}
}

static struct io_uring_sqe *get_sqe(struct uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (!sqe) {
		flush(uring, 0);
		sqe = io_uring_get_sqe(&uring->ring);
	}
	return sqe;
}

int uring_find_pin(const struct uring *uring, const void *base, uint64_t len)
{
	for (unsigned int i = 0; i < uring->nr_pins; i++) {
		const struct uring_pin *pin = &uring->pins[i];
		uint64_t at = (uintptr_t)base - pin->base;

		if (at < pin->size && len <= pin->size - at &&
		    at >> URING_PIN_SHIFT == (at + len - 1) >> URING_PIN_SHIFT)
			return (int)(pin->first + (unsigned int)(at >> URING_PIN_SHIFT));
	}
	return -1;
}

static void prep_one(const struct uring *uring, struct io_uring_sqe *sqe, const struct blk_req *req,
		     const struct blk_step *step)
{
	bool read = step->kind == BLK_STEP_READ;
	size_t len = step->iov->iov_len < MAX_MOVE ? step->iov->iov_len : MAX_MOVE;
	int pin = uring_find_pin(uring, step->iov->iov_base, len);
	int op = pin < 0 ? read ? IORING_OP_READ : IORING_OP_WRITE
		 : read	 ? IORING_OP_READ_FIXED
			 : IORING_OP_WRITE_FIXED;

	io_uring_prep_rw(op, sqe, req->slot, step->iov->iov_base, (unsigned int)len, step->offset);
	sqe->buf_index = pin < 0 ? 0 : (uint16_t)pin;
}

static void prep_move(const struct uring *uring, struct io_uring_sqe *sqe,
		      const struct blk_req *req, const struct blk_step *step)
{
	bool read = step->kind == BLK_STEP_READ;

	if (step->nr_iov == 1) {
		prep_one(uring, sqe, req, step);
	} else {
		io_uring_prep_rw(read ? IORING_OP_READV : IORING_OP_WRITEV, sqe, req->slot,
				 step->iov, step->nr_iov, step->offset);
	}
	sqe->rw_flags = step->flags;
}

static void prep(const struct uring *uring, struct io_uring_sqe *sqe, const struct blk_req *req,
		 const struct blk_step *step, uint64_t tag)
{
	switch (step->kind) {
	case BLK_STEP_READ:
	case BLK_STEP_WRITE:
		prep_move(uring, sqe, req, step);
		break;
	case BLK_STEP_FALLOCATE:
		io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, req->slot, NULL,
				 (unsigned int)step->flags, step->offset);
		sqe->addr = step->len;
		break;
	case BLK_STEP_DISCARD:
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, req->slot, NULL, 0, 0);
		sqe->cmd_op = BLOCK_URING_CMD_DISCARD;
		sqe->addr = step->offset;
		sqe->addr3 = step->len;
		break;
	case BLK_STEP_SYNC:
		io_uring_prep_rw(IORING_OP_FSYNC, sqe, req->slot, NULL, 0, 0);
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		break;
	}
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = (uintptr_t)req | tag;
}

/*
 * Before Linux 6.12 the ring has no discard for block devices. A hole does the same where the
 * device has fast zeroes; else this thread makes the call itself, and waits for it.
 */
static int64_t discard_without_ring(struct blk_queue *queue, const struct blk_req *req,
				    const struct blk_step *step)
{
	if (!disk_lacks(req->disk, DISK_NO_PUNCH))
		return -EOPNOTSUPP;
	return queue->host->discard(blk_queue_fd(req), step->offset, step->len);
}

/* All are counted before the first can end. */
static void submit_parts(struct uring *uring, struct blk_req *req, const struct blk_parts *first)
{
	struct blk_parts parts = *first;
	struct blk_step part;

	req->status = 0;
	while (blk_parts_next(&parts, &part))
		req->parts++;
	parts = *first;
	while (blk_parts_next(&parts, &part))
		prep(uring, get_sqe(uring), req, &part, PART_TAG);
}

static void uring_submit(struct blk_queue *queue, struct blk_req *req)
{
	struct uring *uring = queue->engine;
	struct blk_parts parts;
	struct blk_step step;

	blk_step_next(req, &step);
	while (step.kind == BLK_STEP_DISCARD && !uring->has_cmd) {
		if (blk_step_result(req, discard_without_ring(queue, req, &step))) {
			blk_queue_finished(queue, req);
			return;
		}
		blk_step_next(req, &step);
	}
	if (blk_parts_begin(req, &step, &parts))
		submit_parts(uring, req, &parts);
	else
		prep(uring, get_sqe(uring), req, &step, 0);
}

/* ---- out of the completion queue ------------------------------------------------------------- */

static void ended(struct uring *uring, uint64_t data, int64_t res)
{
	struct blk_req *req = (struct blk_req *)(uintptr_t)(data & ~PART_TAG);

	if (!req) {
		uring->nr_alarms--;
		uring->alarm = UINT64_MAX;
		return;
	}
	if ((data & PART_TAG) && !blk_parts_ended(req, &res))
		return;
	/* The operation is known and block devices have it not: the other way, from now on. */
	if (req->op == BLK_DISCARD && res == -EOPNOTSUPP &&
	    !disk_lacks(req->disk, DISK_NO_DISCARD)) {
		uring->has_cmd = false;
		uring_submit(uring->queue, req);
	} else if (blk_step_result(req, res)) {
		blk_queue_finished(uring->queue, req);
	} else {
		uring_submit(uring->queue, req);
	}
}

static void collect(struct uring *uring)
{
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		ended(uring, cqe->user_data, cqe->res);
		count++;
	}
	if (count)
		io_uring_cq_advance(&uring->ring, count);
}

/* What goes on after a short transfer, or has a bounce buffer now, goes in the same call. */
static void uring_kick(struct blk_queue *queue)
{
	struct uring *uring = queue->engine;
	unsigned int flags = uring->deferred ? IORING_ENTER_GETEVENTS : 0;

	/* Parts can be more than the ring has room for: the kernel keeps them until it is asked. */
	if (IO_URING_READ_ONCE(*uring->ring.sq.kflags) & IORING_SQ_CQ_OVERFLOW)
		enter(uring, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	do {
		if (nr_pending(uring))
			flush(uring, flags);
		else if (uring->deferred)
			enter(uring, 0, flags, NULL, 0);
		collect(uring);
	} while (nr_pending(uring));
}

static void uring_wait(struct blk_queue *queue, uint64_t ns)
{
	struct uring *uring = queue->engine;
	struct __kernel_timespec ts = { .tv_sec = (int64_t)(ns / NS_PER_S),
					.tv_nsec = (int64_t)(ns % NS_PER_S) };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };

	uring_kick(queue);
	if (queue->finished.head || (!queue->in_engine && !uring->nr_alarms))
		return;
	if (ns == UINT64_MAX)
		enter(uring, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	else
		enter(uring, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
	uring_kick(queue);
}

/*
 * The fence pairs with the kernel's between posting a completion and its look at the flag: either
 * it signals, or the owner's blk_reap() after this finds the completion.
 */
static void uring_wakes(struct blk_queue *queue, bool on)
{
	struct uring *uring = queue->engine;

	if (queue->eventfd < 0)
		return;
	io_uring_cq_eventfd_toggle(&uring->ring, on);
	if (on)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void uring_alarm(struct blk_queue *queue, uint64_t when)
{
	struct uring *uring = queue->engine;
	struct __kernel_timespec ts = { .tv_sec = (int64_t)(when / NS_PER_S),
					.tv_nsec = (int64_t)(when % NS_PER_S) };
	struct io_uring_sqe *sqe;

	if (when >= uring->alarm || uring->nr_alarms == URING_MAX_ALARMS)
		return;
	sqe = get_sqe(uring);
	io_uring_prep_rw(IORING_OP_TIMEOUT, sqe, 0, &ts, 1, 0);
	sqe->timeout_flags = IORING_TIMEOUT_ABS;
	sqe->flags = IOSQE_FIXED_FILE; /* as the ring's restrictions demand of all */
	io_uring_sqe_set_data(sqe, NULL);
	uring->alarm = when;
	uring->nr_alarms++;
	flush(uring, 0); /* @ts is read now */
}

const struct blk_engine_ops blk_uring_ops = {
	.engine = BLK_ENGINE_URING,
	.create = uring_create,
	.destroy = uring_destroy,
	.attach = uring_attach,
	.submit = uring_submit,
	.kick = uring_kick,
	.wait = uring_wait,
	.wakes = uring_wakes,
	.alarm = uring_alarm,
};
