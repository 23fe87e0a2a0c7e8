/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block layer for fuzz targets: it moves no data to a disk, but holds each request to what the
 * block service promises: guest memory and nothing else, on the disk and not past it, in whole
 * blocks, no more in flight than were asked for. Reads scribble over their memory, rings included.
 */
#ifndef ARCVISOR_TESTS_FUZZ_BLK_ORACLE_H
#define ARCVISOR_TESTS_FUZZ_BLK_ORACLE_H

#include "block/block.h"
#include "input.h"
#include "mem/gmem.h"

struct disk {
	struct disk_config config;
	struct disk_limits limits;
	uint64_t size;
};

struct blk_queue {
	struct blk_queue_config config;
	struct blk_req *in_flight; /* latest first */
	unsigned int nr;
};

static struct {
	const struct gmem *mem;
	struct disk disks[2];
	bool defer; /* requests end at a reap, not at the kick */
	uint8_t scribble;
} oracle;

static void oracle_init(const struct gmem *mem)
{
	memset(&oracle, 0, sizeof(oracle));
	oracle.mem = mem;
	for (unsigned int i = 0; i < 2; i++) {
		struct disk *disk = &oracle.disks[i];

		disk->size = 1 << 20;
		disk->limits = (struct disk_limits){ .logical_block = i ? 4096 : 512,
						     .dma_alignment = 1,
						     .discard = true,
						     .max_discard = 1 << 18,
						     .write_zeroes = true,
						     .max_write_zeroes = 1 << 18,
						     .read_only = i };
	}
}

static void oracle_check(const struct blk_req *req)
{
	uint64_t sum = 0;

	fuzz_check(req->disk == &oracle.disks[0] || req->disk == &oracle.disks[1]);
	fuzz_check(req->nr_iov <= BLK_MAX_IOV);
	if (req->op == BLK_FLUSH)
		return;
	fuzz_check(req->len && req->len <= req->disk->size);
	fuzz_check(req->offset <= req->disk->size - req->len);
	fuzz_check(req->op == BLK_READ || !req->disk->limits.read_only);
	fuzz_check(!((req->offset | req->len) % req->disk->limits.logical_block));
	if (req->op != BLK_READ && req->op != BLK_WRITE)
		return;
	for (unsigned int i = 0; i < req->nr_iov; i++) {
		const uint8_t *at = req->iov[i].iov_base;
		bool inside = false;

		for (unsigned int r = 0; r < oracle.mem->nr_regions; r++) {
			const struct gmem_region *region = &oracle.mem->regions[r];

			if (at >= region->host && at < region->host + region->size)
				inside = req->iov[i].iov_len <=
					 (size_t)(region->host + region->size - at);
		}
		fuzz_check(inside && req->iov[i].iov_len);
		if (req->op == BLK_READ)
			memset(req->iov[i].iov_base, oracle.scribble, req->iov[i].iov_len);
		sum += req->iov[i].iov_len;
	}
	fuzz_check(sum == req->len);
}

int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **out)
{
	*out = calloc(1, sizeof(**out));
	(*out)->config = *config;
	return 0;
}

void blk_queue_destroy(struct blk_queue *queue)
{
	fuzz_check(!queue || !queue->nr);
	free(queue);
}

int blk_queue_attach(struct blk_queue *queue)
{
	(void)queue;
	return 0;
}

void blk_submit(struct blk_queue *queue, struct blk_req *req)
{
	oracle_check(req);
	fuzz_check(queue->nr < queue->config.depth);
	req->next = queue->in_flight;
	queue->in_flight = req;
	queue->nr++;
}

unsigned int blk_reap(struct blk_queue *queue)
{
	unsigned int n = 0;

	for (; queue->in_flight; n++) {
		struct blk_req *req = queue->in_flight;

		queue->in_flight = req->next;
		queue->nr--;
		req->status = 0;
		queue->config.done(queue->config.ctx, req);
	}
	return n;
}

void blk_kick(struct blk_queue *queue)
{
	if (!oracle.defer)
		blk_reap(queue);
}

unsigned int blk_wait(struct blk_queue *queue, uint64_t ns)
{
	(void)ns;
	return blk_reap(queue);
}

void blk_queue_drain(struct blk_queue *queue)
{
	blk_reap(queue);
	fuzz_check(!queue->nr);
}

void blk_wakes(struct blk_queue *queue, bool on)
{
	(void)queue;
	(void)on;
}

unsigned int blk_in_flight(const struct blk_queue *queue)
{
	return queue->nr;
}

const struct disk_config *disk_config(const struct disk *disk)
{
	return &disk->config;
}

const struct disk_limits *disk_limits(const struct disk *disk)
{
	return &disk->limits;
}

uint64_t disk_size(const struct disk *disk)
{
	return disk->size;
}

bool disk_write_back(const struct disk *disk)
{
	(void)disk;
	return true;
}

#endif
