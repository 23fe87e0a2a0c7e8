/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio pmem device (virtio 1.2 section 5.19): it tells where in guest physical addresses a
 * window of memory is that is not RAM, and serves requests to flush what was written there.
 *
 * A thread of its own serves its queue, since a flush waits for the host's disk.
 */
#ifndef ARCVISOR_VIRTIO_PMEM_H
#define ARCVISOR_VIRTIO_PMEM_H

#include "exit/mmio.h"
#include "virtio/device.h"

#define VPMEM_QUEUE_SIZE 64u

/* struct virtio_pmem_req and virtio_pmem_resp (section 5.19.6): a little-endian word each. */
#define VPMEM_FLUSH 0u
#define VPMEM_OK    0u
#define VPMEM_ERROR UINT32_MAX

struct vpmem_config {
	const char *id; /* in the log, and of the thread */
	gpa_t base;	/* of the window */
	uint64_t size;	/* bytes */

	/* What was written to the window is durable: 0 or -errno. NULL: it is never written. */
	int (*flush)(void *ctx);
	void *ctx;
};

struct vpmem;

/* 0 or -errno. @config's texts outlive it. Its transport is made with vpmem_device(). */
int vpmem_create(const struct vpmem_config *config, struct vpmem **out);
void vpmem_destroy(struct vpmem *vpmem); /* after its transport; NULL is fine */

struct virtio_device *vpmem_device(struct vpmem *vpmem);

/* What rings for its one queue: an eventfd that is never read. */
int vpmem_doorbell(const struct vpmem *vpmem);

/* Its thread, while the transport is there. 0 or -errno. */
int vpmem_start(struct vpmem *vpmem);
void vpmem_stop(struct vpmem *vpmem);

/*
 * What is at the window of one that is never written, for stores, which the hypervisor does not
 * let through: they are dropped, counted, and said in the log at a limited rate.
 */
extern const struct mmio_ops vpmem_window_ops;

/* What it did since it was made. From any thread. */
struct vpmem_stats {
	uint64_t flushes; /* requests that were answered */
	uint64_t errors;  /* of these, that failed */
	uint64_t dropped; /* stores to a window that is never written */
};

void vpmem_get_stats(const struct vpmem *vpmem, struct vpmem_stats *stats);

#endif
