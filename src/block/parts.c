/* SPDX-License-Identifier: Apache-2.0 */
/* A transfer in parts. */
#include "parts.h"

#include <errno.h>

#include "base/util.h"
#include "disk_internal.h"
#include "step.h"

#define PART_ALIGN 4096u

bool blk_parts_begin(const struct blk_req *req, const struct blk_step *step,
		     struct blk_parts *parts)
{
	uint64_t most = req->disk->max_transfer;
	uint64_t count;

	/* What was tried before goes whole: short parts are not put together. */
	if (!most || step->len <= most || step->kind > BLK_STEP_WRITE || req->bounce ||
	    req->tries || req->moved)
		return false;
	count = (step->len + most - 1) / most;
	*parts = (struct blk_parts){ .whole = step, .offset = step->offset };
	if (!align_up(step->len / count, PART_ALIGN, &parts->size) || parts->size > most)
		parts->size = most;
	return true;
}

/* Of one large segment. */
static void next_slice(struct blk_parts *parts, const struct iovec *iov, struct blk_step *part)
{
	uint64_t left = iov->iov_len - parts->cut;

	part->len = left < parts->size ? left : parts->size;
	part->one.iov_base = (uint8_t *)iov->iov_base + parts->cut;
	part->one.iov_len = (size_t)part->len;
	part->iov = &part->one;
	part->nr_iov = 1;
	parts->cut += part->len;
	if (parts->cut == iov->iov_len) {
		parts->cut = 0;
		parts->entry++;
	}
}

/* As many whole segments as fit. */
static void next_run(struct blk_parts *parts, struct blk_step *part)
{
	const struct blk_step *whole = parts->whole;

	part->iov = &whole->iov[parts->entry];
	part->nr_iov = 0;
	part->len = 0;
	while (parts->entry < whole->nr_iov &&
	       part->len + whole->iov[parts->entry].iov_len <= parts->size) {
		part->len += whole->iov[parts->entry++].iov_len;
		part->nr_iov++;
	}
}

bool blk_parts_next(struct blk_parts *parts, struct blk_step *part)
{
	const struct blk_step *whole = parts->whole;
	const struct iovec *iov = &whole->iov[parts->entry];

	if (parts->entry == whole->nr_iov)
		return false;
	part->kind = whole->kind;
	part->flags = whole->flags;
	part->offset = parts->offset;
	if (parts->cut || iov->iov_len > parts->size)
		next_slice(parts, iov, part);
	else
		next_run(parts, part);
	parts->offset += part->len;
	return true;
}

bool blk_parts_ended(struct blk_req *req, int64_t *res)
{
	if (*res >= 0)
		req->moved += (uint64_t)*res;
	else if (!blk_try_again(*res))
		req->status = (int)*res;
	if (--req->parts)
		return false;
	if (req->status < 0)
		*res = req->status;
	else
		*res = req->moved == req->len ? (int64_t)req->len : -EINTR;
	req->moved = 0;
	return true;
}
