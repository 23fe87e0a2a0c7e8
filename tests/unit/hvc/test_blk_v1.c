/* SPDX-License-Identifier: Apache-2.0 */
/* Version 1: results, every error, and in which order. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "blk_rig.h"

TestSuite(blk_v1, .init = rig_init, .fini = rig_fini);

#define READ(disk, sector, gpa, bytes)	rig_call(0, HVC_BLK_READ, disk, sector, gpa, bytes)
#define WRITE(disk, sector, gpa, bytes) rig_call(0, HVC_BLK_WRITE, disk, sector, gpa, bytes)

/* Drivers are out there that know these numbers, and this order of checks. */
Test(blk_v1, is_the_published_one)
{
	cr_expect_eq(HVC_BLK_PROBE, 0xc2000000);
	cr_expect_eq(HVC_BLK_READ, 0xc2000001);
	cr_expect_eq(HVC_BLK_WRITE, 0xc2000002);
	cr_expect_eq(HVC_BLK_FLUSH, 0xc2000003);
	cr_expect_eq(READ(RIG_DISKS, 0, 0, 0), -22, "no bytes, before no disk");
	cr_expect_eq(READ(RIG_DISKS, UINT64_MAX, 0, 512), -19, "no disk, before no memory");
	cr_expect_eq(READ(DISK_PLAIN, UINT64_MAX, 0, 512), -14, "no memory, before no sector");
	cr_expect_eq(READ(DISK_PLAIN, UINT64_MAX, DATA_GPA, 512), -22);
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 1024), 1024, "bytes");
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, RIG_DISKS, 0, 0, 0), -19);
}

Test(blk_v1, probe_counts_disks)
{
	cr_expect_eq(rig_call(0, HVC_BLK_PROBE, 0, 0, 0, 0), RIG_DISKS);
	cr_expect_eq(rig.nr_ret, 1);
}

Test(blk_v1, write_then_read_by_both_conduits)
{
	uint8_t *data = rig_mem(DATA_GPA, 4096);

	memset(data, 0xa5, 1024);
	cr_expect_eq(WRITE(DISK_PLAIN, 3, DATA_GPA, 1024), 1024);
	cr_expect_eq(fake_bytes(rig.disks[0])[3 * 512 + 1023], 0xa5);
	cr_expect_eq(fake_bytes(rig.disks[0])[3 * 512 + 1024], 0);
	cr_expect_eq(rig_call_by(true, 1, HVC_BLK_READ, DISK_PLAIN, 4, DATA_GPA + 2048, 512), 512);
	cr_expect_eq(data[2048], 0xa5);
	cr_expect_eq(data[2048 + 512], 0);
}

Test(blk_v1, a_buffer_may_run_over_regions_that_touch)
{
	memset(rig_mem(HIGH_BASE - 512, 512), 1, 512);
	memset(rig_mem(HIGH_BASE, 512), 2, 512);
	cr_expect_eq(WRITE(DISK_PLAIN, 0, HIGH_BASE - 512, 1024), 1024);
	cr_expect_eq(fake_bytes(rig.disks[0])[511], 1);
	cr_expect_eq(fake_bytes(rig.disks[0])[512], 2);
}

Test(blk_v1, flush_and_capacity)
{
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, DISK_PLAIN, 0, 0, 0), 0);
	cr_expect_eq(fake.last.op, BLK_FLUSH);
	cr_expect_eq(rig_call(0, HVC_BLK_CAPACITY, DISK_PLAIN, 0, 0, 0), RIG_SECTORS);
	cr_expect_eq(rig_call(0, HVC_BLK_CAPACITY, RIG_DISKS, 0, 0, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_CAPACITY, UINT64_MAX, 0, 0, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, RIG_DISKS, 0, 0, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, UINT64_MAX, 0, 0, 0), -ENODEV);
}

Test(blk_v1, other_blocks_than_512_are_not_for_it)
{
	cr_expect_eq(READ(DISK_4K, 0, DATA_GPA, 4096), -ENODEV);
	cr_expect_eq(WRITE(DISK_4K, 0, DATA_GPA, 4096), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, DISK_4K, 0, 0, 0), -ENODEV);
	cr_expect_eq(rig_call(0, HVC_BLK_CAPACITY, DISK_4K, 0, 0, 0), -ENODEV);
}

