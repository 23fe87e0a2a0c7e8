/* SPDX-License-Identifier: Apache-2.0 */
/* A request's way from one system call to the next. */
#include "step.h"

#include <errno.h>
#include <linux/falloc.h>
#include <string.h>

#include "base/util.h"
#include "disk_internal.h"

enum {
	STATE_MOVE,	/* the data of a READ or WRITE */
	STATE_DISCARD,	/* a block device's own discard */
	STATE_PUNCH,	/* FALLOC_FL_PUNCH_HOLE */
	STATE_ZERO,	/* FALLOC_FL_ZERO_RANGE */
	STATE_ZERO_OUT, /* zeroes written, where the file has neither */
	STATE_SYNC,	/* of a FLUSH, or after zeroes that must be durable */
};

#define ZEROES_SIZE (64u << 10)

/* Never written; not const, so that it takes no room in the program's file. */
static uint8_t zeroes[ZEROES_SIZE] __attribute__((aligned(4096)));

/* It has to outlive power when it completes, and would not by itself. */
static bool to_sync(const struct blk_req *req)
{
	const struct disk *disk = req->disk;

	return !disk->limits.durable && ((req->flags & BLK_FUA) || !disk_write_back(disk));
}

static uint8_t zero_state(const struct blk_req *req)
{
	const struct disk *disk = req->disk;

	if (disk->config->discard && !(req->flags & BLK_NOUNMAP) &&
	    !disk_lacks(disk, DISK_NO_PUNCH))
		return STATE_PUNCH;
	return disk_lacks(disk, DISK_NO_ZERO) ? STATE_ZERO_OUT : STATE_ZERO;
}

void blk_step_start(struct blk_req *req)
{
	req->moved = 0;
	req->first_iov = 0;
	req->tries = 0;
	req->parts = 0;
	req->bounce = NULL;
	switch (req->op) {
	case BLK_READ:
	case BLK_WRITE:
		req->state = STATE_MOVE;
		break;
	case BLK_DISCARD:
		req->state = disk_lacks(req->disk, DISK_NO_DISCARD) ? STATE_PUNCH : STATE_DISCARD;
		break;
	case BLK_WRITE_ZEROES:
		req->state = zero_state(req);
		break;
	case BLK_FLUSH:
		req->state = STATE_SYNC;
		break;
	}
}

/* ---- the scatter list ------------------------------------------------------------------------ */

/* Between the list's unmoved part and @buf, @len bytes; the list stays as it is. */
static void copy_iov(const struct blk_req *req, void *buf, uint64_t len, bool to_iov)
{
	uint8_t *at = buf;

	for (unsigned int i = req->first_iov; len && i < req->nr_iov; i++) {
		size_t n = req->iov[i].iov_len < len ? req->iov[i].iov_len : (size_t)len;

		memcpy(to_iov ? req->iov[i].iov_base : at, to_iov ? at : req->iov[i].iov_base, n);
		at += n;
		len -= n;
	}
}

static void advance(struct blk_req *req, uint64_t len)
{
	req->moved += len;
	while (len) {
		struct iovec *iov = &req->iov[req->first_iov];

		if (len < iov->iov_len) {
			iov->iov_base = (uint8_t *)iov->iov_base + len;
			iov->iov_len -= (size_t)len;
			return;
		}
		len -= iov->iov_len;
		req->first_iov++;
	}
}

/* Behind the end of the file, inside the disk. */
static void zero_rest(struct blk_req *req)
{
	for (unsigned int i = req->first_iov; i < req->nr_iov; i++)
		memset(req->iov[i].iov_base, 0, req->iov[i].iov_len);
	req->moved = req->len;
}

/* ---- what to ask ----------------------------------------------------------------------------- */

static void next_one(struct blk_step *step, void *buf, uint64_t left, uint64_t most)
{
	step->len = left < most ? left : most;
	step->one.iov_base = buf;
	step->one.iov_len = (size_t)step->len;
	step->iov = &step->one;
	step->nr_iov = 1;
}

static void next_move(struct blk_req *req, struct blk_step *step)
{
	bool read = req->op == BLK_READ;

	step->kind = read ? BLK_STEP_READ : BLK_STEP_WRITE;
	step->flags = !read && to_sync(req) ? RWF_DSYNC : 0;
	if (req->bounce) {
		next_one(step, req->bounce, req->len - req->moved, BLK_BOUNCE_SIZE);
		if (!read)
			copy_iov(req, req->bounce, step->len, false);
		return;
	}
	step->len = req->len - req->moved;
	step->iov = &req->iov[req->first_iov];
	step->nr_iov = req->nr_iov - req->first_iov;
}

