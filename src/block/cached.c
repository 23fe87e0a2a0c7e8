/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads that the page cache has: one preadv2(RWF_NOWAIT) costs less than a way through the engine,
 * and the guest does not leave its CPU. A file that never has them is soon no longer asked.
 */
#include <errno.h>

#include "base/util.h"
#include "disk_internal.h"
#include "queue_internal.h"

/* After this many misses in a row one read in that many is tried. */
#define MISSES_MAX 16u

/* Any of the disk's queues may count here: a hint, which loses a count without harm. */
static bool is_worth_it(struct disk *disk)
{
	uint32_t misses;

	if (disk_lacks(disk, DISK_NO_NOWAIT))
		return false;
	misses = atomic_load_explicit(&disk->misses, memory_order_relaxed);
	if (misses < MISSES_MAX)
		return true;
	atomic_store_explicit(&disk->misses, misses + 1, memory_order_relaxed);
	return misses % MISSES_MAX == 0;
}

static void count_miss(struct disk *disk)
{
	uint32_t misses = atomic_load_explicit(&disk->misses, memory_order_relaxed);

	if (misses < MISSES_MAX)
		atomic_store_explicit(&disk->misses, misses + 1, memory_order_relaxed);
}

bool blk_cached_read(struct blk_queue *queue, struct blk_req *req)
{
	struct disk *disk = req->disk;
	int64_t n;

	if (!queue->cached_budget || disk->config->direct || !is_worth_it(disk))
		return false;
	queue->cached_budget--;
	n = queue->host->preadv2(disk->fd, req->iov, req->nr_iov, req->offset, RWF_NOWAIT);
	if (n == -EOPNOTSUPP)
		disk_learn_lack(disk, DISK_NO_NOWAIT);
	if (n <= 0) {
		count_miss(disk);
		return false;
	}
	atomic_store_explicit(&disk->misses, 0, memory_order_relaxed);
	return blk_step_result(req, n);
}
