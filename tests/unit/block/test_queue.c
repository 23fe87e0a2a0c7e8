/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue promises, on each engine. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define EACH_ENGINE(name)                                 \
	static void queue_##name(enum blk_engine engine); \
	Test(queue_sync, name)                            \
	{                                                 \
		queue_##name(BLK_ENGINE_SYNC);            \
	}                                                 \
	Test(queue_uring, name)                           \
	{                                                 \
		queue_##name(BLK_ENGINE_URING);           \
	}                                                 \
	static void queue_##name(enum blk_engine engine)

static uint8_t buf[1 << 17] __attribute__((aligned(4096)));
static uint8_t back[1 << 17] __attribute__((aligned(4096)));

EACH_ENGINE(writes_and_reads_back)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	cr_assert_eq(blk_queue_engine(rig.queue), engine);
	rig_fill(buf, sizeof(buf), 1);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 4096, sizeof(buf), buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 4096), (ssize_t)sizeof(back));
	cr_assert_arr_eq(back, buf, sizeof(buf));
	memset(back, 0, sizeof(back));
	cr_assert_eq(rig_do(&rig, BLK_READ, 4096, sizeof(back), back), 0);
	cr_assert_arr_eq(back, buf, sizeof(buf));
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 4096, back), 0);
	cr_assert_eq(back[0] | back[4095], 0);
	rig_fini(&rig);
}

EACH_ENGINE(direct_io_takes_any_memory)
{
	struct blk_req req;
	struct iovec iov[3];
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_use_direct(&rig);
	rig_open(&rig, engine);
	rig_fill(buf, sizeof(buf), 2);
	/* 100,001 bytes, then 1,003, and the rest of 26 blocks: nothing is aligned. */
	rig_req(&rig, &req, BLK_WRITE, 8192, 26 * 4096, &iov[0], buf + 1);
	iov[0].iov_len = 100001;
	iov[1] = (struct iovec){ buf + 1 + 100001, 1003 };
	iov[2] = (struct iovec){ buf + 1 + 101004, 26 * 4096 - 101004 };
	req.nr_iov = 3;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(pread(rig.fd, back, 26 * 4096, 8192), 26 * 4096);
	cr_assert_arr_eq(back, buf + 1, 26 * 4096);
	memset(back, 0, sizeof(back));
	cr_assert_eq(rig_do(&rig, BLK_READ, 8192, 26 * 4096, back + 3), 0);
	cr_assert_arr_eq(back + 3, buf + 1, 26 * 4096);
	cr_assert_eq(back[2] | back[3 + 26 * 4096], 0);
	rig_fini(&rig);
}

/* More than there are bounce buffers. */
EACH_ENGINE(copied_requests_wait_for_buffers)
{
	struct blk_req reqs[16];
	struct iovec iov[16];
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_use_direct(&rig);
	rig_open(&rig, engine);
	rig_fill(buf, sizeof(buf), 3);
	for (unsigned int i = 0; i < 16; i++) {
		rig_req(&rig, &reqs[i], BLK_WRITE, i * 4096, 4096, &iov[i], buf + 1 + i * 4096);
		blk_submit(rig.queue, &reqs[i]);
	}
	cr_assert_eq(blk_in_flight(rig.queue), 16);
	blk_queue_drain(rig.queue);
	cr_assert_eq(rig.nr_done, 16);
	for (unsigned int i = 0; i < 16; i++)
		cr_assert_eq(reqs[i].status, 0);
	cr_assert_eq(pread(rig.fd, back, 16 * 4096, 0), 16 * 4096);
	cr_assert_arr_eq(back, buf + 1, 16 * 4096);
	rig_fini(&rig);
}

EACH_ENGINE(scattered_segments_keep_their_order)
{
	struct iovec iov[BLK_MAX_IOV];
	struct blk_req req;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	rig_fill(buf, sizeof(buf), 4);
	rig_req(&rig, &req, BLK_WRITE, 0, BLK_MAX_IOV * 64, iov, buf);
	for (unsigned int i = 0; i < BLK_MAX_IOV; i++)
		iov[i] = (struct iovec){ buf + i * 64, 64 };
	req.nr_iov = BLK_MAX_IOV;
	cr_assert_eq(rig_run(&rig, &req), 0);
	cr_assert_eq(pread(rig.fd, back, 65536, 0), 65536);
	cr_assert_arr_eq(back, buf, 65536);
	rig_fini(&rig);
}

