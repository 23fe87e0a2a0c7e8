/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL031 real time clock (Arm DDI0224), r1p3: an MMIO device of 4 KiB.
 *
 * Counts seconds since 1970, UTC, from the host's CLOCK_REALTIME plus what the guest set. The
 * match interrupt is not driven: RTCRIS says when the match has come, for a guest that polls.
 * Any vCPU's thread; a mutex guards the registers.
 */
#ifndef ARCVISOR_DEVICE_PL031_H
#define ARCVISOR_DEVICE_PL031_H

#include "exit/mmio.h"

#define PL031_SIZE 0x1000u

struct pl031;

int pl031_create(struct pl031 **out);

/* The same on another clock: @clock(@ctx) counts seconds; called under the device's lock. */
int pl031_create_on(uint64_t (*clock)(void *ctx), void *ctx, struct pl031 **out);

void pl031_destroy(struct pl031 *rtc); /* NULL is fine */

extern const struct mmio_ops pl031_mmio_ops; /* its context is the struct pl031 */

#endif
