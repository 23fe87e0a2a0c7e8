/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block service over the real block layer and a real file: by io_uring where this machine lets
 * us, by threads, by vCPUs and by pollers. What tests/unit/hvc leaves to a fake.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../refuse_uring.h"
#include "disk_rig.h"

static void versions(enum blk_engine engine, bool direct, enum disk_mode mode)
{
	uint8_t *data, *copy;

	if (!rig_init(engine, direct, mode)) {
		rig_fini();
		cr_skip_test("no io_uring here");
	}
	data = gmem_slice(&rig.mem, DATA, 1 << 19);
	copy = gmem_slice(&rig.mem, DATA + (1 << 19), 1 << 19);
	rig_fill(data, 1 << 19, 1);
	cr_expect_eq(rig_call(HVC_BLK_WRITE, 0, 8, DATA, 1 << 19), 1 << 19);
	cr_expect_eq(rig_call(HVC_BLK_FLUSH, 0, 0, 0, 0), 0);
	cr_expect_eq(rig_call(HVC_BLK_READ, 0, 8, DATA + (1 << 19), 1 << 19), 1 << 19);
	cr_expect_arr_eq(data, copy, 1 << 19);
	cr_expect_eq(rig_call(HVC_BLK_READ, 0, SIZE / 512, DATA, 512), -ERANGE);

	rig_open(mode == DISK_MODE_THREAD ? HVC_BLK_QUEUE_HOST_POLL : 0);
	rig_fill(data, 1 << 19, 2);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < ENTRIES; i++)
			rig_put(HVC_BLK_OP_WRITE, i, i * 8ull, DATA + i * 4096ull, 4096);
		rig_finish(ENTRIES);
		rig_put(HVC_BLK_OP_FLUSH, 0, 0, 0, 0);
		rig_finish(1);
		memset(copy, 0, 1 << 18);
		for (unsigned int i = 0; i < ENTRIES; i++)
			rig_put(HVC_BLK_OP_READ, i, i * 8ull, DATA + (1 << 19) + i * 4096ull, 4096);
		rig_finish(ENTRIES);
		cr_assert_arr_eq(data, copy, 1 << 18);
		rig_fill(data, 1 << 18, round);
	}
	/* Depth 1: each is told, or found at once. */
	for (unsigned int i = 0; i < 500; i++) {
		rig_put(i % 5 ? HVC_BLK_OP_READ : HVC_BLK_OP_FLUSH, i, 0, DATA, i % 5 ? 4096 : 0);
		rig_finish(1);
	}
	rig_fini();
}

Test(hvc_disk, threads_cached)
{
	versions(BLK_ENGINE_SYNC, false, DISK_MODE_AUTO);
}

Test(hvc_disk, threads_direct)
{
	versions(BLK_ENGINE_SYNC, true, DISK_MODE_AUTO);
}

Test(hvc_disk, io_uring_cached)
{
	versions(BLK_ENGINE_URING, false, DISK_MODE_AUTO);
}

Test(hvc_disk, io_uring_direct)
{
	versions(BLK_ENGINE_URING, true, DISK_MODE_AUTO);
}

Test(hvc_disk, threads_polled)
{
	versions(BLK_ENGINE_SYNC, false, DISK_MODE_THREAD);
}

Test(hvc_disk, io_uring_polled)
{
	versions(BLK_ENGINE_URING, true, DISK_MODE_THREAD);
}

Test(hvc_disk, the_same_abi_where_io_uring_is_refused)
{
	if (refuse_uring() < 0)
		cr_skip_test("this host has no seccomp filters");
	versions(BLK_ENGINE_AUTO, true, DISK_MODE_AUTO);
}

Test(hvc_disk, the_same_polled_where_io_uring_is_refused)
{
	if (refuse_uring() < 0)
		cr_skip_test("this host has no seccomp filters");
	versions(BLK_ENGINE_AUTO, false, DISK_MODE_THREAD);
}

/* Reset in mid-flight: when the drain returns, memory is nobody's but the guest's. */
Test(hvc_disk, nothing_is_written_after_a_drain)
{
	uint8_t *data, *copy;

	cr_assert(rig_init(BLK_ENGINE_AUTO, false, DISK_MODE_AUTO));
	rig_open(0);
	data = gmem_slice(&rig.mem, DATA, 1 << 18);
	for (unsigned int i = 0; i < ENTRIES; i++)
		rig_put(HVC_BLK_OP_READ, i, i * 8ull, DATA + i * 4096ull, 4096);
	hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8);
	hvc_blk_drain(rig.blk, 0);
	cr_expect_eq(rig.header->cq_tail, ENTRIES);
	memset(data, 0x77, 1 << 18);
	copy = malloc(RAM_SIZE);
	memcpy(copy, gmem_slice(&rig.mem, RAM_BASE, RAM_SIZE), RAM_SIZE);
	hvc_blk_destroy(rig.blk);
	rig.blk = NULL;
	cr_expect_arr_eq(copy, gmem_slice(&rig.mem, RAM_BASE, RAM_SIZE), RAM_SIZE);
	free(copy);
	close(rig.line.eventfd);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
	unlink(rig.path);
}
