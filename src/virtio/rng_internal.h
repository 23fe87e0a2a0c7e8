/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio and its tests: where an entropy device has its bytes and its time from. */
#ifndef ARCVISOR_VIRTIO_RNG_INTERNAL_H
#define ARCVISOR_VIRTIO_RNG_INTERNAL_H

#include <sys/types.h>

#include "virtio/rng.h"

struct vrng_host {
	/* As getrandom(2) without flags. */
	ssize_t (*fill)(void *buf, size_t len);
	/* CLOCK_MONOTONIC, nanoseconds. */
	uint64_t (*now)(void);
};

extern const struct vrng_host vrng_host;

/* vrng_create() on another host. */
int vrng_create_on(const struct vrng_host *host, struct loop *loop, uint64_t rate,
		   struct vrng **out);

#endif
