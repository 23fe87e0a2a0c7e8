/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall block service of one machine (docs/abi-hvc-blk.md), version 1 and 2.
 *
 * Each vCPU's thread has a block queue of its own, which serves all disks, and is the only one
 * that touches the guest's queues of that vCPU: calls take no lock and allocate nothing. What
 * finishes while the vCPU is in the guest raises the vCPU's interrupt without a thread of ours.
 *
 * A disk with DISK_MODE_THREAD has a poller: a thread with a block queue of its own, which serves
 * those queues of the disk that allow it (HVC_BLK_QUEUE_HOST_POLL) without being called, looks a
 * little longer where that pays, and sleeps otherwise. The vCPU's thread hands it what it asks of
 * such a queue, and waits for the answer where there is one.
 */
#ifndef ARCVISOR_HVC_HVC_BLK_H
#define ARCVISOR_HVC_HVC_BLK_H

#include "abi/hvc_blk.h"
#include "block/block.h"
#include "exit/mmio.h"
#include "exit/smccc.h"
#include "irq/irq.h"
#include "mem/gmem.h"

#define HVC_BLK_MAX_DISKS 64u
#define HVC_BLK_DEPTH	  256u /* requests in flight of one vCPU, over all of its queues */

/* All of it outlives the service; copied but for what pointers point at. */
struct hvc_blk_config {
	const struct gmem *mem;
	const struct blk_pinned *pinned; /* of @mem, or NULL */
	unsigned int nr_vcpus;
	struct disk *const *disks;
	unsigned int nr_disks; /* 1 to HVC_BLK_MAX_DISKS */
	enum blk_engine engine;
	struct irq_line *lines; /* one a vCPU: edge, bound to an eventfd or driven by calls */
	bool has_mmio;		/* what VERSION says: hvc_blk_mmio_ops are mapped */
};

struct hvc_blk;

/* 0, -EINVAL (disks, vCPUs), -ENOMEM. */
int hvc_blk_create(const struct hvc_blk_config *config, struct hvc_blk **out);

/*
 * Makes the rings and starts pollers, when @lines have their eventfds: before any vCPU's thread
 * attaches. 0 or what blk_queue_create(), blk_queue_attach(), eventfd(2) or pthread_create(3) said.
 */
int hvc_blk_open(struct hvc_blk *blk);

/* After hvc_blk_drain() of each vCPU, with no vCPU thread left. NULL is fine. */
void hvc_blk_destroy(struct hvc_blk *blk);

/*
 * The calling thread is vCPU @vcpu's from here on: once, before the vCPU first runs. 0 or what
 * blk_queue_attach() said; the vCPU's calls then answer EIO.
 */
int hvc_blk_attach(struct hvc_blk *blk, unsigned int vcpu);

/*
 * On the vCPU's thread, which will not enter the guest before the next call or is about to end:
 * nothing of its queues is in flight afterwards, completions are posted, their interrupt is raised,
 * and pollers leave its queues alone until the vCPU calls.
 */
void hvc_blk_drain(struct hvc_blk *blk, unsigned int vcpu);

/*
 * Serves a call of [HVC_BLK_FN_BASE, + HVC_BLK_FN_COUNT) on the calling vCPU's thread: fills the
 * reply, or none where the ABI says that X0 stays as it is.
 */
void hvc_blk_call(struct hvc_blk *blk, struct smccc_call *call);

/* The MMIO twin; its device is the struct hvc_blk. On threads that attached. */
extern const struct mmio_ops hvc_blk_mmio_ops;

/* The disk's capacity or limits changed: tells the guest. From any thread. */
void hvc_blk_changed(struct hvc_blk *blk, unsigned int disk);

/* Racy while vCPUs run; for figures and tests. */
struct hvc_blk_stats {
	uint64_t calls;	     /* v1 and set-up */
	uint64_t doorbells;  /* DOORBELL and DOORBELL_WAIT, by either way */
	uint64_t reaps;	     /* REAP */
	uint64_t requests;   /* taken from rings */
	uint64_t inlined;    /* of those: completed by the doorbell that took them */
	uint64_t refused;    /* completed as INVALID */
	uint64_t broken;     /* queues that went BROKEN */
	uint64_t dropped;    /* completions that nobody could be given */
	uint64_t interrupts; /* raised by us, beside those of the kernel */
	uint64_t wakeups;    /* WAKEUP, of queues that are polled */
	uint64_t sleeps;     /* of pollers */
};

void hvc_blk_stats(const struct hvc_blk *blk, struct hvc_blk_stats *stats);

#endif
