/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of a guest that means harm: a status or a BROKEN queue, and never a byte elsewhere. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "blk_rig.h"

static struct rig_queue queue;

static void init(void)
{
	rig_init();
	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
}

TestSuite(blk_hostile, .init = init, .fini = rig_fini);

static const struct hvc_blk_sqe good = {
	.op = HVC_BLK_OP_READ,
	.nseg = 1,
	.nr_sectors = 1,
	.seg[0] = { DATA_GPA, 512, 0 },
};

/* @field = @value in a request that is right otherwise: its status. */
#define WITH(field, value)                    \
	({                                    \
		struct hvc_blk_sqe s_ = good; \
		s_.field = (value);           \
		rig_do(&queue, &s_);          \
	})

Test(blk_hostile, the_request_itself_is_right)
{
	cr_expect_eq(rig_do(&queue, &good), HVC_BLK_OK);
}

Test(blk_hostile, fields_that_mean_nothing)
{
	cr_expect_eq(WITH(op, 0), HVC_BLK_INVALID);
	cr_expect_eq(WITH(op, 6), HVC_BLK_INVALID);
	cr_expect_eq(WITH(op, 255), HVC_BLK_INVALID);
	cr_expect_eq(WITH(flags, 0x10), HVC_BLK_INVALID);
	cr_expect_eq(WITH(flags, 0x80), HVC_BLK_INVALID);
	cr_expect_eq(WITH(flags, HVC_BLK_SQE_FUA), HVC_BLK_INVALID, "FUA of a read");
	cr_expect_eq(WITH(flags, HVC_BLK_SQE_NOUNMAP), HVC_BLK_INVALID);
	cr_expect_eq(WITH(reserved0, 1), HVC_BLK_INVALID);
	cr_expect_eq(WITH(reserved1, 1), HVC_BLK_INVALID);
	cr_expect_eq(WITH(seg[0].reserved, 1), HVC_BLK_INVALID);
	cr_expect_eq(WITH(seg[1].gpa, 1), HVC_BLK_INVALID);
	cr_expect_eq(WITH(seg[1].len, 512), HVC_BLK_INVALID);
	cr_expect_eq(WITH(nseg, 0), HVC_BLK_INVALID);
	cr_expect_eq(WITH(nseg, 2), HVC_BLK_INVALID, "the second is empty");
	cr_expect_eq(WITH(nseg, 3), HVC_BLK_INVALID);
	cr_expect_eq(WITH(nseg, 65535), HVC_BLK_INVALID);
	cr_expect_eq(WITH(nr_sectors, 0), HVC_BLK_INVALID);
	cr_expect_eq(WITH(nr_sectors, 2), HVC_BLK_INVALID, "not what the segments sum to");
	cr_expect_eq(WITH(nr_sectors, UINT32_MAX), HVC_BLK_INVALID);
	cr_expect_eq(WITH(ioprio, 0xffff), HVC_BLK_OK, "a hint");
	cr_expect_eq(WITH(flags, HVC_BLK_SQE_HIPRI), HVC_BLK_OK);
}

Test(blk_hostile, places_on_the_disk)
{
	cr_expect_eq(WITH(sector, RIG_SECTORS - 1), HVC_BLK_OK);
	cr_expect_eq(WITH(sector, RIG_SECTORS), HVC_BLK_RANGE);
	cr_expect_eq(WITH(sector, UINT64_MAX), HVC_BLK_RANGE);
	cr_expect_eq(WITH(sector, UINT64_MAX / 512), HVC_BLK_RANGE);
	cr_expect_eq(WITH(sector, UINT64_MAX / 512 + 1), HVC_BLK_RANGE, "times 512 is 0");
	cr_expect_eq(WITH(sector, 1ull << 63), HVC_BLK_RANGE);
}

