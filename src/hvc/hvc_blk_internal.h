/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/hvc: the block service's parts. */
#ifndef ARCVISOR_HVC_HVC_BLK_PRIVATE_H
#define ARCVISOR_HVC_HVC_BLK_PRIVATE_H

#include <stdatomic.h>

#include "hvc/hvc_blk.h"

#define HVC_MAX_SECTORS	      8192u /* of one request: 4 MiB */
#define HVC_MAX_SEGMENT_BYTES (HVC_MAX_SECTORS * HVC_BLK_SECTOR)
#define HVC_MAX_WAIT_US	      1000u

struct hvc_vcpu;
struct hvc_poller;

enum hvc_queue_state {
	HVC_QUEUE_DISABLED,
	HVC_QUEUE_ENABLED,
	HVC_QUEUE_BROKEN,
};

/*
 * A queue. @owner is the one word that any thread looks at: 0 while the number is free, else the
 * owning vCPU + 1. All else belongs to the thread that serves it: that vCPU's, or where there is
 * one its poller's; of those the vCPU reads @poller, which it set, and by atomic loads @state and
 * @shown. Indexes are our own copies: what the guest makes of its header is compared with them and
 * never replaces them.
 */
struct hvc_queue {
	_Atomic uint32_t owner;
	enum hvc_queue_state state; /* by hvc_state(), hvc_set_state() */
	uint16_t dev, flags;
	struct hvc_poller *poller; /* NULL: its vCPU serves it, when it calls */
	struct hvc_vcpu *vcpu;	   /* whose calls it takes, and who is interrupted */
	bool polling;		   /* its poller looks at it, and its header says so */
	bool irq_missed;	   /* as the server's: of this one */
	_Atomic uint32_t shown;	   /* cq_tail in the header, of a queue with a poller */
	struct hvc_blk_header *header;
	const struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;
	uint32_t sq_entries, cq_entries;
	uint32_t sq_head;  /* requests taken */
	uint32_t sq_limit; /* requests that a doorbell announced */
	uint32_t cq_tail;  /* completions written, the latest not yet shown */
	uint32_t in_flight;
	uint32_t generation; /* of the disk, as the header shows it */
	uint32_t told;	     /* the disk's, when the header was last written */
	uint64_t dropped;
	bool dirty; /* on the vCPU's list of queues to show */
	struct hvc_queue *next_dirty;
	struct hvc_queue *next; /* of the vCPU's queues */
};

struct hvc_req {
	struct blk_req blk;
	struct hvc_queue *queue; /* NULL: a v1 call */
	struct hvc_req *next_free;
	uint32_t round; /* the vCPU's, when it was taken */
	uint32_t bytes;
	uint16_t tag;
	bool irq;  /* its completion is to be told */
	bool done; /* v1 */
	struct iovec iov[HVC_BLK_MAX_SEGMENTS];
};

/*
 * Who serves queues: a vCPU, or inside a poller its thread, which is no vCPU and has no line. That
 * thread's alone, but for @line and @parked.
 */
struct hvc_vcpu {
	struct hvc_blk *blk;
	unsigned int index;
	bool attached;
	struct blk_queue *engine;
	struct irq_line *line;
	struct hvc_req *pool;
	struct hvc_req *free;
	unsigned int nr_fresh; /* of @pool, ever used */
	unsigned int nr_used;  /* of @pool, now */
	struct hvc_queue *queues;
	unsigned int nr_polled; /* queues of this vCPU that pollers serve, not in @queues */
	_Atomic bool parked;	/* its vCPU does not run: pollers leave its queues alone */
	struct hvc_queue *dirty;
	struct hvc_queue *called; /* the queue whose call is served, or NULL */
	unsigned int irq_in_flight;
	bool irq_missed; /* something was posted that the guest does not look for by itself */
	bool sees_all;	 /* the call under way is a handler's: it looks at every queue */
	uint32_t round;	 /* counts calls that look for completions */
	struct hvc_blk_stats stats;
};

struct hvc_disk {
	struct disk *disk;
	_Atomic bool v2; /* a queue was set up: v1 is over */
	_Atomic uint32_t generation;
	_Atomic uint32_t told;	   /* the generation that DEV_INFO last said */
	struct hvc_poller *poller; /* or NULL */
};

struct hvc_blk {
	struct hvc_blk_config config;
	struct hvc_disk disks[HVC_BLK_MAX_DISKS];
	struct hvc_queue queues[HVC_BLK_MAX_QUEUES];
	struct hvc_vcpu vcpus[];
};

/* What a call answers; nr of 0 leaves the guest's registers alone. */
struct hvc_reply {
	unsigned int nr;
	uint64_t ret[3];
};

static inline void hvc_answer(struct hvc_reply *reply, int64_t x0)
{
	reply->nr = 1;
	reply->ret[0] = (uint64_t)x0;
}

