/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic watchdog of Arm's server systems (DEN0029, "Generic Watchdog", architecture version
 * 1), Linux's sbsa_gwdt: two MMIO frames of 4 KiB, control and refresh.
 *
 * It counts in the guest's own system counter, and stands still while the guest is paused. Not
 * refreshed for the time in WOR it raises its interrupt (WS0), and after as long again it has
 * expired (WS1).
 *
 * Any thread; a mutex guards the registers.
 */
#ifndef ARCVISOR_DEVICE_WATCHDOG_H
#define ARCVISOR_DEVICE_WATCHDOG_H

#include "exit/mmio.h"
#include "irq/irq.h"
#include "loop/loop.h"

#define WATCHDOG_FRAME_SIZE 0x1000u

struct watchdog;

struct watchdog_config {
	struct loop *loop;
	struct irq_line *line; /* WS0, a level line */
	uint64_t hz;	       /* of the guest's counter, not 0 */
	/* WS1, once until the guest refreshes it; on the loop's thread, without a lock. */
	void (*expired)(void *ctx);
	void *ctx;
	uint64_t (*now)(void); /* nanoseconds; NULL: CLOCK_MONOTONIC_RAW */
};

/* @config is copied; loop and line outlive it. It stands still. 0 or -errno. */
int watchdog_create(const struct watchdog_config *config, struct watchdog **out);
void watchdog_destroy(struct watchdog *watchdog); /* on the loop's thread; NULL is fine */

/* The guest runs from here on, its counter being @counter; before it does. */
void watchdog_start(struct watchdog *watchdog, uint64_t counter);

/* It is paused, and goes on where it was. Each does nothing where it is so already. */
void watchdog_pause(struct watchdog *watchdog);
void watchdog_resume(struct watchdog *watchdog);

/* What it did since it was made. */
struct watchdog_stats {
	bool enabled;
	uint64_t refreshes;
	uint64_t warnings; /* WS0 */
};

void watchdog_get_stats(struct watchdog *watchdog, struct watchdog_stats *stats);

/* The context of both is the struct watchdog. */
extern const struct mmio_ops watchdog_control_ops, watchdog_refresh_ops;

#endif
