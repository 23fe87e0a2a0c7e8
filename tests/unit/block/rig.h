/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of block share: a disk in a temporary file, a queue, requests that end. */
#ifndef ARCVISOR_TESTS_BLOCK_RIG_H
#define ARCVISOR_TESTS_BLOCK_RIG_H

#include <stddef.h>
#include <sys/stat.h>

#include "block/block.h"
#include "block/disk_internal.h"
#include "block/queue_internal.h"

#define RIG_SIZE  (1u << 20)
#define RIG_DEPTH 32u

struct rig {
	char path[256];
	int fd; /* of the test's own */
	struct disk_config config;
	struct disk *disk;
	struct blk_queue *queue;
	struct blk_pinned pinned; /* may be set before rig_open() */
	unsigned int nr_done;
	struct blk_req *done[2 * RIG_DEPTH];
	void (*on_done)(struct rig *rig, struct blk_req *req);
};

/* A file of @size bytes; rig->config names it and may be changed before rig_open(). */
void rig_init(struct rig *rig, off_t size);

/* Opens the disk and a queue on it, whose owner is the caller. Skips the test without @engine. */
void rig_open(struct rig *rig, enum blk_engine engine);
void rig_open_on(struct rig *rig, enum blk_engine engine, const struct blk_host *host);
void rig_fini(struct rig *rig);

/* A folder for files with direct I/O: where this program stands. */
void rig_use_direct(struct rig *rig);

/* The pattern of a block that was written as the @seed-th. */
void rig_fill(uint8_t *buf, size_t len, unsigned int seed);

/* A request of one segment, or of what @iov says. */
void rig_req(struct rig *rig, struct blk_req *req, enum blk_op op, uint64_t offset, uint64_t len,
	     struct iovec *iov, void *buf);

/* Submits, kicks and waits; the status. */
int rig_do(struct rig *rig, enum blk_op op, uint64_t offset, uint64_t len, void *buf);
int rig_run(struct rig *rig, struct blk_req *req);

#endif