Test(blk_v1, sizes_that_mean_nothing)
{
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 0), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 511), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 513), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, UINT64_MAX, DATA_GPA, 512), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, UINT64_MAX / 512 + 1, DATA_GPA, 512), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, INT64_MAX / 512, DATA_GPA, 512), -EINVAL);
	cr_expect_eq(READ(DISK_PLAIN, 1, DATA_GPA, UINT64_MAX & ~511ull), -EFAULT);
	cr_expect_eq(fake.submitted, 0);
}

Test(blk_v1, addresses_at_every_edge)
{
	cr_expect_eq(READ(DISK_PLAIN, 0, LOW_BASE - 512, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, LOW_BASE - 1, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, LOW_BASE, 512), 512);
	cr_expect_eq(READ(DISK_PLAIN, 0, RAM_END - 512, 512), 512);
	cr_expect_eq(READ(DISK_PLAIN, 0, RAM_END - 511, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, RAM_END, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, 0, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, UINT64_MAX - 511, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, UINT64_MAX, 512), -EFAULT);
	cr_expect_eq(READ(DISK_PLAIN, 0, LOW_BASE, LOW_SIZE + HIGH_SIZE + 512), -EFAULT);
}

Test(blk_v1, the_disks_end)
{
	cr_expect_eq(READ(DISK_PLAIN, RIG_SECTORS - 1, DATA_GPA, 512), 512);
	cr_expect_eq(READ(DISK_PLAIN, RIG_SECTORS - 1, DATA_GPA, 1024), -ERANGE);
	cr_expect_eq(READ(DISK_PLAIN, RIG_SECTORS, DATA_GPA, 512), -ERANGE);
	cr_expect_eq(WRITE(DISK_PLAIN, 1ull << 50, DATA_GPA, 512), -ERANGE);
}

Test(blk_v1, read_only)
{
	cr_expect_eq(WRITE(DISK_RO, 0, DATA_GPA, 512), -EROFS);
	cr_expect_eq(READ(DISK_RO, 0, DATA_GPA, 512), 512);
	cr_expect_eq(WRITE(DISK_RO, 0, 0, 512), -EFAULT, "the address is checked before");
	cr_expect_eq(WRITE(DISK_RO, RIG_SECTORS, DATA_GPA, 512), -EROFS, "the end after");
}

/* A call waits for its own request, whatever else is in flight, and hands on the host's error. */
Test(blk_v1, waits_for_what_is_slow)
{
	fake_immediate(false);
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 512), 512);
	cr_expect_gt(fake.waits, 0);
}

Test(blk_v1, ends_where_a_queue_begins)
{
	struct rig_queue queue;

	rig_open(&queue, 1, 0, DISK_PLAIN, 0);
	cr_expect_eq(READ(DISK_PLAIN, 0, DATA_GPA, 512), -EBUSY);
	cr_expect_eq(WRITE(DISK_PLAIN, 0, DATA_GPA, 512), -EBUSY);
	cr_expect_eq(rig_call(0, HVC_BLK_FLUSH, DISK_PLAIN, 0, 0, 0), -EBUSY);
	cr_expect_eq(rig_call(0, HVC_BLK_CAPACITY, DISK_PLAIN, 0, 0, 0), RIG_SECTORS);
	cr_expect_eq(READ(DISK_RO, 0, DATA_GPA, 512), 512, "another disk goes on");
}

Test(blk_v1, numbers_between_are_not_supported)
{
	static const uint32_t free_numbers[] = { 0xc2000005, 0xc20000ff, 0xc2000105,
						 0xc2000fff, 0xc2005000, 0xc200ffff };

	for (unsigned int i = 0; i < sizeof(free_numbers) / sizeof(free_numbers[0]); i++)
		cr_expect_eq(rig_call(0, free_numbers[i], 0, 0, 0, 0), -1, "0x%x", free_numbers[i]);
}
