/* SPDX-License-Identifier: Apache-2.0 */
/* Rings as an honest driver uses them: data, completions, interrupts, pause, change of size. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "blk_rig.h"

TestSuite(blk_ring, .init = rig_init, .fini = rig_fini);

Test(blk_ring, inline_completion_costs_one_kick_and_no_interrupt)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	memset(fake_bytes(rig.disks[0]) + 1024, 0x42, 512);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 7, 2, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(rig.nr_ret, 0, "no register was written");
	cr_expect_eq(fake.kicks, 1);
	cr_assert(rig_get(&queue, &cqe));
	cr_expect_eq(cqe.tag, 7);
	cr_expect_eq(cqe.status, HVC_BLK_OK);
	cr_expect_eq(cqe.flags, HVC_BLK_CQE_INLINE);
	cr_expect_eq(cqe.bytes, 512);
	cr_expect_eq(*(uint8_t *)rig_mem(DATA_GPA, 1), 0x42);
	cr_expect_eq(queue.header->sq_head, 1);
	cr_expect_eq(rig_interrupts(0), 0);
}

Test(blk_ring, a_batch_is_one_kick)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int i = 0; i < 16; i++)
		rig_put_rw(&queue, HVC_BLK_OP_WRITE, i, i, DATA_GPA + i * 512, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(fake.kicks, 1);
	for (unsigned int i = 0; i < 16; i++) {
		cr_assert(rig_get(&queue, &cqe));
		cr_expect_eq(cqe.tag, i);
	}
	cr_expect_not(rig_get(&queue, &cqe));
}

Test(blk_ring, late_completion_raises_one_interrupt_and_reap_posts_it)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	rig_open(&queue, 1, 0, DISK_PLAIN, 0);
	fake_immediate(false);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_not(rig_get(&queue, &cqe));
	fake_finish(1, 0);
	cr_expect_eq(rig_interrupts(1), 1);
	cr_expect_not(rig_get(&queue, &cqe), "nobody has posted it");
	cr_expect_eq(rig_reap(&queue), 0);
	cr_expect(rig_get(&queue, &cqe));
	cr_expect_eq(cqe.flags, 0);
	cr_expect_eq(rig_interrupts(1), 0);
}

/* Who polls is not told; nor who says in the header that it does not want it. */
Test(blk_ring, without_interrupts)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&queue, 0, 0, DISK_PLAIN, HVC_BLK_QUEUE_POLL);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	fake_finish(1, 0);
	cr_expect_eq(rig_reap(&queue), 0);
	cr_expect(rig_get(&queue, &cqe));
	rig_open(&queue, 0, 1, DISK_PLAIN, 0);
	queue.header->guest_flags = HVC_BLK_GUEST_NO_IRQ;
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	fake_finish(1, 0);
	cr_expect_eq(rig_reap(&queue), 0);
	cr_expect(rig_get(&queue, &cqe));
	cr_expect_eq(fake.told, 0);
}

Test(blk_ring, a_poller_does_not_swallow_anothers_completion)
{
	struct rig_queue irq, poll;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&irq, 0, 0, DISK_PLAIN, 0);
	rig_open(&poll, 0, 1, DISK_RO, HVC_BLK_QUEUE_POLL);
	rig_put_rw(&irq, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&irq), 0);
	fake_finish(1, 0);
	rig_interrupts(0);
	cr_expect_eq(rig_reap(&poll), 0);
	cr_expect_eq(rig_interrupts(0), 1, "the poller looks at its own ring alone");
	cr_expect(rig_get(&irq, &cqe));
}

Test(blk_ring, a_doorbell_does_not_swallow_anothers_completion)
{
	struct rig_queue one, two;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&one, 0, 0, DISK_PLAIN, 0);
	rig_open(&two, 0, 1, DISK_RO, 0);
	rig_put_rw(&one, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&one), 0);
	fake_finish(1, 0);
	rig_interrupts(0);
	cr_expect_eq(rig_doorbell(&two), 0);
	cr_expect_eq(rig_interrupts(0), 1);
	cr_expect(rig_get(&one, &cqe));
}

