/* SPDX-License-Identifier: Apache-2.0 */
/* Large transfers in parts: where they are cut, and what they come to. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "block/parts.h"
#include "rig.h"

static struct rig rig;
static struct blk_req req;
static struct iovec iov[64];
static uint8_t buf[512 << 10] __attribute__((aligned(4096)));
static uint8_t back[512 << 10] __attribute__((aligned(4096)));

static void start(uint32_t max_transfer)
{
	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	rig.disk->max_transfer = max_transfer;
	rig_fill(buf, sizeof(buf), 12);
}

/* @nr segments of @each bytes. */
static void make(enum blk_op op, unsigned int nr, size_t each)
{
	rig_req(&rig, &req, op, 8192, nr * each, &iov[0], buf);
	for (unsigned int i = 0; i < nr; i++)
		iov[i] = (struct iovec){ buf + i * each, each };
	req.nr_iov = nr;
	blk_step_start(&req);
}

/* The lengths of the parts, which must cover all of it in order; their number. */
static unsigned int cut(uint64_t *lengths)
{
	struct blk_parts parts;
	struct blk_step step, part;
	uint64_t at = req.offset;
	const uint8_t *data = buf;
	unsigned int nr = 0;

	blk_step_next(&req, &step);
	if (!blk_parts_begin(&req, &step, &parts))
		return 0;
	while (blk_parts_next(&parts, &part)) {
		uint64_t sum = 0;

		cr_assert_lt(nr, 64);
		cr_assert_eq(part.offset, at);
		for (unsigned int i = 0; i < part.nr_iov; i++) {
			cr_assert_eq(part.iov[i].iov_base, data + sum);
			sum += part.iov[i].iov_len;
		}
		cr_assert_eq(sum, part.len);
		cr_assert(sum && sum <= rig.disk->max_transfer);
		lengths[nr++] = sum;
		at += sum;
		data += sum;
	}
	cr_assert_eq(at, req.offset + req.len);
	return nr;
}

Test(parts, small_ones_go_whole)
{
	uint64_t lengths[64];

	start(65536);
	make(BLK_READ, 1, 65536);
	cr_assert_eq(cut(lengths), 0);
	rig.disk->max_transfer = 0;
	make(BLK_READ, 1, 1 << 19);
	cr_assert_eq(cut(lengths), 0);
	rig_fini(&rig);
}

Test(parts, one_segment_in_equal_parts)
{
	uint64_t lengths[64];

	start(127 << 10 & ~4095);
	make(BLK_WRITE, 1, 128 << 10);
	cr_assert_eq(cut(lengths), 2);
	cr_assert_eq(lengths[0], 64 << 10);
	cr_assert_eq(lengths[1], 64 << 10);
	rig_fini(&rig);
}

Test(parts, segments_stay_whole_where_they_can)
{
	uint64_t lengths[64];

	start(65536);
	make(BLK_READ, 32, 4096);
	cr_assert_eq(cut(lengths), 2);
	make(BLK_READ, 3, 40960);
	cr_assert_eq(cut(lengths), 3);
	make(BLK_READ, 2, 100 * 1024);
	cr_assert_eq(cut(lengths), 4);
	make(BLK_READ, 60, 512 * 3);
	cr_assert_geq(cut(lengths), 2);
	rig_fini(&rig);
}

Test(parts, what_was_tried_goes_whole)
{
	uint64_t lengths[64];

	start(4096);
	make(BLK_READ, 1, 65536);
	req.tries = 1;
	cr_assert_eq(cut(lengths), 0);
	rig_fini(&rig);
}

static int64_t end_with(int64_t a, int64_t b)
{
	make(BLK_READ, 1, 8192);
	req.status = 0;
	req.parts = 2;
	cr_assert_not(blk_parts_ended(&req, &a));
	cr_assert(blk_parts_ended(&req, &b));
	cr_assert_eq(req.moved, 0);
	return b;
}

Test(parts, results_of_the_whole)
{
	start(4096);
	cr_assert_eq(end_with(4096, 4096), 8192);
	cr_assert_eq(end_with(4096, 512), -EINTR);
	cr_assert_eq(end_with(-EAGAIN, 4096), -EINTR);
	cr_assert_eq(end_with(-EIO, 4096), -EIO);
	cr_assert_eq(end_with(4096, -ENOSPC), -ENOSPC);
	cr_assert_eq(end_with(-EIO, -EINTR), -EIO);
	rig_fini(&rig);
}

/* More parts than the ring has room for. */
Test(parts, through_io_uring)
{
	struct blk_req reqs[RIG_DEPTH];
	struct iovec iovs[RIG_DEPTH];

	rig_init(&rig, RIG_DEPTH * 16384);
	rig_open(&rig, BLK_ENGINE_URING);
	rig.disk->max_transfer = 512;
	rig_fill(buf, sizeof(buf), 13);
	for (unsigned int i = 0; i < RIG_DEPTH; i++) {
		rig_req(&rig, &reqs[i], BLK_WRITE, i * 16384, 16384, &iovs[i], buf + i * 16384);
		blk_submit(rig.queue, &reqs[i]);
	}
	blk_queue_drain(rig.queue);
	cr_assert_eq(rig.nr_done, RIG_DEPTH);
	cr_assert_eq(pread(rig.fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	cr_assert_eq(memcmp(back, buf, sizeof(back)), 0);
	cr_assert_eq(ftruncate(rig.fd, 16384), 0);
	rig.nr_done = 0;
	memset(back, 0xff, 65536);
	atomic_store(&rig.disk->lacks, DISK_NO_NOWAIT);
	cr_assert_eq(rig_do(&rig, BLK_READ, 8192, 16384, back), 0, "some parts are short");
	cr_assert_eq(memcmp(back, buf + 8192, 8192), 0);
	cr_assert_eq(back[8192] | back[16383], 0);
	rig_fini(&rig);
}
