/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blockbench DEVICE: what a read costs through the block layer, and without it.
 *
 * Reads blocks of DEVICE past the page cache: by pread(2), by a loop around a bare io_uring that is
 * set up like the block layer's, and by blk_submit() and blk_kick(). Prints a line for each: how,
 * bytes, depth, nanoseconds a read, which are instructions where the machine's clock counts them.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "block/block.h"

#define MAX_DEPTH 32u
#define MAX_LEN	  (128u << 10)
#define SPAN	  (64u << 20) /* of the device that is read */

static const struct {
	unsigned int len, depth, count;
} cases[] = {
	{ 4096, 1, 8000 },	{ 4096, 8, 8000 },	{ 4096, 32, 16000 },
	{ 128 << 10, 1, 1000 }, { 128 << 10, 8, 1600 },
};

static uint8_t *memory;

static void fail(const char *what, int error)
{
	fprintf(stderr, "blockbench: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *buffer(unsigned int i)
{
	return memory + (size_t)i * MAX_LEN;
}

static uint64_t next_offset(unsigned int len)
{
	static uint64_t at;

	at = (at + len) % SPAN;
	return at;
}

static void print(const char *how, unsigned int i, unsigned int count, uint64_t begin)
{
	printf("%s %u %u %llu\n", how, cases[i].len, cases[i].depth,
	       (unsigned long long)((now() - begin) / count));
}

/* ---- pread ----------------------------------------------------------------------------------- */

static void run_pread(int fd, unsigned int which)
{
	unsigned int len = cases[which].len;
	uint64_t begin = now();

	for (unsigned int i = 0; i < cases[which].count; i++)
		if (pread(fd, memory, len, (off_t)next_offset(len)) != (ssize_t)len)
			fail("pread", errno);
	print("pread", which, cases[which].count, begin);
}

/* ---- a bare ring ----------------------------------------------------------------------------- */

static void prep(struct io_uring *ring, unsigned int slot, unsigned int len)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(IORING_OP_READ, sqe, 0, buffer(slot), len, next_offset(len));
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = slot;
}

static void read_bare(struct io_uring *ring, unsigned int which)
{
	unsigned int len = cases[which].len, depth = cases[which].depth;
	unsigned int count = cases[which].count, started, ended = 0;

	for (started = 0; started < depth; started++)
		prep(ring, started, len);
	while (ended < count) {
		struct io_uring_cqe *cqe;
		unsigned int head, seen = 0;

		io_uring_submit_and_get_events(ring);
		io_uring_for_each_cqe(ring, head, cqe)
		{
			if (cqe->res != (int)len)
				fail("read", -cqe->res);
			seen++;
			if (started < count) {
				prep(ring, (unsigned int)cqe->user_data, len);
				started++;
			}
		}
		io_uring_cq_advance(ring, seen);
		ended += seen;
	}
}

static void run_bare(int fd, unsigned int which)
{
	struct io_uring ring;
	uint64_t begin;
	int ret = io_uring_queue_init(MAX_DEPTH, &ring,
				      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

	if (ret < 0)
		fail("io_uring", -ret);
	ret = io_uring_register_files(&ring, &fd, 1);
	if (ret == 0)
		ret = io_uring_register_ring_fd(&ring);
	if (ret < 0)
		fail("registering", -ret);
	begin = now();
	read_bare(&ring, which);
	print("bare", which, cases[which].count, begin);
	io_uring_queue_exit(&ring);
}

/* ---- the block layer ------------------------------------------------------------------------- */

static struct {
	struct blk_queue *queue;
	struct disk *disk;
	struct blk_req reqs[MAX_DEPTH];
	struct iovec iov[MAX_DEPTH];
	unsigned int len, count, started, ended;
} layer;

static void submit(struct blk_req *req)
{
	unsigned int slot = (unsigned int)(req - layer.reqs);

	layer.iov[slot] = (struct iovec){ buffer(slot), layer.len };
	req->disk = layer.disk;
	req->op = BLK_READ;
	req->flags = 0;
	req->offset = next_offset(layer.len);
	req->len = layer.len;
	req->iov = &layer.iov[slot];
	req->nr_iov = 1;
	layer.started++;
	blk_submit(layer.queue, req);
}

static void done(void *ctx, struct blk_req *req)
{
	(void)ctx;
	if (req->status < 0)
		fail("read", -req->status);
	layer.ended++;
	if (layer.started < layer.count)
		submit(req);
}

static void run_layer(unsigned int which, enum blk_engine engine)
{
	const struct blk_queue_config config = {
		.engine = engine,
		.depth = MAX_DEPTH,
		.eventfd = -1,
		.disks = &layer.disk,
		.nr_disks = 1,
		.done = done,
	};
	uint64_t begin;
	int ret = blk_queue_create(&config, &layer.queue);

	if (ret == 0)
		ret = blk_queue_attach(layer.queue);
	if (ret < 0)
		fail("the queue", -ret);
	blk_wakes(layer.queue, false);
	layer.len = cases[which].len;
	layer.count = cases[which].count / (engine == BLK_ENGINE_SYNC ? 8 : 1);
	layer.started = layer.ended = 0;
	begin = now();
	while (layer.started < cases[which].depth)
		submit(&layer.reqs[layer.started]);
	while (layer.ended < layer.count) {
		if (engine == BLK_ENGINE_SYNC)
			blk_wait(layer.queue, UINT64_MAX);
		blk_kick(layer.queue);
	}
	print(engine == BLK_ENGINE_SYNC ? "threads" : "block", which, layer.count, begin);
	blk_queue_drain(layer.queue);
	blk_queue_destroy(layer.queue);
}

int main(int argc, char **argv)
{
	struct disk_config config = { .direct = true, .read_only = true };
	int fd;

	if (argc != 2)
		fail("usage: blockbench DEVICE", EINVAL);
	config.path = argv[1];
	memory = aligned_alloc(4096, (size_t)MAX_DEPTH * MAX_LEN);
	fd = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (!memory || fd < 0)
		fail(argv[1], errno);
	memset(memory, 0, (size_t)MAX_DEPTH * MAX_LEN);
	if (disk_open(&config, &layer.disk) < 0)
		return 1;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].depth == 1)
			run_pread(fd, i);
		run_bare(fd, i);
		run_layer(i, BLK_ENGINE_URING);
		run_layer(i, BLK_ENGINE_SYNC);
	}
	disk_close(layer.disk);
	close(fd);
	free(memory);
	return 0;
}
