/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/block and its tests: a queue, and what an engine is to it.
 *
 * queue.c checks requests, holds them back and reports them; an engine moves them by steps
 * (step.h). A request goes: blk_submit() -> checks -> rate -> page cache -> bounce buffer ->
 * engine -> blk_queue_finished() -> done().
 */
#ifndef ARCVISOR_SRC_BLOCK_QUEUE_INTERNAL_H
#define ARCVISOR_SRC_BLOCK_QUEUE_INTERNAL_H

#include <stddef.h>

#include "block/block.h"
#include "host.h"
#include "step.h"

struct req_list {
	struct blk_req *head, *tail;
};

static inline void req_list_add(struct req_list *list, struct blk_req *req)
{
	req->next = NULL;
	if (list->tail)
		list->tail->next = req;
	else
		list->head = req;
	list->tail = req;
}

static inline struct blk_req *req_list_take(struct req_list *list)
{
	struct blk_req *req = list->head;

	if (req) {
		list->head = req->next;
		if (!list->head)
			list->tail = NULL;
	}
	return req;
}

/* A disk as one queue sees it. */
struct blk_slot {
	struct disk *disk;
	uint32_t memory_mask, length_mask; /* bits that a segment must not have, or it is copied */
	bool limited;
	struct req_list held; /* over the disk's rate, in order */
};

/* Buffers for segments that direct I/O does not take; made at creation, touched when used. */
struct blk_bounce {
	uint8_t *base; /* NULL: no disk of the queue needs any */
	void *free[4];
	unsigned int nr_free;
	struct req_list waiting;
};

/* An engine's functions run on the owner's thread, but create and destroy. */
struct blk_engine_ops {
	enum blk_engine engine;
	/* 0 or -errno; queue->engine is the engine's own. */
	int (*create)(struct blk_queue *queue);
	void (*destroy)(struct blk_queue *queue);
	int (*attach)(struct blk_queue *queue);
	/* Takes a request that is at a step; starts it at the next kick(). */
	void (*submit)(struct blk_queue *queue, struct blk_req *req);
	/* Starts all, and calls blk_queue_finished() for what has ended. */
	void (*kick)(struct blk_queue *queue);
	/* As kick(), but waits until one has ended, at most @ns. */
	void (*wait)(struct blk_queue *queue, uint64_t ns);
	void (*wakes)(struct blk_queue *queue, bool on);
	/* Wakes the owner at @when (blk_host.now), as a completion would. The earliest counts. */
	void (*alarm)(struct blk_queue *queue, uint64_t when);
};

struct blk_queue {
	const struct blk_engine_ops *ops;
	void *engine;
	const struct blk_host *host;
	struct blk_queue_config config; /* .disks and .pinned are not kept */
	struct blk_slot *slots;
	unsigned int nr_slots;
	unsigned int in_flight;	    /* submitted and not reported */
	unsigned int in_engine;	    /* of them with the engine */
	unsigned int nr_held;	    /* of them over a rate */
	unsigned int cached_budget; /* tries of the page cache until the next kick */
	unsigned int reported;
	bool reporting;
	int eventfd;
	bool own_eventfd;
	struct req_list finished;
	struct blk_bounce bounce;
};

extern const struct blk_engine_ops blk_uring_ops, blk_sync_ops;

/* As blk_queue_create(), with other system calls than the host's. @host outlives the queue. */
int blk_queue_create_on(const struct blk_host *host, const struct blk_queue_config *config,
			struct blk_queue **out);

/* An engine's word that @req, which was submitted to it, has ended; on the owner's thread. */
void blk_queue_finished(struct blk_queue *queue, struct blk_req *req);

static inline int blk_queue_fd(const struct blk_req *req)
{
	return disk_fd(req->disk);
}

/* ---- bounce.c -------------------------------------------------------------------------------- */

int blk_bounce_init(struct blk_bounce *bounce); /* 0 or -ENOMEM */
void blk_bounce_fini(struct blk_bounce *bounce);

/* Gives @req a buffer, or false: it waits for one. */
bool blk_bounce_get(struct blk_bounce *bounce, struct blk_req *req);

/* Takes @req's buffer back; the request that waited for it and has it now, or NULL. */
struct blk_req *blk_bounce_put(struct blk_bounce *bounce, struct blk_req *req);

/* ---- hold.c ---------------------------------------------------------------------------------- */

/* True: @req is over its disk's rate, or behind one that is, and is held. Else it has paid. */
bool blk_hold(struct blk_queue *queue, struct blk_slot *slot, struct blk_req *req);

/*
 * The next that may go now, which has paid; any with @force. NULL: none, and the engine wakes the
 * owner when one may.
 */
struct blk_req *blk_hold_next(struct blk_queue *queue, bool force);

/* ---- cached.c -------------------------------------------------------------------------------- */

/* True: @req, a READ at its first step, was served from the page cache and has ended. */
bool blk_cached_read(struct blk_queue *queue, struct blk_req *req);

#endif