Test(blk_hostile, addresses_at_every_edge)
{
	static const struct {
		uint64_t gpa;
		unsigned int status;
	} edges[] = {
		{ 0, HVC_BLK_INVALID },
		{ LOW_BASE - 1, HVC_BLK_INVALID },
		{ LOW_BASE - 512, HVC_BLK_INVALID },
		{ LOW_BASE, HVC_BLK_OK },
		{ HIGH_BASE - 512, HVC_BLK_OK },
		{ HIGH_BASE - 511, HVC_BLK_INVALID }, /* two pieces of memory */
		{ HIGH_BASE - 1, HVC_BLK_INVALID },
		{ HIGH_BASE, HVC_BLK_OK },
		{ RAM_END - 512, HVC_BLK_OK },
		{ RAM_END - 511, HVC_BLK_INVALID },
		{ RAM_END, HVC_BLK_INVALID },
		{ UINT64_MAX, HVC_BLK_INVALID },
		{ UINT64_MAX - 511, HVC_BLK_INVALID },
	};

	for (unsigned int i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		cr_expect_eq(WITH(seg[0].gpa, edges[i].gpa), edges[i].status, "0x%llx",
			     (unsigned long long)edges[i].gpa);
	cr_expect_eq(WITH(seg[0].len, 0), HVC_BLK_INVALID);
	cr_expect_eq(WITH(seg[0].len, UINT32_MAX), HVC_BLK_INVALID);
}

Test(blk_hostile, sums_that_wrap)
{
	struct hvc_blk_sqe sqe = good;

	sqe.nseg = 2;
	sqe.seg[0].len = 0xfffffe00u; /* with the second: 512 in 32 bits */
	sqe.seg[1] = (struct hvc_blk_segment){ DATA_GPA, 0x400, 0 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
}

Test(blk_hostile, indirect_tables)
{
	struct hvc_blk_segment *table = rig_mem(TABLE_GPA, 4096);
	struct hvc_blk_sqe sqe = good;

	table[0] = (struct hvc_blk_segment){ DATA_GPA, 512, 0 };
	sqe.flags = HVC_BLK_SQE_INDIRECT;
	sqe.seg[0] = (struct hvc_blk_segment){ TABLE_GPA, 16, 0 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
#define TABLE(field, value)                  \
	({                                   \
		struct hvc_blk_sqe t_ = sqe; \
		t_.field = (value);          \
		rig_do(&queue, &t_);         \
	})
	cr_expect_eq(TABLE(nseg, 0), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(nseg, 2), HVC_BLK_INVALID, "longer than its length");
	cr_expect_eq(TABLE(nseg, 257), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(nseg, 65535), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(seg[0].len, 17), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(seg[0].len, 0), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(seg[0].gpa, TABLE_GPA + 4), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(seg[0].gpa, RAM_END - 8), HVC_BLK_INVALID, "runs over the end");
	cr_expect_eq(TABLE(seg[0].gpa, HIGH_BASE - 8), HVC_BLK_INVALID, "over an edge");
	cr_expect_eq(TABLE(seg[0].gpa, UINT64_MAX - 7), HVC_BLK_INVALID);
	cr_expect_eq(TABLE(seg[1].gpa, DATA_GPA), HVC_BLK_INVALID);
	table[0].len = 0;
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	table[0] = (struct hvc_blk_segment){ RAM_END - 256, 512, 0 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	table[0] = (struct hvc_blk_segment){ DATA_GPA, 512, 1 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
}

/* A table of 257, whose length is right, must not run past the request's own. */
Test(blk_hostile, a_table_longer_than_a_request)
{
	struct hvc_blk_segment *table = rig_mem(DATA_GPA, 257 * sizeof(*table));
	struct hvc_blk_sqe sqe = { .op = HVC_BLK_OP_READ,
				   .flags = HVC_BLK_SQE_INDIRECT,
				   .nseg = 257,
				   .nr_sectors = 257,
				   .seg[0] = { DATA_GPA, 257 * 16, 0 } };

	for (unsigned int i = 0; i < 257; i++)
		table[i] = (struct hvc_blk_segment){ LOW_BASE, 512, 0 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
}

Test(blk_hostile, operations_without_data_that_bring_some)
{
	struct hvc_blk_sqe sqe = good;

	sqe.op = HVC_BLK_OP_FLUSH;
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_FLUSH, .sector = 1 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_FLUSH, .flags = HVC_BLK_SQE_FUA };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_DISCARD, .nseg = 1, .nr_sectors = 1 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_DISCARD,
				    .flags = HVC_BLK_SQE_INDIRECT,
				    .nr_sectors = 1 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_WRITE_ZEROES, .nr_sectors = 129 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID, "more than its limit");
	sqe.nr_sectors = 0;
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_INVALID);
	sqe.nr_sectors = UINT32_MAX;
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_RANGE);
}

Test(blk_hostile, disks_that_cannot)
{
	struct hvc_blk_sqe sqe = good;
	struct rig_queue ro, big;

	rig_open(&ro, 0, 1, DISK_RO, 0);
	rig_open(&big, 0, 2, DISK_4K, 0);
	sqe.op = HVC_BLK_OP_WRITE;
	cr_expect_eq(rig_do(&ro, &sqe), HVC_BLK_READ_ONLY);
	cr_expect_eq(rig_do(&big, &sqe), HVC_BLK_INVALID, "half a block");
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_DISCARD, .sector = 8, .nr_sectors = 8 };
	cr_expect_eq(rig_do(&ro, &sqe), HVC_BLK_READ_ONLY);
	cr_expect_eq(rig_do(&big, &sqe), HVC_BLK_UNSUPPORTED);
	sqe.op = HVC_BLK_OP_WRITE_ZEROES;
	cr_expect_eq(rig_do(&big, &sqe), HVC_BLK_UNSUPPORTED);
	sqe = good;
	sqe.sector = 4;
	sqe.nr_sectors = 8;
	sqe.seg[0].len = 4096;
	cr_expect_eq(rig_do(&big, &sqe), HVC_BLK_INVALID, "not at a block");
	sqe.sector = 8;
	cr_expect_eq(rig_do(&big, &sqe), HVC_BLK_OK);
}

/* Tags are the guest's own affair. */
Test(blk_hostile, tags_repeated)
{
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	for (unsigned int i = 0; i < 16; i++)
		rig_put_rw(&queue, HVC_BLK_OP_READ, 5, i, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	fake_finish(16, 0);
	cr_expect_eq(rig_reap(&queue), 0);
	for (unsigned int i = 0; i < 16; i++) {
		cr_assert(rig_get(&queue, &cqe));
		cr_expect_eq(cqe.tag, 5);
	}
}

static void expect_broken(void)
{
	cr_expect_eq(rig_doorbell(&queue), -EPIPE);
	cr_expect_eq(queue.header->host_flags & HVC_BLK_HOST_BROKEN, HVC_BLK_HOST_BROKEN);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_CTRL, (uint64_t)queue.id, HVC_BLK_CTRL_ENABLE, 0, 0),
		     -EPIPE);
	cr_expect_eq(rig_reap(&queue), 0);
	memset(queue.header, 0, 64);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_CTRL, (uint64_t)queue.id, HVC_BLK_CTRL_RESET, 0, 0),
		     0);
	cr_expect_eq(rig_call(0, HVC_BLK_QUEUE_CTRL, (uint64_t)queue.id, HVC_BLK_CTRL_ENABLE, 0, 0),
		     0);
	cr_expect_eq(queue.header->host_flags, 0);
	cr_expect_eq(rig_do(&queue, &good), HVC_BLK_OK, "healed");
}

