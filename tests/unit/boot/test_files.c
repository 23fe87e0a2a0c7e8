/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/load.h"
#include "boot_test.h"

static uint8_t kernel[TEST_KERNEL_SIZE];

static void setup(void)
{
	test_dir_init();
	test_log_keep();
	test_kernel(kernel);
}

TestSuite(boot_files, .init = setup, .fini = test_dir_fini);

static const char *good_kernel(void)
{
	return test_file("Image", kernel, sizeof(kernel), sizeof(kernel));
}

/* Expects a refusal in one line that names @path and says @reason. */
static void expect_refusal(const char *path, const char *initrd, int err, const char *reason)
{
	struct boot_files files;
	const char *log;

	cr_expect_eq(boot_files_open(&files, path, initrd), err, "%s", reason);
	cr_expect_eq(files.kernel_fd, -1);
	cr_expect_eq(files.initrd_fd, -1);
	log = test_log();
	cr_expect(strstr(log, initrd ? initrd : path), "%s", log);
	cr_expect(strstr(log, reason), "%s in: %s", reason, log);
	cr_expect_eq(strchr(log, '\n'), log + strlen(log) - 1, "one line: %s", log);
}

Test(boot_files, a_kernel_and_an_initrd_open)
{
	const char *image = good_kernel();
	const char *initrd = test_file("initrd", "07070100", 8, 12345);
	struct boot_files files;

	cr_assert_eq(boot_files_open(&files, image, initrd), 0);
	cr_expect_str_eq(files.kernel_path, image);
	cr_expect_str_eq(files.initrd_path, initrd);
	cr_expect_eq(files.kernel_size, TEST_KERNEL_SIZE);
	cr_expect_eq(files.initrd_size, 12345);
	cr_expect_eq(files.kernel.kind, IMAGE_ARM64);
	cr_expect_eq(files.kernel.image_size, 0x10000);
	cr_expect_str_empty(test_log());
	boot_files_close(&files);
}

Test(boot_files, descriptors_do_not_pass_to_other_programs)
{
	struct boot_files files;

	cr_assert_eq(boot_files_open(&files, good_kernel(), test_file("initrd", "x", 1, 1)), 0);
	cr_expect(fcntl(files.kernel_fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(fcntl(files.initrd_fd, F_GETFD) & FD_CLOEXEC);
	boot_files_close(&files);
}

Test(boot_files, close_may_be_repeated)
{
	struct boot_files files;

	cr_assert_eq(boot_files_open(&files, good_kernel(), NULL), 0);
	cr_expect_eq(files.initrd_fd, -1);
	boot_files_close(&files);
	cr_expect_eq(files.kernel_fd, -1);
	boot_files_close(&files);
}

Test(boot_files, a_missing_file_is_named)
{
	expect_refusal(test_path("nowhere"), NULL, -ENOENT, "No such file");
	expect_refusal(good_kernel(), test_path("nowhere"), -ENOENT, "No such file");
}

Test(boot_files, a_directory_is_refused)
{
	expect_refusal("/tmp", NULL, -EISDIR, "directory");
	expect_refusal(good_kernel(), "/tmp", -EISDIR, "directory");
}

Test(boot_files, a_device_is_refused)
{
	expect_refusal("/dev/zero", NULL, -EINVAL, "not a regular file");
	expect_refusal(good_kernel(), "/dev/zero", -EINVAL, "not a regular file");
}

Test(boot_files, a_fifo_is_refused_and_not_waited_for)
{
	const char *fifo = test_path("fifo");

	cr_assert_eq(mkfifo(fifo, 0600), 0);
	expect_refusal(fifo, NULL, -EINVAL, "not a regular file");
}

Test(boot_files, an_empty_file_is_refused)
{
	const char *empty = test_file("empty", "", 0, 0);

	expect_refusal(empty, NULL, -ENOEXEC, "is empty; boot the arm64 Image");
	expect_refusal(good_kernel(), empty, -EINVAL, "empty");
}

Test(boot_files, another_kind_is_refused_with_a_remedy)
{
	expect_refusal(test_file("vmlinux", "\177ELF\2\1\1", 7, 4096), NULL, -ENOEXEC,
		       "is an ELF file; boot the arm64 Image");
	expect_refusal(test_file("Image.xz", "\xfd\x37zXZ\0", 6, 4096), NULL, -ENOEXEC,
		       "is an xz file; unpack it with unxz");
	expect_refusal(test_file("zeroes", "", 0, 4096), NULL, -ENOEXEC,
		       "is of no known kernel format");
}

Test(boot_files, a_file_shorter_than_the_header_is_truncated)
{
	expect_refusal(test_file("short", kernel, 63, 63), NULL, -ENOEXEC, "63 bytes");
	expect_refusal(test_file("byte", "", 0, 1), NULL, -ENOEXEC, "truncated");
}

Test(boot_files, a_kernel_of_every_shorter_size_is_refused)
{
	const char *path = good_kernel();
	struct boot_files files;
	off_t size;

	for (size = TEST_KERNEL_SIZE - 1; size >= 0; size--) {
		cr_assert_eq(truncate(path, size), 0);
		cr_expect_eq(boot_files_open(&files, path, NULL), -ENOEXEC, "%ld", (long)size);
		if (size >= 64)
			cr_expect(strstr(test_log(), "damaged: it is truncated"), "%ld",
				  (long)size);
		else
			test_log();
	}
}

Test(boot_files, a_hostile_header_is_refused)
{
	uint8_t head[64];

	test_header(head, 0x200000, 1 << 20, 0xa);
	expect_refusal(test_file("offset", head, 64, 4096), NULL, -ENOEXEC, "text_offset");
	test_header(head, 0, UINT64_MAX, 0xa);
	expect_refusal(test_file("size", head, 64, 4096), NULL, -ENOEXEC, "image_size");
	test_header(head, 0, 4095, 0xa);
	expect_refusal(test_file("longer", head, 64, 4096), NULL, -ENOEXEC, "longer");
}

Test(boot_files, a_big_endian_kernel_is_refused)
{
	uint8_t head[64];

	test_header(head, 0, 1 << 20, 0xb);
	expect_refusal(test_file("be", head, 64, 4096), NULL, -ENOEXEC,
		       "big-endian kernel; build the kernel with CONFIG_CPU_LITTLE_ENDIAN");
}
