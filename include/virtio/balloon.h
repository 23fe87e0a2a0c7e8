/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory balloon (virtio 1.2 section 5.5): memory that the driver does without, because it was
 * asked to (inflating) or because it has no use for it at the moment (free page reporting), goes
 * back to the host.
 *
 * Drivers count in pages of 4 KiB. A page of the host is given back when all of its parts are in
 * the balloon, and counts as the guest's again when one of them leaves. What a driver says that
 * cannot be (no RAM, twice in, out that was not in) is counted and has no effect. A driver that
 * uses what it gave away finds zeroes, and hurts nobody but itself.
 *
 * A thread of the device serves all queues.
 */
#ifndef ARCVISOR_VIRTIO_BALLOON_H
#define ARCVISOR_VIRTIO_BALLOON_H

#include "virtio/device.h"

struct vballoon_config {
	uint64_t target;     /* bytes that the driver is asked for, whole pages of 4 KiB */
	bool deflate_on_oom; /* the driver may take pages back before its guest runs out of memory
			      */
	bool reporting;	     /* free page reporting */
};

struct vballoon;

/* A device for @mem, which outlives it and gets no more regions. 0 or -errno. */
int vballoon_create(const struct vballoon_config *config, const struct gmem *mem,
		    struct vballoon **out);

/* After its transport and its thread. NULL is fine. */
void vballoon_destroy(struct vballoon *balloon);

struct virtio_device *vballoon_device(struct vballoon *balloon);

/* The eventfd which is written when the driver rings; of all queues it is the same. */
int vballoon_doorbell(const struct vballoon *balloon);

/* Starts the thread; the transport is there. 0 or -errno. */
int vballoon_start(struct vballoon *balloon);

/* Ends it. Does nothing where there is none. */
void vballoon_stop(struct vballoon *balloon);

/* Asks the driver for @target bytes, in whole pages. From any thread but a vCPU's. */
void vballoon_set_target(struct vballoon *balloon, uint64_t target);

/* Statistics that a driver has, by their tags (section 5.5.6.3; the last six are of virtio 1.4). */
enum vballoon_stat {
	VBALLOON_SWAP_IN,
	VBALLOON_SWAP_OUT,
	VBALLOON_MAJOR_FAULTS,
	VBALLOON_MINOR_FAULTS,
	VBALLOON_FREE,
	VBALLOON_TOTAL,
	VBALLOON_AVAILABLE,
	VBALLOON_CACHES,
	VBALLOON_HUGETLB_ALLOCS,
	VBALLOON_HUGETLB_FAILS,
	VBALLOON_OOM_KILLS,
	VBALLOON_ALLOC_STALLS,
	VBALLOON_ASYNC_SCANS,
	VBALLOON_DIRECT_SCANS,
	VBALLOON_ASYNC_RECLAIMS,
	VBALLOON_DIRECT_RECLAIMS,
	VBALLOON_NR_STATS,
};

/* Bytes and counters since the device was made. Racy while it works. */
struct vballoon_stats {
	uint64_t target;
	uint64_t actual;     /* what the driver says is in the balloon */
	uint64_t inflated;   /* what is in it, as we count */
	uint64_t given_back; /* bytes to the host, by inflating */
	uint64_t reported;   /* bytes to the host, by free page reporting */
	uint64_t bad_pages;  /* page numbers that are no RAM */
	uint64_t twice;	     /* pages that were in already, or were not in and came out */
	uint64_t errors;     /* refused by the host: giving back, or taking from a pool */
	uint32_t known;	     /* a bit for each of @guest that the driver told */
	uint64_t guest[VBALLOON_NR_STATS];
};

/*
 * What is known now; the driver is asked for new statistics, which are there the next time. From
 * any thread.
 */
void vballoon_get_stats(struct vballoon *balloon, struct vballoon_stats *stats);

#endif