EACH_ENGINE(zeroes_and_discards)
{
	struct blk_req req;
	struct iovec iov;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	cr_assert(disk_limits(rig.disk)->write_zeroes);
	memset(buf, 0xaa, 65536);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 65536, buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 4096, 8192, NULL), 0);
	rig_req(&rig, &req, BLK_WRITE_ZEROES, 16384, 512, &iov, NULL);
	req.flags = BLK_NOUNMAP | BLK_FUA;
	cr_assert_eq(rig_run(&rig, &req), 0);
	memset(buf + 4096, 0, 8192);
	memset(buf + 16384, 0, 512);
	if (disk_limits(rig.disk)->discard) {
		cr_assert_eq(rig_do(&rig, BLK_DISCARD, 32768, 32768, NULL), 0);
		memset(buf + 32768, 0, 32768);
	}
	cr_assert_eq(pread(rig.fd, back, 65536, 0), 65536);
	cr_assert_arr_eq(back, buf, 65536);
	rig_fini(&rig);
}

/* The file has no fast zeroes: they are written. */
EACH_ENGINE(zeroes_are_written_where_need_be)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.discard = false;
	rig_open(&rig, engine);
	disk_learn_lack(rig.disk, DISK_NO_ZERO | DISK_NO_PUNCH);
	memset(buf, 0x55, sizeof(buf));
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, sizeof(buf), buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 512, 100 * 1024, NULL), 0);
	memset(buf + 512, 0, 100 * 1024);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	cr_assert_arr_eq(back, buf, sizeof(buf));
	rig_fini(&rig);
}

EACH_ENGINE(refuses_what_the_disk_cannot)
{
	struct blk_req req;
	struct iovec iov;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.discard = false;
	rig_open(&rig, engine);
	cr_assert_eq(rig_do(&rig, BLK_READ, 1, 512, buf), -EINVAL);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 511, buf), -EINVAL);
	cr_assert_eq(rig_do(&rig, BLK_READ, RIG_SIZE, 512, buf), -ERANGE);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, RIG_SIZE - 512, 1024, buf), -ERANGE);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, UINT64_MAX & ~511ull, 1024, buf), -ERANGE);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, 0, 512, NULL), -EOPNOTSUPP);
	cr_assert_eq(rig_do(&rig, (enum blk_op)77, 0, 512, buf), -EINVAL);
	rig_req(&rig, &req, BLK_READ, 0, 1024, &iov, buf);
	iov.iov_len = 512;
	cr_assert_eq(rig_run(&rig, &req), -EINVAL);
	rig_req(&rig, &req, BLK_READ, 0, 512, &iov, buf);
	req.nr_iov = 0;
	cr_assert_eq(rig_run(&rig, &req), -EINVAL);
	req.nr_iov = BLK_MAX_IOV + 1;
	cr_assert_eq(rig_run(&rig, &req), -EINVAL);
	rig_req(&rig, &req, BLK_READ, 0, 512, &iov, buf);
	req.flags = 0x80;
	cr_assert_eq(rig_run(&rig, &req), -EINVAL);
	rig_req(&rig, &req, BLK_READ, 0, 512, &iov, buf);
	req.disk = NULL;
	cr_assert_eq(rig_run(&rig, &req), -EINVAL);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0,
			    disk_limits(rig.disk)->max_write_zeroes + 512, NULL),
		     -ERANGE);
	rig_fini(&rig);
}

EACH_ENGINE(read_only_disk)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.read_only = true;
	rig_open(&rig, engine);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 512, buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 512, buf), -EROFS);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, 0, 512, NULL), -EROFS);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, 0, 512, NULL), -EROFS);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	rig_fini(&rig);
}

EACH_ENGINE(reads_zeroes_behind_a_cut_file)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	memset(buf, 0x11, 8192);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 8192, buf), 0);
	cr_assert_eq(ftruncate(rig.fd, 5000), 0);
	memset(back, 0xff, 16384);
	cr_assert_eq(rig_do(&rig, BLK_READ, 0, 16384, back), 0);
	cr_assert_arr_eq(back, buf, 5000);
	for (unsigned int i = 5000; i < 16384; i++)
		cr_assert_eq(back[i], 0);
	memset(back, 0xff, 512);
	cr_assert_eq(rig_do(&rig, BLK_READ, 65536, 512, back), 0);
	cr_assert_eq(back[0] | back[511], 0);
	rig_fini(&rig);
}

EACH_ENGINE(resize_moves_the_end)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	cr_assert_eq(ftruncate(rig.fd, 2 * RIG_SIZE + 100), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, RIG_SIZE, 512, buf), -ERANGE);
	cr_assert_eq(disk_resize(rig.disk), 0);
	cr_assert_eq(disk_size(rig.disk), 2 * RIG_SIZE);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 2 * RIG_SIZE - 512, 512, buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, 2 * RIG_SIZE, 512, buf), -ERANGE);
	rig_fini(&rig);
}

