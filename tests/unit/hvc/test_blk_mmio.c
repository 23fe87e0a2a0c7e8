/* SPDX-License-Identifier: Apache-2.0 */
/* The MMIO twin. rig_init() attached vCPU 1 last: this thread is its. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "blk_rig.h"

TestSuite(blk_mmio, .init = rig_init, .fini = rig_fini);

static uint64_t load(uint64_t offset, unsigned int len)
{
	return hvc_blk_mmio_ops.read(rig.blk, offset, len);
}

static void store(uint64_t offset, unsigned int len, uint64_t val)
{
	hvc_blk_mmio_ops.write(rig.blk, offset, len, val);
}

/* A call by a block in memory: ret[0]. */
static int64_t call(uint64_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	struct hvc_blk_mmio_call *block = rig_mem(CALL_GPA, sizeof(*block));

	*block = (struct hvc_blk_mmio_call){ .function = function,
					     .x = { x1, x2, x3 },
					     .ret = { 0x1234, 1, 2, 3 } };
	store(HVC_BLK_MMIO_CALL, 8, CALL_GPA);
	cr_expect_eq(block->ret[3], 3);
	return (int64_t)block->ret[0];
}

Test(blk_mmio, calls)
{
	const struct hvc_blk_mmio_call *block = rig_mem(CALL_GPA, sizeof(*block));

	cr_expect_eq(call(HVC_BLK_VERSION, 0, 0, 0), 0x20000);
	cr_expect_eq(block->ret[2], 4096ull << 32 | 1024);
	cr_expect_eq(call(HVC_BLK_PROBE, 0, 0, 0), RIG_DISKS);
	cr_expect_eq(call(HVC_BLK_CAPACITY, 0, 0, 0), RIG_SECTORS);
	cr_expect_eq(call(HVC_BLK_CAPACITY, 99, 0, 0), -ENODEV);
	cr_expect_eq(call(HVC_BLK_DOORBELL + 5, 0, 0, 0), -ENOENT);
	cr_expect_eq(call(0xc2000005, 0, 0, 0), -1);
	cr_expect_eq(call(0x1c2000000, 0, 0, 0), -1, "not 32 bits");
	cr_expect_eq(call(0x84000000, 0, 0, 0), -1, "no other service is reached");
}

Test(blk_mmio, call_blocks_outside_memory_do_nothing)
{
	store(HVC_BLK_MMIO_CALL, 8, RAM_END - 80);
	store(HVC_BLK_MMIO_CALL, 8, UINT64_MAX - 7);
	store(HVC_BLK_MMIO_CALL, 8, CALL_GPA + 4);
	store(HVC_BLK_MMIO_CALL, 4, CALL_GPA);
	store(HVC_BLK_MMIO_CALL + 8, 8, CALL_GPA);
	store(HVC_BLK_MMIO_SIZE - 8, 8, CALL_GPA);
	cr_expect_eq(load(HVC_BLK_MMIO_CALL, 8), 0);
}

Test(blk_mmio, doorbell_and_reap)
{
	struct rig_queue queue;
	struct hvc_blk_cqe cqe;
	uint64_t at;

	rig_open(&queue, 1, 0, DISK_PLAIN, 0);
	at = (uint64_t)queue.id * 8;
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	cr_expect_eq(load(at, 8), 1ull << 32, "status 0, one posted");
	cr_expect(rig_get(&queue, &cqe));
	rig_put_rw(&queue, HVC_BLK_OP_READ, 2, 0, DATA_GPA, 512);
	store(at, 4, 0);
	cr_expect(rig_get(&queue, &cqe));
	fake_immediate(false);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 3, 0, DATA_GPA, 512);
	store(at, 4, 0xffffffff);
	cr_expect_not(rig_get(&queue, &cqe));
	fake_finish(1, 0);
	cr_expect_eq(load(HVC_BLK_MMIO_REAP + at, 8), 3ull << 32);
	cr_expect(rig_get(&queue, &cqe));
	rig_put_rw(&queue, HVC_BLK_OP_READ, 4, 0, DATA_GPA, 512);
	queue.header->wait_us = 10;
	store(HVC_BLK_MMIO_REAP + at, 4, 0);
	cr_expect(rig_get(&queue, &cqe));
}

Test(blk_mmio, status_of_what_is_refused)
{
	struct rig_queue queue;

	rig_open(&queue, 0, 0, DISK_PLAIN, 0);
	cr_expect_eq(load((uint64_t)queue.id * 8, 8), (uint32_t)-EXDEV);
	cr_expect_eq(load(8 * 4095, 8), (uint32_t)-ENOENT);
	cr_expect_eq(load(HVC_BLK_MMIO_REAP + 8 * 4095, 8), (uint32_t)-ENOENT);
}

Test(blk_mmio, other_accesses_read_zero)
{
	struct rig_queue queue;
	static const unsigned int lens[] = { 1, 2, 4 };

	rig_open(&queue, 1, 0, DISK_PLAIN, 0);
	rig_put_rw(&queue, HVC_BLK_OP_READ, 1, 0, DATA_GPA, 512);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(load(0, lens[i]), 0);
	cr_expect_eq(load(4, 8), 0);
	store(0, 1, 0);
	store(0, 2, 0);
	store(0, 8, 0);
	store(4, 4, 0);
	cr_expect_eq(fake.submitted, 0);
}

static void *from_elsewhere(void *arg)
{
	(void)arg;
	cr_expect_eq(load(0, 8), 0);
	store(HVC_BLK_MMIO_CALL, 8, CALL_GPA);
	return NULL;
}

/* A thread that is no vCPU's, as a debugger's would be, does nothing. */
Test(blk_mmio, other_threads)
{
	struct hvc_blk_mmio_call *block = rig_mem(CALL_GPA, sizeof(*block));
	pthread_t thread;

	*block = (struct hvc_blk_mmio_call){ .function = HVC_BLK_PROBE, .ret = { 77 } };
	cr_assert_eq(pthread_create(&thread, NULL, from_elsewhere, NULL), 0);
	pthread_join(thread, NULL);
	cr_expect_eq(block->ret[0], 77);
}
