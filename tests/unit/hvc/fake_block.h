/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block layer whose requests end when a test says so: every function of block/block.h and
 * block/disk.h, on bytes in memory. It holds its user to the contract: one owner, a depth, iovecs
 * that sum up.
 */
#ifndef ARCVISOR_TESTS_FAKE_BLOCK_H
#define ARCVISOR_TESTS_FAKE_BLOCK_H

#include "block/block.h"

struct fake_disk_config {
	struct disk_config config;
	struct disk_limits limits;
	uint64_t size;
};

/* A disk of zeroes. disk_close() frees it. */
struct disk *fake_disk(const struct fake_disk_config *config);
uint8_t *fake_bytes(struct disk *disk);
void fake_resize(struct disk *disk, uint64_t size);

/* Requests end at the kick that starts them (true, at first), or by fake_finish(). */
void fake_immediate(bool on);

/* The oldest @count that are in flight have ended, on all queues; -@err each. Tells eventfds. */
void fake_finish(unsigned int count, int err);

/* All that a queue was asked for since the test began. */
struct fake_counts {
	unsigned int submitted, kicks, reaps, waits, drains;
	unsigned int told;   /* completions that an eventfd was written for */
	struct blk_req last; /* the latest submitted */
};

extern struct fake_counts fake;

#endif