/* The handler's REAP posts for all queues and asks for no second interrupt. */
Test(blk_ring, reap_posts_for_all_queues_of_the_vcpu)
{
	struct rig_queue one, two;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&one, 0, 0, DISK_PLAIN, 0);
	rig_open(&two, 0, 1, DISK_RO, 0);
	rig_put_rw(&one, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	rig_put_rw(&two, HVC_BLK_OP_READ, 2, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&one), 0);
	cr_expect_eq(rig_doorbell(&two), 0);
	fake_finish(2, 0);
	rig_interrupts(0);
	cr_expect_eq(rig_reap(&one), 0);
	cr_expect(rig_get(&one, &cqe));
	cr_expect(rig_get(&two, &cqe));
	cr_expect_eq(rig_interrupts(0), 0);
}

Test(blk_ring, doorbell_wait_waits_for_one)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	queue.header->wait_us = UINT32_MAX; /* the host's own bound holds: the fake asserts it */
	cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL_WAIT + (uint32_t)queue.id), 0);
	cr_expect(rig_get(&queue, &cqe));
	cr_expect_eq(cqe.flags, HVC_BLK_CQE_INLINE);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	queue.header->wait_us = 0;
	cr_expect_eq(rig_ring(0, HVC_BLK_DOORBELL_WAIT + (uint32_t)queue.id), 0);
	cr_expect_not(rig_get(&queue, &cqe));
	cr_expect_eq(rig_ring(0, HVC_BLK_WAKEUP + (uint32_t)queue.id), 0);
}

Test(blk_ring, every_operation)
{
	struct rig_queue queue;
	struct hvc_blk_sqe sqe = { .op = HVC_BLK_OP_FLUSH, .tag = 9 };
	uint8_t *disk = fake_bytes(rig.disks[0]);

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	memset(disk, 1, 8192);
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(fake.last.op, BLK_FLUSH);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_DISCARD, .sector = 8, .nr_sectors = 8 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(fake.last.op, BLK_DISCARD);
	cr_expect_eq(disk[4095], 1);
	cr_expect_eq(disk[4096], 0);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_WRITE_ZEROES,
				    .flags = HVC_BLK_SQE_NOUNMAP | HVC_BLK_SQE_FUA,
				    .nr_sectors = 1 };
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(fake.last.flags, BLK_NOUNMAP | BLK_FUA);
	cr_expect_eq(disk[0], 0);
	cr_expect_eq(disk[512], 1);
	sqe = (struct hvc_blk_sqe){ .op = HVC_BLK_OP_WRITE,
				    .flags = HVC_BLK_SQE_FUA | HVC_BLK_SQE_HIPRI,
				    .nseg = 2,
				    .nr_sectors = 2,
				    .seg = { { DATA_GPA, 512, 0 }, { DATA_GPA + 4096, 512, 0 } } };
	memset(rig_mem(DATA_GPA + 4096, 512), 5, 512);
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(fake.last.flags, BLK_FUA);
	cr_expect_eq(disk[512], 5);
}

Test(blk_ring, indirect)
{
	struct rig_queue queue;
	struct hvc_blk_segment *table = rig_mem(TABLE_GPA, 256 * sizeof(*table));
	struct hvc_blk_sqe sqe = { .op = HVC_BLK_OP_READ,
				   .flags = HVC_BLK_SQE_INDIRECT,
				   .nseg = 256,
				   .nr_sectors = 256,
				   .seg[0] = { TABLE_GPA, 256 * 16, 0 } };

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int i = 0; i < 256; i++) {
		table[i] = (struct hvc_blk_segment){ DATA_GPA + (255 - i) * 512, 512, 0 };
		memset(fake_bytes(rig.disks[0]) + i * 512, (int)i, 512);
	}
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(*(uint8_t *)rig_mem(DATA_GPA, 1), 255);
	cr_expect_eq(*(uint8_t *)rig_mem(DATA_GPA + 255 * 512, 1), 0);
}

