/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio entropy device (virtio 1.2 section 5.4): random bytes of the host's kernel, from
 * getrandom(2), at most so many a second where there is a rate.
 *
 * The vCPU that rings fills the buffers. What the rate holds back, and what would keep that vCPU
 * out of the guest for long, is filled later by the event loop's thread.
 */
#ifndef ARCVISOR_VIRTIO_RNG_H
#define ARCVISOR_VIRTIO_RNG_H

#include "loop/loop.h"
#include "virtio/device.h"

struct rng_config {
	bool on;
	uint64_t rate; /* bytes a second, 0: no limit */
};

#define VRNG_QUEUE_SIZE 64u
#define VRNG_MOST	4096u  /* bytes of a request that are filled (section 5.4.6) */
#define VRNG_AT_ONCE	65536u /* bytes between two looks at anything else */

struct vrng;

/*
 * A device whose rate is @rate. @loop outlives it; on the loop's thread, or before that runs. 0 or
 * -errno. Its transport is made with vrng_device().
 */
int vrng_create(struct loop *loop, uint64_t rate, struct vrng **out);

/* After its transport, on the loop's thread. NULL is fine. */
void vrng_destroy(struct vrng *vrng);

struct virtio_device *vrng_device(struct vrng *vrng);

/* What it did since it was made. From any thread. */
struct vrng_stats {
	uint64_t requests, bytes; /* filled */
	uint64_t held;		  /* requests that the rate held back for a while */
};

void vrng_get_stats(struct vrng *vrng, struct vrng_stats *stats);

#endif
