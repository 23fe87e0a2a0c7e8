/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/block and its tests: an open disk. */
#ifndef ARCVISOR_SRC_BLOCK_DISK_INTERNAL_H
#define ARCVISOR_SRC_BLOCK_DISK_INTERNAL_H

#include <stdatomic.h>

#include "base/rate_limit.h"
#include "block/disk.h"

struct stat;

/* What the file turned out not to have: learned by an attempt, not asked again. */
#define DISK_NO_NOWAIT	0x1u /* RWF_NOWAIT reads */
#define DISK_NO_PUNCH	0x2u /* FALLOC_FL_PUNCH_HOLE */
#define DISK_NO_ZERO	0x4u /* FALLOC_FL_ZERO_RANGE */
#define DISK_NO_DISCARD 0x8u /* a block device's own discard */

struct disk {
	const struct disk_config *config;
	struct disk_limits limits;
	int fd;
	bool block_device;
	uint32_t max_transfer; /* what the device takes at once past the page cache; 0: any size */
	_Atomic uint64_t size;
	_Atomic bool write_back;
	_Atomic uint32_t lacks;	 /* DISK_NO_ */
	_Atomic uint32_t misses; /* RWF_NOWAIT reads in a row that found no data */
	struct rate_limit bytes, ops;
};

/* These words order nothing else: each is a hint or stands for itself. */
static inline bool disk_lacks(const struct disk *disk, uint32_t what)
{
	return atomic_load_explicit(&disk->lacks, memory_order_relaxed) & what;
}

static inline void disk_learn_lack(struct disk *disk, uint32_t what)
{
	atomic_fetch_or_explicit(&disk->lacks, what, memory_order_relaxed);
}

/* The size of an open file or block device in bytes; 0 or -errno. */
int disk_measure(int fd, const struct stat *st, uint64_t *size);

/*
 * Fills disk->limits from what the kernel says of the file and what the configuration asks. 0, or
 * -errno after a line in the log.
 */
int disk_probe(struct disk *disk, const struct stat *st);

/*
 * What direct I/O on @fd wants, as statx(2) says: memory and offset alignment in bytes. -ENODATA
 * where the kernel does not know, -EINVAL where the file has no direct I/O.
 */
int disk_dio_align(int fd, uint32_t *memory, uint32_t *offset);

#endif
