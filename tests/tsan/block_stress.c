/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several queues on one disk, each with its owner's thread and a pool of workers, rates shared by
 * all, and a loop that resizes the disk and turns write-through on and off meanwhile.
 *
 * Each owner writes blocks of its own with a count and reads them back: no request is lost, none
 * ends twice, no byte is another's.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"
#include "check.h"

#define OWNERS	 4u
#define DEPTH	 8u
#define ROUNDS	 400u
#define BLOCK	 512u
#define OWN_SIZE (DEPTH * BLOCK)
#define SIZE	 (OWNERS * OWN_SIZE)

struct owner {
	enum blk_engine engine;
	unsigned int index;
	bool polls; /* looks by itself, or waits to be told */
	struct blk_queue *queue;
	struct blk_req reqs[DEPTH];
	struct iovec iov[DEPTH];
	uint32_t data[DEPTH][BLOCK / sizeof(uint32_t)];
	unsigned int nr_done;
	bool skipped;
};

static struct disk *disk;
static int file;
static _Atomic bool stop;
static char path[] = "/tmp/arcvisor-stress-XXXXXX";

static void done(void *ctx, struct blk_req *req)
{
	struct owner *owner = ctx;

	CHECK(req >= owner->reqs && req < owner->reqs + DEPTH);
	CHECK(req->status == 0);
	owner->nr_done++;
}

static void submit(struct owner *owner, unsigned int i, enum blk_op op)
{
	owner->iov[i] = (struct iovec){ owner->data[i], BLOCK };
	owner->reqs[i] = (struct blk_req){
		.disk = disk,
		.op = op,
		.flags = op == BLK_WRITE && i == 0 ? BLK_FUA : 0,
		.offset = (uint64_t)owner->index * OWN_SIZE + i * BLOCK,
		.len = op == BLK_FLUSH ? 0 : BLOCK,
		.iov = &owner->iov[i],
		.nr_iov = op == BLK_FLUSH ? 0 : 1,
		.status = 1,
	};
	blk_submit(owner->queue, &owner->reqs[i]);
}

static void wait_told(struct owner *owner)
{
	struct pollfd poll_fd = { .fd = blk_queue_eventfd(owner->queue), .events = POLLIN };
	uint64_t count;

	blk_wakes(owner->queue, true);
	blk_reap(owner->queue);
	if (!blk_in_flight(owner->queue))
		return;
	CHECK(poll(&poll_fd, 1, 60000) == 1);
	CHECK(read(poll_fd.fd, &count, sizeof(count)) == (ssize_t)sizeof(count));
	blk_wakes(owner->queue, false);
	blk_reap(owner->queue);
}

static void settle(struct owner *owner)
{
	blk_kick(owner->queue);
	while (blk_in_flight(owner->queue)) {
		if (owner->polls)
			blk_wait(owner->queue, UINT64_MAX);
		else
			wait_told(owner);
	}
	CHECK(owner->nr_done == DEPTH);
	owner->nr_done = 0;
}

static void play(struct owner *owner)
{
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < DEPTH; i++) {
			for (unsigned int n = 0; n < BLOCK / sizeof(uint32_t); n++)
				owner->data[i][n] = round << 16 | owner->index << 8 | i;
			submit(owner, i, BLK_WRITE);
		}
		settle(owner);
		for (unsigned int i = 0; i < DEPTH; i++) {
			memset(owner->data[i], 0xff, BLOCK);
			submit(owner, i, i + 1 < DEPTH ? BLK_READ : BLK_FLUSH);
		}
		settle(owner);
		for (unsigned int i = 0; i + 1 < DEPTH; i++)
			for (unsigned int n = 0; n < BLOCK / sizeof(uint32_t); n++)
				CHECK(owner->data[i][n] == (round << 16 | owner->index << 8 | i));
	}
}

static void *own(void *arg)
{
	struct owner *owner = arg;
	const struct blk_queue_config config = {
		.engine = owner->engine,
		.depth = DEPTH,
		.eventfd = -1,
		.disks = &disk,
		.nr_disks = 1,
		.done = done,
		.ctx = owner,
	};

	if (blk_queue_create(&config, &owner->queue) < 0) {
		owner->skipped = true;
		return NULL;
	}
	NEED(blk_queue_attach(owner->queue) == 0);
	play(owner);
	blk_queue_drain(owner->queue);
	blk_queue_destroy(owner->queue);
	return NULL;
}

/* As the loop's thread does when the user resizes a disk. */
static void *resize(void *arg)
{
	unsigned int blocks = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		blocks = (blocks + 1) % 64;
		CHECK(ftruncate(file, (off_t)(SIZE + blocks * BLOCK)) == 0);
		CHECK(disk_resize(disk) == 0);
		CHECK(disk_size(disk) >= SIZE);
		disk_set_write_back(disk, blocks % 2);
		usleep(200);
	}
	return NULL;
}

static void run(enum blk_engine engine, const struct disk_config *config)
{
	static struct owner owners[OWNERS];
	pthread_t threads[OWNERS], resizer;

	NEED(disk_open(config, &disk) == 0);
	atomic_store(&stop, false);
	resizer = check_spawn(resize, NULL);
	for (unsigned int i = 0; i < OWNERS; i++) {
		owners[i] = (struct owner){ .engine = engine, .index = i, .polls = i % 2 };
		threads[i] = check_spawn(own, &owners[i]);
	}
	for (unsigned int i = 0; i < OWNERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stop, true);
	pthread_join(resizer, NULL);
	if (owners[0].skipped)
		fprintf(stderr, "skipped: this host refuses io_uring\n");
	disk_close(disk);
}

static void sync_queues(void)
{
	run(BLK_ENGINE_SYNC, &(struct disk_config){ .path = path, .discard = true });
}

static void uring_queues(void)
{
	run(BLK_ENGINE_URING, &(struct disk_config){ .path = path, .discard = true });
}

/* The buckets are emptied by all owners at once. */
static void limited_queues(void)
{
	run(BLK_ENGINE_SYNC, &(struct disk_config){
				     .path = path,
				     .ops = { .rate = 100000, .burst = 16 },
				     .bytes = { .rate = 100u << 20, .burst = 8192 },
			     });
}

int main(void)
{
	static const struct {
		const char *name;
		void (*test)(void);
	} tests[] = {
		{ "sync_queues", sync_queues },
		{ "uring_queues", uring_queues },
		{ "limited_queues", limited_queues },
	};
	unsigned int passed = 0;

	file = mkstemp(path);
	NEED(file >= 0 && ftruncate(file, SIZE) == 0);
	for (unsigned int i = 0; i < 3; i++)
		passed += check_run(tests[i].name, tests[i].test);
	unlink(path);
	return check_end(passed, 3 - passed);
}
