/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_block.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define MAX_QUEUES 8

struct disk {
	struct fake_disk_config config;
	uint8_t *bytes;
	bool write_back;
};

struct blk_queue {
	struct blk_queue_config config;
	bool attached, wakes;
	struct blk_req *submitted, *running, *ended; /* oldest first */
	unsigned int in_flight;
};

struct fake_counts fake;
static struct blk_queue *queues[MAX_QUEUES];
static bool immediate = true;

struct disk *fake_disk(const struct fake_disk_config *config)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	disk->config = *config;
	disk->bytes = calloc(1, config->size);
	disk->write_back = true;
	return disk;
}

uint8_t *fake_bytes(struct disk *disk)
{
	return disk->bytes;
}

void fake_resize(struct disk *disk, uint64_t size)
{
	cr_assert_leq(size, disk->config.size);
	disk->config.size = size;
}

void fake_immediate(bool on)
{
	immediate = on;
}

void disk_close(struct disk *disk)
{
	if (disk)
		free(disk->bytes);
	free(disk);
}

const struct disk_config *disk_config(const struct disk *disk)
{
	return &disk->config.config;
}

const struct disk_limits *disk_limits(const struct disk *disk)
{
	return &disk->config.limits;
}

uint64_t disk_size(const struct disk *disk)
{
	return disk->config.size;
}

bool disk_write_back(const struct disk *disk)
{
	return disk->write_back;
}

static void append(struct blk_req **list, struct blk_req *req)
{
	while (*list)
		list = &(*list)->next;
	req->next = NULL;
	*list = req;
}

static struct blk_req *take_first(struct blk_req **list)
{
	struct blk_req *req = *list;

	if (req)
		*list = req->next;
	return req;
}

int blk_queue_create(const struct blk_queue_config *config, struct blk_queue **out)
{
	struct blk_queue *queue = calloc(1, sizeof(*queue));

	for (unsigned int i = 0; i < MAX_QUEUES; i++) {
		if (queues[i])
			continue;
		queue->config = *config;
		queues[i] = queue;
		*out = queue;
		return 0;
	}
	free(queue);
	return -ENOSPC;
}

void blk_queue_destroy(struct blk_queue *queue)
{
	if (queue)
		cr_assert_eq(queue->in_flight, 0, "destroyed with requests in flight");
	for (unsigned int i = 0; queue && i < MAX_QUEUES; i++)
		if (queues[i] == queue)
			queues[i] = NULL;
	free(queue);
}

int blk_queue_attach(struct blk_queue *queue)
{
	cr_assert(!queue->attached);
	queue->attached = true;
	return 0;
}

static int refusal(const struct blk_req *req)
{
	const struct fake_disk_config *disk = &req->disk->config;

	if (req->op == BLK_FLUSH)
		return 0;
	if (req->len > disk->size || req->offset > disk->size - req->len)
		return -ERANGE;
	if (req->op != BLK_READ && disk->limits.read_only)
		return -EROFS;
	return (req->len | req->offset) % disk->limits.logical_block ? -EINVAL : 0;
}

static void transfer(struct blk_req *req)
{
	uint8_t *at = req->disk->bytes + req->offset;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < req->nr_iov; i++) {
		if (req->op == BLK_READ)
			memcpy(req->iov[i].iov_base, at + sum, req->iov[i].iov_len);
		else
			memcpy(at + sum, req->iov[i].iov_base, req->iov[i].iov_len);
		sum += req->iov[i].iov_len;
	}
	cr_assert_eq(sum, req->len);
	req->iov = NULL; /* the engine may do as it likes with what it was given */
}

static void perform(struct blk_req *req)
{
	switch (req->op) {
	case BLK_READ:
	case BLK_WRITE:
		transfer(req);
		break;
	case BLK_DISCARD:
	case BLK_WRITE_ZEROES:
		memset(req->disk->bytes + req->offset, 0, req->len);
		break;
	case BLK_FLUSH:
		break;
	}
}

static void tell(struct blk_queue *queue)
{
	if (!queue->wakes || queue->config.eventfd < 0)
		return;
	fake.told++;
	eventfd_write(queue->config.eventfd, 1);
}

static void finish(struct blk_queue *queue, int err)
{
	struct blk_req *req = take_first(&queue->running);

	req->status = err ? -err : refusal(req);
	if (!req->status)
		perform(req);
	append(&queue->ended, req);
	tell(queue);
}

void fake_finish(unsigned int count, int err)
{
	for (unsigned int i = 0; i < MAX_QUEUES; i++)
		for (; queues[i] && queues[i]->running && count; count--)
			finish(queues[i], err);
	cr_assert_eq(count, 0, "fewer in flight than the test ends");
}

void blk_submit(struct blk_queue *queue, struct blk_req *req)
{
	cr_assert(queue->attached);
	cr_assert_lt(queue->in_flight, queue->config.depth);
	cr_assert_leq(req->nr_iov, BLK_MAX_IOV);
	fake.submitted++;
	fake.last = *req;
	queue->in_flight++;
	append(&queue->submitted, req);
}

static unsigned int report(struct blk_queue *queue)
{
	struct blk_req *req;
	unsigned int n = 0;

	for (; (req = take_first(&queue->ended)); n++) {
		queue->in_flight--;
		queue->config.done(queue->config.ctx, req);
	}
	return n;
}

void blk_kick(struct blk_queue *queue)
{
	struct blk_req *req;

	fake.kicks++;
	while ((req = take_first(&queue->submitted))) {
		append(&queue->running, req);
		if (immediate)
			finish(queue, 0);
	}
	report(queue);
}

unsigned int blk_reap(struct blk_queue *queue)
{
	fake.reaps++;
	return report(queue);
}

unsigned int blk_wait(struct blk_queue *queue, uint64_t ns)
{
	fake.waits++;
	cr_assert_leq(ns, 1000000000u);
	if (!queue->ended && queue->running)
		finish(queue, 0);
	return report(queue);
}

void blk_queue_drain(struct blk_queue *queue)
{
	fake.drains++;
	while (queue->in_flight) {
		struct blk_req *req = take_first(&queue->submitted);

		if (req)
			append(&queue->running, req);
		if (queue->running)
			finish(queue, 0);
		report(queue);
	}
}

void blk_wakes(struct blk_queue *queue, bool on)
{
	queue->wakes = on;
}

unsigned int blk_in_flight(const struct blk_queue *queue)
{
	return queue->in_flight;
}