Test(blk_hostile, sq_tail_outside_its_ring)
{
	queue.header->sq_tail = 17;
	expect_broken();
}

Test(blk_hostile, sq_tail_behind)
{
	queue.header->sq_tail = UINT32_MAX;
	expect_broken();
}

Test(blk_hostile, cq_head_ahead)
{
	queue.header->cq_head = 1;
	rig_put(&queue, &good);
	cr_expect_eq(rig_doorbell(&queue), 0);
	expect_broken();
}

/* What was in flight when the queue broke is not posted to a ring that nobody can trust. */
Test(blk_hostile, breaks_with_requests_in_flight)
{
	fake_immediate(false);
	rig_put(&queue, &good);
	cr_expect_eq(rig_doorbell(&queue), 0);
	queue.header->sq_tail = 100;
	cr_expect_eq(rig_doorbell(&queue), -EPIPE);
	fake_finish(1, 0);
	cr_expect_eq(rig_reap(&queue), 0);
	cr_expect_eq(queue.header->cq_tail, 0);
	cr_expect_eq(queue.header->dropped, 1);
	fake_immediate(true);
	expect_broken();
}

/* The host's own indexes are its own: what the guest writes over them means nothing. */
Test(blk_hostile, the_hosts_line_overwritten)
{
	struct hvc_blk_cqe cqe;

	memset((uint8_t *)queue.header + 64, 0xff, 192);
	rig_put(&queue, &good);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(queue.header->sq_head, 1);
	cr_expect_eq(queue.header->cq_tail, 1);
	cr_expect(rig_get(&queue, &cqe));
}