static void next_zero_out(struct blk_req *req, struct blk_step *step)
{
	step->kind = BLK_STEP_WRITE;
	step->flags = to_sync(req) ? RWF_DSYNC : 0;
	next_one(step, zeroes, req->len - req->moved, ZEROES_SIZE);
}

static void next_fallocate(const struct blk_req *req, struct blk_step *step, int mode)
{
	step->kind = BLK_STEP_FALLOCATE;
	step->flags = mode | FALLOC_FL_KEEP_SIZE;
	step->len = req->len;
}

void blk_step_next(struct blk_req *req, struct blk_step *step)
{
	step->offset = req->offset + req->moved;
	switch (req->state) {
	case STATE_MOVE:
		next_move(req, step);
		break;
	case STATE_ZERO_OUT:
		next_zero_out(req, step);
		break;
	case STATE_PUNCH:
		next_fallocate(req, step, FALLOC_FL_PUNCH_HOLE);
		break;
	case STATE_ZERO:
		next_fallocate(req, step, FALLOC_FL_ZERO_RANGE);
		break;
	case STATE_DISCARD:
		step->kind = BLK_STEP_DISCARD;
		step->len = req->len;
		break;
	default:
		step->kind = BLK_STEP_SYNC;
		break;
	}
}

/* ---- what it said ---------------------------------------------------------------------------- */

static bool finish(struct blk_req *req, int status)
{
	req->status = status;
	return true;
}

static bool finish_move(struct blk_req *req, int64_t res)
{
	uint64_t left = req->len - req->moved;
	uint64_t n = res > 0 ? (uint64_t)res : 0;
	uint64_t whole;
	bool read = req->op == BLK_READ;

	if (res < 0)
		return finish(req, (int)res);
	if (n > left)
		n = left;
	if (n == left && !req->bounce) { /* all of it: nobody looks at the list again */
		req->moved = req->len;
		return finish(req, 0);
	}
	/* Direct I/O can go on at a block only; one that ends inside of one has met the end. */
	whole = req->disk->config->direct ? align_down(n, req->disk->limits.logical_block) : n;
	if (req->bounce && read)
		copy_iov(req, req->bounce, n, true);
	if (read && n < left && (!n || whole != n)) {
		advance(req, n);
		zero_rest(req);
		return finish(req, 0);
	}
	if (!read && !whole)
		return finish(req, -EIO);
	advance(req, read ? n : whole);
	return req->moved == req->len ? finish(req, 0) : false;
}

static bool finish_zero_out(struct blk_req *req, int64_t res)
{
	uint64_t left = req->len - req->moved;
	uint64_t n;

	if (res < 0)
		return finish(req, (int)res);
	n = align_down((uint64_t)res, req->disk->limits.logical_block);
	if (!n)
		return finish(req, -EIO);
	req->moved += n < left ? n : left;
	return req->moved == req->len ? finish(req, 0) : false;
}

/* A file that cannot says so at once, and another way is taken from then on. */
static bool is_lack(int64_t res)
{
	return res == -EOPNOTSUPP || res == -ENOSYS || res == -ENOTTY;
}

static bool finish_ranged(struct blk_req *req, int64_t res)
{
	if (res == 0) {
		req->state = STATE_SYNC;
		return req->op == BLK_WRITE_ZEROES && to_sync(req) ? false : finish(req, 0);
	}
	if (!is_lack(res))
		return finish(req, (int)res);
	if (req->state == STATE_DISCARD) {
		disk_learn_lack(req->disk, DISK_NO_DISCARD);
		req->state = STATE_PUNCH;
		return disk_lacks(req->disk, DISK_NO_PUNCH) ? finish(req, -EOPNOTSUPP) : false;
	}
	disk_learn_lack(req->disk, req->state == STATE_PUNCH ? DISK_NO_PUNCH : DISK_NO_ZERO);
	if (req->op == BLK_DISCARD)
		return finish(req, -EOPNOTSUPP);
	req->state = zero_state(req);
	return false;
}

bool blk_step_result(struct blk_req *req, int64_t res)
{
	if (blk_try_again(res))
		return ++req->tries < BLK_MAX_TRIES ? false : finish(req, -EIO);
	req->tries = 0;
	switch (req->state) {
	case STATE_MOVE:
		return finish_move(req, res);
	case STATE_ZERO_OUT:
		return finish_zero_out(req, res);
	case STATE_SYNC:
		return finish(req, res < 0 ? (int)res : 0);
	default:
		return finish_ranged(req, res);
	}
}
