/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk: a regular file or a block device, raw, opened, checked and locked.
 *
 * The format of a file is never probed: what a guest writes could make it another one. A file
 * that begins as a qcow2 image does is served as the bytes it is, after a warning.
 *
 * Opened before anything is created, closed after every queue that serves it. disk_resize() runs
 * on the loop's thread; all else reads what does not change, or one atomic word.
 */
#ifndef ARCVISOR_BLOCK_DISK_H
#define ARCVISOR_BLOCK_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum blk_engine {
	BLK_ENGINE_AUTO, /* io_uring, or where the host refuses it, sync */
	BLK_ENGINE_URING,
	BLK_ENGINE_SYNC,
};

enum disk_via {
	DISK_VIA_VIRTIO,
	DISK_VIA_HVC,
};

/* How a queue of the disk is served; docs/decisions says by which measurement auto chooses. */
enum disk_mode {
	DISK_MODE_AUTO,
	DISK_MODE_INLINE, /* by the vCPU that rang */
	DISK_MODE_THREAD, /* by an I/O thread */
};

/* A token bucket: 0 in @rate means no limit. */
struct disk_limit {
	uint64_t rate;	/* bytes or operations a second */
	uint64_t burst; /* what may go at once after a rest; 0: as much as a second gives */
};

#define DISK_SERIAL_MAX 20u /* bytes; virtio 1.2 section 5.2.6.1, GET_ID */
#define DISK_ID_MAX	32u

/* One disk. Plain data. */
struct disk_config {
	const char *path;
	char id[DISK_ID_MAX + 1]; /* name in messages and for ctl; "disk0", ... by default */
	char serial[DISK_SERIAL_MAX + 1]; /* "" : none */
	bool read_only;
	bool direct; /* O_DIRECT, past the page cache */
	bool discard;
	int engine; /* enum blk_engine */
	enum disk_via via;
	enum disk_mode mode;
	unsigned int queues;	 /* 0: one a vCPU */
	unsigned int block_size; /* 512 or 4096; 0: 512, or the device's own */
	struct disk_limit bytes, ops;
};

/* What does not change while it is open. Sizes in bytes. */
struct disk_limits {
	uint32_t logical_block;	 /* smallest unit of a request */
	uint32_t physical_block; /* best unit of a write */
	uint32_t io_min, io_opt; /* 0: unknown */
	/* Of addresses; segments then are whole logical blocks. 1: any. Others are copied. */
	uint32_t dma_alignment;
	uint32_t discard_granularity;
	uint64_t max_discard, max_write_zeroes; /* of one request */
	bool read_only, discard, write_zeroes, rotational;
	/* A write outlives power when it completes, and a flush has nothing to do: the device has
	 * no volatile cache, and is written past the page cache. */
	bool durable;
};

struct disk;

/*
 * Opens and locks what @config names (OFD lock: exclusive, shared where read-only). 0, or -errno
 * after one line in the log that names the file, the reason and the remedy. @config outlives it.
 */
int disk_open(const struct disk_config *config, struct disk **out);
void disk_close(struct disk *disk); /* NULL is fine */

const struct disk_config *disk_config(const struct disk *disk);
const struct disk_limits *disk_limits(const struct disk *disk);
int disk_fd(const struct disk *disk);

/* Capacity in bytes, a multiple of the logical block. From any thread. */
uint64_t disk_size(const struct disk *disk);

/*
 * Takes the backing file's size as it is now (after it was grown or cut), rounded down to a whole
 * block. 0 or -errno; the front ends are told by whoever calls this.
 */
int disk_resize(struct disk *disk);

/*
 * Write-back: a guest that never flushes risks its own data. Off: every write is durable. It is off
 * for good where limits.durable.
 */
void disk_set_write_back(struct disk *disk, bool on);
bool disk_write_back(const struct disk *disk);

#endif
