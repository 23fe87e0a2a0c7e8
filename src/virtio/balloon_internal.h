/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: the balloon's queues, and which pages are in it. */
#ifndef ARCVISOR_VIRTIO_BALLOON_INTERNAL_H
#define ARCVISOR_VIRTIO_BALLOON_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "scatter.h"
#include "virtio/balloon.h"
#include "worker.h"

/* Feature bits (section 5.5.3). */
#define VBALLOON_F_MUST_TELL_HOST 0u
#define VBALLOON_F_STATS_VQ	  1u
#define VBALLOON_F_DEFLATE_ON_OOM 2u
#define VBALLOON_F_FREE_PAGE_HINT 3u /* for migrations: not offered */
#define VBALLOON_F_PAGE_POISON	  4u
#define VBALLOON_F_REPORTING	  5u

#define VBALLOON_PAGE_SHIFT 12u /* of page numbers, whatever the pages are */
#define VBALLOON_PAGE	    (1u << VBALLOON_PAGE_SHIFT)
#define VBALLOON_QUEUE_SIZE 128u
#define VBALLOON_MAX_IOV    (VBALLOON_QUEUE_SIZE + GMEM_MAX_REGIONS)
#define VBALLOON_MAX_BYTES  (256u << 10) /* of page numbers in a chain; Linux gives 1 KiB */

/* Section 5.5.4. */
struct vballoon_space {
	uint32_t num_pages, actual;
	uint32_t free_page_hint_cmd_id;
	uint32_t poison_val;
};

_Static_assert(sizeof(struct vballoon_space) == 16, "virtio 1.2 section 5.5.4");

/* Section 5.5.6.3, packed. */
#define VBALLOON_STAT_SIZE 10u

/* ---- balloon_pages.c ------------------------------------------------------------------------- */

#define VBALLOON_BATCH 256u /* page numbers that are looked at together */

/* The pages of a region: those that are in, and of each page of the host how many parts are. */
struct vballoon_region {
	uint64_t *in;
	uint32_t *parts; /* NULL where the host's pages are of 4 KiB */
	uint32_t parts_each;
};

/* Of one thread at a time. */
struct vballoon_pages {
	const struct gmem *mem;
	struct vballoon_region regions[GMEM_MAX_REGIONS];
	_Atomic uint64_t inflated, given_back, bad, twice, errors; /* as in vballoon_stats */
};

/* 0 or -ENOMEM. */
int vballoon_pages_init(struct vballoon_pages *pages, const struct gmem *mem);
void vballoon_pages_fini(struct vballoon_pages *pages);

/* @nr (at most VBALLOON_BATCH) page numbers, which are sorted, go in or come out. */
void vballoon_pages_inflate(struct vballoon_pages *pages, uint32_t *pfns, unsigned int nr);
void vballoon_pages_deflate(struct vballoon_pages *pages, uint32_t *pfns, unsigned int nr);

/* All come out: those of a pool are there again then, as far as it has any. */
void vballoon_pages_empty(struct vballoon_pages *pages);

static inline void vballoon_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* ---- the device ------------------------------------------------------------------------------ */

enum { VBALLOON_INFLATE, VBALLOON_DEFLATE, VBALLOON_STATS, VBALLOON_NR_QUEUES = 5 };

/*
 * @lock: who works on a queue, or stops one, or starts or stops the device. Order: transport's
 * lock,
 * @lock, a virtqueue's lock.
 */
struct vballoon {
	struct virtio_device dev; /* first: the transport's handle */
	pthread_mutex_t lock;
	struct vballoon_pages pages;
	int doorbell;
	struct worker *worker;
	_Atomic bool started;
	_Atomic bool refresh; /* new statistics are wanted */
	uint64_t features;    /* negotiated */
	bool has_stats;	      /* a chain of the statistics queue is out, */
	uint16_t stats_head;  /* this one */
	_Atomic uint32_t num_pages, actual, poison;
	_Atomic uint64_t reported;
	_Atomic uint32_t known;
	_Atomic uint64_t guest[VBALLOON_NR_STATS];
};

/* Does what the queues have: true if there was anything. On the device's thread, or a test's. */
bool vballoon_serve(struct vballoon *balloon);

/* Asks the driver to ring: true, there is something already. */
bool vballoon_ask(struct vballoon *balloon);

#endif
