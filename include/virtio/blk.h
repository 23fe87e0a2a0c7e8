/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio block device (virtio 1.2 section 5.2): READ, WRITE, FLUSH, DISCARD, WRITE_ZEROES and
 * GET_ID over any number of queues, on the block layer.
 *
 * Who serves a queue is a lane: the queues of the block layer that one thread owns. A vCPU has a
 * lane for all its disks (inline: the vCPU that rang submits, and completes what is there at once
 * before it goes back to the guest), or a disk has a thread of its own with a lane.
 */
#ifndef ARCVISOR_VIRTIO_BLK_H
#define ARCVISOR_VIRTIO_BLK_H

#include "block/block.h"
#include "virtio/device.h"

#define VBLK_QUEUE_SIZE 256u
#define VBLK_SEG_MAX	126u	   /* data segments of a request */
#define VBLK_SIZE_MAX	(4u << 20) /* bytes of a segment that a driver makes */
#define VBLK_LANE_DEPTH 512u	   /* requests of a lane in flight at most; others wait */

struct vblk;
struct vblk_lane;
struct vblk_thread;

/* ---- the device ------------------------------------------------------------------------------ */

/*
 * A device on @disk, which outlives it, with @nr_queues (1 to VIRTIO_MAX_QUEUES) queues. 0 or
 * -ENOMEM. Its transport is made with vblk_device().
 */
int vblk_create(struct disk *disk, unsigned int nr_queues, struct vblk **out);

/* After its transport and its thread. NULL is fine. */
void vblk_destroy(struct vblk *vblk);

struct virtio_device *vblk_device(struct vblk *vblk);
struct disk *vblk_disk(const struct vblk *vblk);

/* The disk has another size now: the driver is told. From any thread but a vCPU's. */
void vblk_resized(struct vblk *vblk);

/* ---- lanes ----------------------------------------------------------------------------------- */

struct vblk_lane_config {
	enum blk_wake wake;
	struct disk *const *disks; /* all that it will serve */
	unsigned int nr_disks;
	const struct blk_pinned *pinned; /* or NULL; used in the call alone */
	int eventfd;			 /* BLK_WAKE_EVENTFD: written at completions */
	/* BLK_WAKE_SIGNAL: makes the owner leave the guest, or not enter it; from any thread. */
	void (*wake_owner)(void *ctx);
	void *ctx;
	int wake_signal; /* BLK_WAKE_SIGNAL: what interrupts the owner in the guest */
};

/* 0 or -errno, as blk_queue_create(). @config is copied but for the disks. */
int vblk_lane_create(const struct vblk_lane_config *config, struct vblk_lane **out);
void vblk_lane_destroy(struct vblk_lane *lane); /* nothing in flight; NULL is fine */

/* The calling thread serves by this lane from here on; once. 0 or -errno. */
int vblk_lane_attach(struct vblk_lane *lane);

/* The calling thread serves no more; nothing is in flight. Does nothing where it has no lane. */
void vblk_lane_detach(void);

/* Completes what has finished, on the lane's thread. True: there was something. */
bool vblk_lane_reap(struct vblk_lane *lane);

/* BLK_WAKE_SIGNAL: the owner was interrupted; before it reaps. On the lane's thread. */
void vblk_lane_interrupted(struct vblk_lane *lane);

/* Completes all that is in flight, on the lane's thread; waits for it. */
void vblk_lane_drain(struct vblk_lane *lane);

/* ---- threads --------------------------------------------------------------------------------- */

/*
 * Starts a thread that serves all queues of @vblk. @doorbell (an eventfd, the caller's) is written
 * when the driver rings; @pinned as a lane's. 0 or -errno.
 */
int vblk_thread_start(struct vblk *vblk, int doorbell, const struct blk_pinned *pinned,
		      struct vblk_thread **out);

/* Completes what is in flight, and ends the thread. NULL is fine. */
void vblk_thread_stop(struct vblk_thread *thread);

#endif
