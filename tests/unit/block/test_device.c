/* SPDX-License-Identifier: Apache-2.0 */
/* A block device past the page cache: null_blk with memory, as tests/run-all loads it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define DEVICE "/dev/nullb0"

static uint8_t buf[65536] __attribute__((aligned(4096)));
static uint8_t back[65536] __attribute__((aligned(4096)));

static void open_device(struct rig *rig, enum blk_engine engine)
{
	if (access(DEVICE, R_OK | W_OK) < 0)
		cr_skip_test("there is no " DEVICE);
	*rig = (struct rig){ .fd = open(DEVICE, O_RDONLY | O_CLOEXEC) };
	cr_assert_geq(rig->fd, 0);
	rig->config = (struct disk_config){
		.path = DEVICE,
		.id = "disk0",
		.direct = true,
		.discard = true,
	};
	rig_open(rig, engine);
}

static void check_device(enum blk_engine engine)
{
	struct rig rig;

	open_device(&rig, engine);
	cr_assert(disk_limits(rig.disk)->discard);
	cr_assert(disk_limits(rig.disk)->durable, "a null_blk has no cache by itself");
	cr_assert_not(disk_write_back(rig.disk));
	rig_fill(buf, sizeof(buf), 6);
	cr_assert_eq(rig_do(&rig, BLK_WRITE, 1 << 20, sizeof(buf), buf), 0);
	cr_assert_eq(rig_do(&rig, BLK_FLUSH, 0, 0, NULL), 0);
	cr_assert_eq(rig_do(&rig, BLK_READ, 1 << 20, 65536 - 512, back + 512), 0);
	cr_assert_arr_eq(back + 512, buf, 65536 - 512);
	/* Odd memory is copied. */
	cr_assert_eq(rig_do(&rig, BLK_READ, 1 << 20, 32768, back + 1), 0);
	cr_assert_arr_eq(back + 1, buf, 32768);
	cr_assert_eq(rig_do(&rig, BLK_DISCARD, (1 << 20) + 4096, 4096, NULL), 0);
	cr_assert_eq(rig_do(&rig, BLK_WRITE_ZEROES, (1 << 20) + 8192, 4096, NULL), 0);
	memset(buf + 8192, 0, 4096);
	cr_assert_eq(rig_do(&rig, BLK_READ, 1 << 20, 65536, back), 0);
	cr_assert_arr_eq(back, buf, 4096);
	cr_assert_arr_eq(back + 8192, buf + 8192, 65536 - 8192);
	cr_assert_eq(rig_do(&rig, BLK_READ, disk_size(rig.disk), 512, back), -ERANGE);
	rig_fini(&rig);
}

/* One after the other: the device is locked while a test has it. */
Test(device, sync_then_uring)
{
	check_device(BLK_ENGINE_SYNC);
	check_device(BLK_ENGINE_URING);
}