/* Fewer entries for the kernel to walk; what only touches backwards stays apart. */
Test(blk_ring, segments_that_touch_are_one_entry)
{
	static const uint32_t at[] = { 0, 512, 1536, 1024, 2560 };
	struct rig_queue queue;
	struct hvc_blk_segment *table = rig_mem(TABLE_GPA, ARRAY_SIZE(at) * sizeof(*table));
	struct hvc_blk_sqe sqe = { .op = HVC_BLK_OP_READ,
				   .flags = HVC_BLK_SQE_INDIRECT,
				   .nseg = ARRAY_SIZE(at),
				   .nr_sectors = ARRAY_SIZE(at),
				   .seg[0] = { TABLE_GPA, sizeof(at) * 4, 0 } };

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		table[i] = (struct hvc_blk_segment){ DATA_GPA + at[i], 512, 0 };
		memset(fake_bytes(rig.disks[0]) + i * 512, (int)i + 1, 512);
	}
	cr_expect_eq(rig_do(&queue, &sqe), HVC_BLK_OK);
	cr_expect_eq(fake.last.nr_iov, 4);
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++)
		cr_expect_eq(*(uint8_t *)rig_mem(DATA_GPA + at[i] + 511, 1), i + 1);
}

Test(blk_ring, statuses_of_the_host)
{
	static const struct {
		int err;
		unsigned int status;
	} map[] = { { EIO, HVC_BLK_IOERR },	    { ENOSPC, HVC_BLK_NO_SPACE },
		    { EDQUOT, HVC_BLK_NO_SPACE },   { EOPNOTSUPP, HVC_BLK_UNSUPPORTED },
		    { EROFS, HVC_BLK_READ_ONLY },   { ERANGE, HVC_BLK_RANGE },
		    { ETIMEDOUT, HVC_BLK_TIMEOUT }, { EINVAL, HVC_BLK_INVALID },
		    { ENOMEM, HVC_BLK_IOERR } };
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		rig_put_rw(&queue, HVC_BLK_OP_READ, i, 0, DATA_GPA, 512);
		cr_expect_eq(rig_doorbell(&queue), 0);
		fake_finish(1, map[i].err);
		cr_expect_eq(rig_reap(&queue), 0);
		cr_assert(rig_get(&queue, &cqe));
		cr_expect_eq(cqe.status, map[i].status, "%d: %u", map[i].err, cqe.status);
		cr_expect_eq(cqe.bytes, 0);
	}
}

/* Indexes run through 2^32 many times in a machine's life. */
Test(blk_ring, wraps_its_rings)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int i = 0; i < 200; i++) {
		rig_put_rw(&queue, HVC_BLK_OP_READ, i, i, DATA_GPA, 512);
		cr_expect_eq(rig_doorbell(&queue), 0);
		cr_assert(rig_get(&queue, &cqe));
		cr_expect_eq(cqe.tag, i);
	}
}

/* Completions that nobody reads hold requests back, until there is room. */
Test(blk_ring, completions_never_overflow)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;
	unsigned int seen = 0;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 16; i++)
			rig_put_rw(&queue, HVC_BLK_OP_READ, round * 16 + i, 0, DATA_GPA, 512);
		cr_expect_eq(rig_doorbell(&queue), 0);
	}
	cr_expect_eq(queue.header->cq_tail, 32);
	cr_expect_eq(queue.header->sq_head, 32);
	while (rig_get(&queue, &cqe))
		cr_expect_eq(cqe.tag, seen++);
	cr_expect_eq(seen, 32);
	cr_expect_eq(rig_reap(&queue), 0, "takes what was announced");
	while (rig_get(&queue, &cqe))
		cr_expect_eq(cqe.tag, seen++);
	cr_expect_eq(seen, 48);
}