/* Data that lands on the rings themselves: the copies that were checked are what counts. */
Test(blk_hostile, data_aimed_at_the_rings)
{
	struct hvc_blk_sqe sqe = good;

	memset(fake_bytes(rig.disks[0]), 0xff, 4096);
	sqe.seg[0] = (struct hvc_blk_segment){ queue.config.sq, 512, 0 };
	rig_put(&queue, &sqe);
	cr_expect_eq(rig_doorbell(&queue), 0);
	sqe.seg[0].gpa = queue.config.cq;
	rig_put(&queue, &sqe);
	cr_expect_eq(rig_doorbell(&queue), 0);
	sqe.seg[0].gpa = queue.config.header & ~511ull;
	rig_put(&queue, &sqe);
	cr_expect_eq(rig_doorbell(&queue), 0);
	/* sq_tail is now 0xffffffff. */
	expect_broken();
}

Test(blk_hostile, doorbells_for_queues_that_do_not_exist)
{
	for (uint32_t id = 1; id < HVC_BLK_MAX_QUEUES; id += 97) {
		cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL + id), -ENOENT);
		cr_expect_eq(rig_ring(0, HVC_BLK_REAP + id), -ENOENT);
		cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL_WAIT + id), -ENOENT);
		cr_expect_eq(rig_ring(0, HVC_BLK_WAKEUP + id), -ENOENT);
	}
}

Test(blk_hostile, doorbells_from_the_wrong_vcpu)
{
	rig_put(&queue, &good);
	for (uint32_t fid = HVC_BLK_DOORBELL; fid <= HVC_BLK_WAKEUP; fid += 0x1000)
		cr_expect_eq(rig_ring(1, fid + (uint32_t)queue.id), -EXDEV);
	cr_expect_eq(fake.submitted, 0);
	cr_expect_eq(queue.header->sq_head, 0);
}

Test(blk_hostile, doorbells_in_the_middle_of_setup)
{
	struct hvc_blk_queue_config config = rig_config(0, 1, DISK_PLAIN);
	int64_t id = rig_setup(0, &config);

	cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL + (uint32_t)id), -ESHUTDOWN);
	cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL_WAIT + (uint32_t)id), -ESHUTDOWN);
	cr_expect_eq(rig_ring(0, HVC_BLK_REAP + (uint32_t)id), 0);
}

/* Two queues that share their memory harm their guest alone. */
Test(blk_hostile, two_queues_in_the_same_memory)
{
	struct hvc_blk_queue_config config = rig_config(1, 0, DISK_PLAIN);
	int64_t id = rig_setup(1, &config);

	cr_assert_geq(id, 0);
	cr_expect_eq(rig_call(1, HVC_BLK_QUEUE_CTRL, (uint64_t)id, HVC_BLK_CTRL_ENABLE, 0, 0), 0);
	for (unsigned int i = 0; i < 100; i++) {
		rig_put(&queue, &good);
		rig_ring(i % 2, HVC_BLK_DOORBELL + (uint32_t)(i % 2 ? id : queue.id));
	}
	cr_expect_lt(fake.submitted, 101);
}