/* hvc_blk_v1.c */
void hvc_v1_probe(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_v1_read(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_v1_write(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_v1_flush(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_v1_capacity(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);

/* hvc_blk_info.c */
void hvc_version(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_dev_info(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_get_id(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);

/* hvc_blk_setup.c */
void hvc_queue_setup(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);
void hvc_queue_ctrl(struct hvc_vcpu *vcpu, const uint64_t *args, struct hvc_reply *reply);

static inline enum hvc_queue_state hvc_state(const struct hvc_queue *queue)
{
	return (enum hvc_queue_state)__atomic_load_n(&queue->state, __ATOMIC_RELAXED);
}

static inline void hvc_set_state(struct hvc_queue *queue, enum hvc_queue_state state)
{
	__atomic_store_n(&queue->state, state, __ATOMIC_RELAXED);
}

/* The queue @id if it is @vcpu's own; else NULL, and why in *@err: -ENOENT or -EXDEV. */
struct hvc_queue *hvc_own_queue(struct hvc_vcpu *vcpu, uint64_t id, int *err);

/* hvc_blk.c */
int hvc_init_pool(struct hvc_vcpu *vcpu); /* 0 or -ENOMEM */
void hvc_fini_pool(struct hvc_vcpu *vcpu);

/* A ring for @disks whose completions write to @eventfd, and call back @vcpu. 0 or -errno. */
int hvc_open_engine(struct hvc_vcpu *vcpu, struct disk *const *disks, unsigned int nr_disks,
		    int eventfd);

/* Counts; others read it while this thread writes. */
static inline void hvc_count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* @fid by number, with its arguments fetched: what both conduits and the MMIO twin come to. */
void hvc_invoke(struct hvc_vcpu *vcpu, uint32_t fid, const uint64_t *args, struct hvc_reply *reply);

/* The calls without arguments: 0 accepted, -errno refused, 1 if @fid is none of them. */
int hvc_invoke_ring(struct hvc_vcpu *vcpu, uint32_t fid);

/* The disk that a guest's number means, or NULL. */
struct hvc_disk *hvc_disk(struct hvc_blk *blk, uint64_t dev);

/* hvc_blk_ring.c: 0, or -errno as the ABI has it and nothing was done. */
int hvc_doorbell(struct hvc_vcpu *vcpu, uint32_t id, bool wait);
int hvc_reap(struct hvc_vcpu *vcpu, uint32_t id);
int hvc_wakeup(struct hvc_vcpu *vcpu, uint32_t id);

/* Announces what the guest has added: 0, or -EPIPE where that cannot be. */
int hvc_announce(struct hvc_vcpu *vcpu, struct hvc_queue *queue);

/* Takes what was announced, as far as there is room: true if it took any. */
bool hvc_take_announced(struct hvc_vcpu *vcpu, struct hvc_queue *queue);

/* Something that was announced waits for room. */
bool hvc_waits(const struct hvc_queue *queue);

/* What the header shows of the disk is not what there is; hvc_note_changes() puts it right. */
bool hvc_is_behind(const struct hvc_vcpu *vcpu, const struct hvc_queue *queue);
void hvc_note_changes(struct hvc_vcpu *vcpu, struct hvc_queue *queue);

/* Something was posted, or is to be seen, that the guest does not look for by itself. */
static inline void hvc_miss(struct hvc_vcpu *vcpu, struct hvc_queue *queue)
{
	vcpu->irq_missed = true;
	queue->irq_missed = true;
}

/* Raises what was missed. */
void hvc_raise_missed(struct hvc_vcpu *vcpu);

/* Waits until nothing of the vCPU's is in flight, and posts all of it. Takes nothing new. */
void hvc_quiesce(struct hvc_vcpu *vcpu);

/*
 * Ends a call that used the engine: takes what waits for room, allows interrupts where something
 * in flight wants one, shows what was posted, and raises what the guest would not see by itself.
 */
void hvc_end_service(struct hvc_vcpu *vcpu);

/* hvc_blk_complete.c */
/* Never fails: rings use HVC_BLK_DEPTH at most, and a v1 call, which waits, one more. */
struct hvc_req *hvc_req_get(struct hvc_vcpu *vcpu);
void hvc_req_put(struct hvc_vcpu *vcpu, struct hvc_req *req);
void hvc_done(void *ctx, struct blk_req *blk);
void hvc_post(struct hvc_vcpu *vcpu, struct hvc_queue *queue, uint16_t tag, uint8_t status,
	      uint8_t flags, uint32_t bytes);
void hvc_show(struct hvc_vcpu *vcpu); /* stores the header's host line of each changed queue */
void hvc_mark(struct hvc_vcpu *vcpu, struct hvc_queue *queue);

/* hvc_blk_poll.c: pollers. All but start and stop on a vCPU's thread. */
int hvc_poll_start(struct hvc_blk *blk, struct hvc_disk *disk); /* 0 or -errno */
void hvc_poll_stop(struct hvc_poller *poller);			/* NULL is fine */

/* Runs @work on the poller's thread, and waits for what it returns. */
typedef int64_t (*hvc_work)(struct hvc_vcpu *server, struct hvc_queue *queue, uint64_t arg);
int64_t hvc_poll_run(struct hvc_poller *poller, hvc_work work, struct hvc_queue *queue,
		     uint64_t arg);

/* @vcpu calls, so it runs: pollers look at its queues again. */
void hvc_poll_unpark(struct hvc_vcpu *vcpu);

/* A call for a queue of @poller: it looks at its queues, now if it sleeps. */
void hvc_poll_wake(struct hvc_poller *poller);

/* A call for no certain queue: wakes pollers that have left something undone. */
void hvc_poll_nudge(struct hvc_vcpu *vcpu);

/* Nothing of @vcpu's is in flight, nor taken, until it calls again. */
void hvc_poll_park(struct hvc_vcpu *vcpu);

const struct hvc_blk_stats *hvc_poll_stats(const struct hvc_poller *poller);

/* hvc_blk_mmio.c: the calling thread is @vcpu's. */
void hvc_mmio_attach(struct hvc_vcpu *vcpu);

/* hvc_blk_sqe.c: fills @req from a request that was copied. HVC_BLK_OK, or the status it ends with.
 */
uint8_t hvc_take(const struct hvc_vcpu *vcpu, const struct hvc_queue *queue,
		 const struct hvc_blk_sqe *sqe, struct hvc_req *req);

#endif