/*
 * All of a vCPU's queues share its requests: what found none goes on when one is free. A v1 call
 * has one of its own, and ends, with all that was before it.
 */
Test(blk_ring, more_requests_than_a_vcpu_has)
{
	struct rig_queue queues[9];
	unsigned int seen = 0;

	fake_immediate(false);
	for (unsigned int q = 0; q < 9; q++)
		rig_open(&queues[q], 0, q, DISK_PLAIN, 0);
	for (unsigned int n = 0; n < HVC_BLK_DEPTH + 16; n++) {
		rig_put_rw(&queues[n / 32], HVC_BLK_OP_READ, n, 0, DATA_GPA, 512);
		if (n % 16 == 15)
			cr_expect_eq(rig_doorbell(&queues[n / 32]), 0);
	}
	cr_expect_eq(fake.submitted, HVC_BLK_DEPTH);
	cr_expect_eq(queues[8].header->sq_head, 0);
	cr_expect_eq(rig_call(0, HVC_BLK_READ, DISK_RO, 0, DATA_GPA, 512), 512);
	cr_expect_eq(rig_interrupts(0), 1, "it posted what nobody looks for");
	fake_finish(16, 0);
	cr_expect_eq(rig_reap(&queues[0]), 0);
	for (unsigned int q = 0; q < 9; q++) {
		struct hvc_blk_cqe cqe;

		while (rig_get(&queues[q], &cqe))
			seen++;
	}
	cr_expect_eq(seen, HVC_BLK_DEPTH + 16);
}

/* A pause: all is posted, and the interrupt that says so waits. */
Test(blk_ring, drain_posts_all_and_tells)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;

	fake_immediate(false);
	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 2, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	hvc_blk_drain(rig.blk, 0);
	cr_expect_eq(rig_interrupts(0), 1);
	cr_expect(rig_get(&queue, &cqe));
	cr_expect(rig_get(&queue, &cqe));
	hvc_blk_drain(rig.blk, 0);
	cr_expect_eq(rig_interrupts(0), 0, "nothing more to tell");
}

Test(blk_ring, change_of_size)
{
	struct rig_queue queue;

	rig_open(&queue, 1, 0, DISK_PLAIN, 0);
	cr_expect_eq(queue.header->host_flags, 0);
	fake_resize(rig.disks[0], 512);
	hvc_blk_changed(rig.blk, DISK_PLAIN);
	cr_expect_eq(rig_interrupts(0), 1);
	cr_expect_eq(rig_interrupts(1), 1);
	cr_expect_eq(rig_reap(&queue), 0);
	cr_expect_eq(queue.header->host_flags, HVC_BLK_HOST_CONFIG_CHANGED);
	cr_expect_eq(queue.header->generation, 1);
	cr_expect_eq(rig_call(0, HVC_BLK_DEV_INFO, DISK_PLAIN, DATA_GPA, 256, 0), 256);
	cr_expect_eq(((struct hvc_blk_device_info *)rig_mem(DATA_GPA, 256))->sectors, 1);
	cr_expect_eq(((struct hvc_blk_device_info *)rig_mem(DATA_GPA, 256))->generation, 1);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(queue.header->host_flags, 0);
}

Test(blk_ring, counts)
{
	struct hvc_blk_stats stats;
	struct rig_queue queue;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(rig_doorbell(&queue), 0);
	cr_expect_eq(rig_reap(&queue), 0);
	hvc_blk_stats(rig.blk, &stats);
	cr_expect_eq(stats.doorbells, 1);
	cr_expect_eq(stats.reaps, 1);
	cr_expect_eq(stats.requests, 1);
	cr_expect_eq(stats.inlined, 1);
	cr_expect_eq(stats.refused + stats.broken + stats.dropped + stats.interrupts, 0);
	cr_expect_eq(stats.calls, 2);
}
