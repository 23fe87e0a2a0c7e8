/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over their disk's rate: held back in order, until there are tokens for the first. */
#include "disk_internal.h"
#include "queue_internal.h"

/* What is moved counts as bytes; every request is an operation. */
static uint64_t bytes_of(const struct blk_req *req)
{
	return req->op == BLK_READ || req->op == BLK_WRITE ? req->len : 0;
}

/* When @req may go. */
static uint64_t ready_at(const struct blk_req *req, uint64_t now)
{
	uint64_t bytes = rate_limit_when(&req->disk->bytes, bytes_of(req), now);
	uint64_t ops = rate_limit_when(&req->disk->ops, 1, now);

	return bytes > ops ? bytes : ops;
}

static void pay(const struct blk_req *req, uint64_t now)
{
	rate_limit_take(&req->disk->bytes, bytes_of(req), now);
	rate_limit_take(&req->disk->ops, 1, now);
}

bool blk_hold(struct blk_queue *queue, struct blk_slot *slot, struct blk_req *req)
{
	uint64_t now = queue->host->now();

	if (!slot->held.head && ready_at(req, now) <= now) {
		pay(req, now);
		return false;
	}
	req_list_add(&slot->held, req);
	queue->nr_held++;
	return true;
}

struct blk_req *blk_hold_next(struct blk_queue *queue, bool force)
{
	uint64_t now = queue->host->now(), first = UINT64_MAX;

	for (unsigned int i = 0; i < queue->nr_slots; i++) {
		struct blk_slot *slot = &queue->slots[i];
		uint64_t when;

		if (!slot->held.head)
			continue;
		when = force ? now : ready_at(slot->held.head, now);
		if (when <= now) {
			pay(slot->held.head, now);
			queue->nr_held--;
			return req_list_take(&slot->held);
		}
		if (when < first)
			first = when;
	}
	if (first != UINT64_MAX)
		queue->ops->alarm(queue, first);
	return NULL;
}
