/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of arcvisor's hypercall block device share.
 *
 * A queue of the ABI belongs to one CPU, which alone may name it in a call. blk-mq mostly runs a
 * hardware queue on its own CPU, but not always (a task may move between plug and flush), so
 * whoever is elsewhere asks the owner by an IPI.
 */
#ifndef HVC_BLK_H
#define HVC_BLK_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "abi/hvc_blk.h"

#define HVC_BLK_MAX_SEGS	128U
#define HVC_BLK_SLOT		16	/* bytes a request's table has for each segment */

enum hvc_blk_conduit {
	HVC_BLK_BY_HVC,
	HVC_BLK_BY_SMC,
	HVC_BLK_BY_MMIO,
};

struct hvc_blk;
struct hvc_blk_disk;

/* One CPU: its interrupt, which all of its queues share, and the way others ask it to look. */
struct hvc_blk_cpu {
	struct hvc_blk *hb;
	unsigned int cpu;
	u32 vcpu;		/* as the host counts them; known once the CPU was online */
	int irq;		/* 0: not requested yet */
	struct hvc_blk_queue *queues; /* all that are its, of all disks */
	atomic_t kicked;
	call_single_data_t csd;
	struct hvc_blk_mmio_call *call;
};

struct hvc_blk_queue {
	struct hvc_blk_queue *next; /* of the same CPU */
	struct hvc_blk_disk *disk;
	struct hvc_blk_cpu *cpu;
	unsigned int hwq;
	bool poll;
	bool host_poll;		/* the host may look without being called */
	bool live;
	u32 id;

	/* What the host reads and writes. */
	void *area;
	struct hvc_blk_queue_config *config;
	struct hvc_blk_header *header;
	struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;

	spinlock_t lock;	/* all below, and the rings */
	u32 sq_tail;
	u32 cq_head;
	u32 rung;		/* what was published at the latest doorbell */
};

struct hvc_blk_disk {
	struct hvc_blk *hb;
	unsigned int index;
	struct gendisk *gd;
	struct blk_mq_tag_set set;
	struct hvc_blk_queue *queues;
	unsigned int nr_queues;
	unsigned int depth;
	u32 generation;
	struct hvc_blk_device_info *info;
	struct hvc_blk_id *id;
	struct mutex info_lock;	/* @info and @generation */
	struct work_struct resize;
	struct work_struct reset;
};

struct hvc_blk {
	struct device *dev;
	enum hvc_blk_conduit conduit;
	unsigned int version;	/* of the ABI: 2 has rings, 1 a call for each transfer */
	void __iomem *mmio;
	u64 features;
	struct hlist_node hotplug;
	bool leaving;		/* the CPUs give their queues back */
	struct hvc_blk_cpu *cpus;
	unsigned int nr_disks;
	struct hvc_blk_disk *disks;
};

/* What a request has beside blk-mq's. */
struct hvc_blk_pdu {
	bool in_ring;		/* under its queue's lock: the host has yet to say how it went */
	/* Its segments, where they are more than one. */
	struct hvc_blk_segment table[HVC_BLK_MAX_SEGS];
};

/* call.c: how the host is reached. */
int hvc_blk_conduit_init(struct hvc_blk *hb);

/* A call with arguments, from any CPU; X0. With interrupts off where it is a queue's. */
s64 hvc_blk_call(struct hvc_blk *hb, u32 function, u64 x1, u64 x2, u64 x3, u64 *out1);

/* READ or WRITE of version 1: @bytes, or a negative number. */
s64 hvc_blk_transfer(struct hvc_blk *hb, u32 function, u32 disk, u64 sector, u64 gpa, u32 bytes);

/* A call without, for queue @id, which is this CPU's: 0 or a negative number. */
int hvc_blk_ring_call(struct hvc_blk *hb, u32 function, u32 id);

/* life.c */
int hvc_blk_queues_alloc(struct hvc_blk_disk *disk);
void hvc_blk_queues_free(struct hvc_blk_disk *disk);
int hvc_blk_queue_open(struct hvc_blk_queue *q);	/* on its CPU */
void hvc_blk_queue_close(struct hvc_blk_queue *q);	/* on its CPU */
void hvc_blk_queue_reset(struct hvc_blk_queue *q);	/* on its CPU, with interrupts off */

/* queue.c */
extern const struct blk_mq_ops hvc_blk_mq_ops;
void hvc_blk_queue_collect(struct hvc_blk_queue *q);	/* ends what the host has completed */
void hvc_blk_cpu_init(struct hvc_blk *hb, struct hvc_blk_cpu *c, unsigned int cpu);

/* Looks after all queues of @c, on that CPU: doorbells that are due, completions that are there. */
void hvc_blk_cpu_serve(struct hvc_blk_cpu *c);

/* Has @c do that soon, whichever CPU this is. */
void hvc_blk_cpu_kick(struct hvc_blk_cpu *c);

/* reset.c: for the disk's @reset; and how to have it done, from any context. */
void hvc_blk_reset_work(struct work_struct *work);
void hvc_blk_disk_reset(struct hvc_blk_disk *disk);

/* v1.c */
extern const struct blk_mq_ops hvc_blk_v1_mq_ops;
int hvc_blk_v1_read_info(struct hvc_blk_disk *disk);

/* disk.c */
int hvc_blk_disk_init(struct hvc_blk *hb, struct hvc_blk_disk *disk, unsigned int index);
int hvc_blk_disk_add(struct hvc_blk_disk *disk);
void hvc_blk_disk_remove(struct hvc_blk_disk *disk);
void hvc_blk_disk_fini(struct hvc_blk_disk *disk);
void hvc_blk_disk_suspend(struct hvc_blk_disk *disk);
void hvc_blk_disk_resume(struct hvc_blk_disk *disk);

extern bool hvc_blk_poll_queues;
extern unsigned int hvc_blk_queue_depth;
extern unsigned int hvc_blk_version;

#endif
