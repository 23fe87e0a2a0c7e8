/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "boot/load.h"
#include "boot_test.h"

#define RAM 0x40000000ull
#define MB2 0x200000ull

static struct boot_files files;

static void setup(void)
{
	test_log_keep();
	files = (struct boot_files){
		.kernel_path = "the-kernel",
		.kernel = { .kind = IMAGE_ARM64, .image_size = 30 * MIB + 1 },
		.initrd_path = "the-initrd",
		.initrd_size = 50 * MIB + 1,
	};
}

TestSuite(boot_plan, .init = setup);

/* The least --memory that the last refusal named, in bytes. */
static uint64_t least_memory(const char *log)
{
	const char *at = strstr(log, "--memory ");
	char *end;
	uint64_t mib;

	cr_assert_not_null(at, "%s", log);
	mib = strtoull(at + strlen("--memory "), &end, 10);
	cr_assert_eq(*end, 'M', "%s", log);
	return mib * MIB;
}

/* Expects that @ram_size does not do because of @what, and that what the log asks for does. */
static void expect_no_room(uint64_t ram_size, const char *what)
{
	struct boot_map map = { .end = 42 };
	const char *log;
	uint64_t least;

	cr_expect_eq(boot_plan(&files, RAM, ram_size, &map), -ENOSPC);
	cr_expect_eq(map.end, 42);
	log = test_log();
	cr_expect(strstr(log, what), "%s: %s", what, log);
	least = least_memory(log);
	cr_expect_eq(boot_plan(&files, RAM, least, &map), 0);
	cr_expect_eq(boot_plan(&files, RAM, least - MIB, &map), -ENOSPC);
	test_log();
}

Test(boot_plan, kernel_device_tree_and_initrd_follow_each_other)
{
	struct boot_map map;

	cr_assert_eq(boot_plan(&files, RAM, 512 * MIB, &map), 0);
	cr_expect_eq(map.kernel_base, RAM);
	cr_expect_eq(map.dtb_base, RAM + 32 * MIB);
	cr_expect_eq(map.initrd_base, RAM + 34 * MIB);
	cr_expect_eq(map.initrd_size, 50 * MIB + 1);
	cr_expect_eq(map.end, RAM + 84 * MIB + 1);
	cr_expect_str_empty(test_log());
}

Test(boot_plan, text_offset_counts_from_a_2_mib_boundary)
{
	struct boot_map map;

	files.kernel.text_offset = 0x80000;
	cr_assert_eq(boot_plan(&files, RAM + 4096, 512 * MIB, &map), 0);
	cr_expect_eq(map.kernel_base, RAM + MB2 + 0x80000);
	cr_expect_eq(map.dtb_base % MB2, 0);
	cr_expect_geq(map.dtb_base, map.kernel_base + files.kernel.image_size);
}

Test(boot_plan, the_device_tree_shares_no_2_mib_block)
{
	struct boot_map map;
	uint64_t size;

	for (size = MB2 - 2; size <= 2 * MB2 + 2; size++) {
		if (size == MB2 + 3)
			size = 2 * MB2 - 2;
		files.kernel.image_size = size;
		cr_assert_eq(boot_plan(&files, RAM, 512 * MIB, &map), 0);
		cr_expect_gt(map.dtb_base / MB2, (map.kernel_base + size - 1) / MB2);
		cr_expect_eq(map.initrd_base, map.dtb_base + MB2);
	}
}

Test(boot_plan, without_initrd_the_device_tree_is_last)
{
	struct boot_map map;

	files.initrd_path = NULL;
	files.initrd_size = 0;
	cr_assert_eq(boot_plan(&files, RAM, 34 * MIB, &map), 0);
	cr_expect_eq(map.initrd_size, 0);
	cr_expect_eq(map.end, RAM + 34 * MIB);
	expect_no_room(34 * MIB - 4096, "the device tree");
}

Test(boot_plan, what_does_not_fit_is_named_with_the_memory_that_would_do)
{
	expect_no_room(0, "the-kernel");
	expect_no_room(30 * MIB, "the-kernel");
	expect_no_room(30 * MIB + 4096, "the device tree");
	expect_no_room(34 * MIB - 4096, "the device tree");
	expect_no_room(34 * MIB, "the-initrd");
	expect_no_room(84 * MIB, "the-initrd");
}

Test(boot_plan, a_kernel_pushed_up_by_text_offset_counts_whole)
{
	struct boot_map map;

	files.kernel.text_offset = MB2 - 4;
	files.initrd_size = 0;
	expect_no_room(32 * MIB, "the device tree");
	cr_assert_eq(boot_plan(&files, RAM, 34 * MIB, &map), 0);
	cr_expect_eq(map.dtb_base, RAM + 32 * MIB);
}

static void expect_hopeless(gpa_t ram_base, const char *what)
{
	struct boot_map map = { .end = 42 };
	const char *log;

	cr_expect_eq(boot_plan(&files, ram_base, UINT64_MAX - ram_base, &map), -ENOSPC);
	cr_expect_eq(map.end, 42);
	log = test_log();
	cr_expect(strstr(log, what), "%s", log);
	cr_expect(strstr(log, "no --memory would do"), "%s", log);
}

Test(boot_plan, kernel_and_initrd_share_a_window_of_32_gib)
{
	struct boot_map map;

	files.initrd_size = 32 * GIB - 34 * MIB;
	cr_expect_eq(boot_plan(&files, RAM, 64 * GIB, &map), 0);
	cr_expect_eq(boot_plan(&files, RAM + GIB - MB2, 64 * GIB, &map), -ENOSPC);
	cr_expect(strstr(test_log(), "the-initrd"));
	files.initrd_size++;
	expect_hopeless(RAM, "the-initrd");
}

Test(boot_plan, sums_that_wrap_are_refused)
{
	const struct boot_files good = files;

	files.initrd_size = UINT64_MAX;
	expect_hopeless(RAM, "the-initrd");
	files = good;
	files.kernel.image_size = UINT64_MAX;
	expect_hopeless(RAM, "the-initrd");
	files = good;
	files.kernel.text_offset = UINT64_MAX;
	expect_hopeless(RAM, "the-initrd");
	files = good;
	files.initrd_size = 0;
	files.kernel.image_size = UINT64_MAX - RAM;
	expect_hopeless(RAM, "the-kernel");
	files = good;
	expect_hopeless(UINT64_MAX - 4095, "the-initrd");
	expect_hopeless(align_down(UINT64_MAX, MB2), "the-initrd");
	expect_hopeless(align_down(UINT64_MAX - 31 * MIB, MB2), "the-initrd");
}

Test(boot_plan, a_sparse_initrd_too_big_for_memory_is_refused)
{
	uint8_t kernel[TEST_KERNEL_SIZE];
	const char *initrd;
	int ret;

	test_dir_init();
	test_kernel(kernel);
	initrd = test_file("initrd", "0707", 4, 5 * GIB);
	ret = boot_files_open(&files, test_file("Image", kernel, sizeof(kernel), sizeof(kernel)),
			      initrd);
	cr_assert_eq(ret, 0);
	expect_no_room(512 * MIB, initrd);
	boot_files_close(&files);
	test_dir_fini();
}