static void submit_again(struct rig *rig, struct blk_req *req)
{
	static unsigned int left = 1000;

	cr_assert_eq(req->status, 0);
	rig->nr_done = 0;
	req->iov->iov_base = back;
	req->iov->iov_len = 512;
	if (left--)
		blk_submit(rig->queue, req);
}

/* Each end submits the next; reads from the page cache end at once, and must not nest. */
EACH_ENGINE(done_may_submit)
{
	struct blk_req req;
	struct iovec iov;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 0, 4096, buf), 0);
	rig.on_done = submit_again;
	rig_req(&rig, &req, BLK_READ, 0, 512, &iov, back);
	blk_submit(rig.queue, &req);
	while (blk_in_flight(rig.queue)) {
		blk_kick(rig.queue);
		blk_wait(rig.queue, UINT64_MAX);
	}
	rig_fini(&rig);
}

EACH_ENGINE(full_depth)
{
	struct blk_req reqs[RIG_DEPTH];
	struct iovec iov[RIG_DEPTH];
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	rig_fill(buf, sizeof(buf), 9);
	for (unsigned int i = 0; i < RIG_DEPTH; i++) {
		rig_req(&rig, &reqs[i], BLK_WRITE, i * 4096, 4096, &iov[i], buf + i * 4096);
		blk_submit(rig.queue, &reqs[i]);
	}
	blk_queue_drain(rig.queue);
	cr_assert_eq(rig.nr_done, RIG_DEPTH);
	cr_assert_eq(blk_in_flight(rig.queue), 0);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	cr_assert_arr_eq(back, buf, sizeof(back));
	rig_fini(&rig);
}

static bool is_told(const struct rig *rig, int timeout)
{
	struct pollfd poll_fd = { .fd = blk_queue_eventfd(rig->queue), .events = POLLIN };
	uint64_t count;

	if (poll(&poll_fd, 1, timeout) != 1)
		return false;
	return read(poll_fd.fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

EACH_ENGINE(eventfd_tells_of_an_end)
{
	struct blk_req req;
	struct iovec iov;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	for (unsigned int i = 0; i < 50; i++) {
		rig.nr_done = 0;
		/* Nobody looks but after being told. */
		rig_req(&rig, &req, BLK_FLUSH, 0, 0, &iov, NULL);
		blk_submit(rig.queue, &req);
		blk_wakes(rig.queue, true);
		blk_kick(rig.queue);
		while (!rig.nr_done) {
			cr_assert(is_told(&rig, 60000));
			blk_reap(rig.queue);
		}
	}
	rig_fini(&rig);
}

EACH_ENGINE(eventfd_is_silent_when_asked)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	blk_wakes(rig.queue, false);
	for (unsigned int i = 0; i < 20; i++)
		cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	cr_assert_not(is_told(&rig, 0));
	rig_fini(&rig);
}

/* Allowing wakes and one blk_reap() leave no end untold. */
EACH_ENGINE(no_end_between_silence_and_wakes)
{
	struct blk_req req;
	struct iovec iov;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	for (unsigned int i = 0; i < 500; i++) {
		rig.nr_done = 0;
		rig_req(&rig, &req, BLK_FLUSH, 0, 0, &iov, NULL);
		blk_wakes(rig.queue, false);
		blk_submit(rig.queue, &req);
		blk_kick(rig.queue);
		blk_wakes(rig.queue, true);
		blk_reap(rig.queue);
		while (!rig.nr_done) {
			cr_assert(is_told(&rig, 60000));
			blk_reap(rig.queue);
		}
	}
	rig_fini(&rig);
}

EACH_ENGINE(wait_ends_without_an_end)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, engine);
	cr_assert_eq(blk_wait(rig.queue, UINT64_MAX), 0, "nothing is in flight");
	cr_assert_eq(blk_reap(rig.queue), 0);
	blk_kick(rig.queue);
	rig_fini(&rig);
}

Test(queue, bad_configurations)
{
	struct blk_queue_config config = { .engine = BLK_ENGINE_SYNC, .eventfd = -1, .depth = 1 };
	struct blk_queue *queue;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig_open(&rig, BLK_ENGINE_SYNC);
	cr_assert_eq(blk_queue_create(&config, &queue), -EINVAL, "no disk");
	config.disks = &rig.disk;
	config.nr_disks = 1;
	config.depth = 0;
	cr_assert_eq(blk_queue_create(&config, &queue), -EINVAL);
	config.depth = BLK_MAX_DEPTH + 1;
	cr_assert_eq(blk_queue_create(&config, &queue), -EINVAL);
	config.depth = 1;
	config.wake = BLK_WAKE_SIGNAL;
	cr_assert_eq(blk_queue_create(&config, &queue), -EINVAL, "nobody to wake");
	blk_queue_destroy(NULL);
	rig_fini(&rig);
}
