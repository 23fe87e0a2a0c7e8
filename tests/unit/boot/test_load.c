/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "boot/load.h"
#include "boot_test.h"

#define RAM	    0x40000000ull
#define INITRD_SIZE (3 * MIB + 17)

static uint8_t kernel[TEST_KERNEL_SIZE];
static uint8_t *initrd;
static struct boot_files files;
static struct boot_map map;
static struct gmem mem;

/* What the reads below do in place of the host's: 0 and false leave them alone. */
static size_t most_bytes;
static bool interrupt_next;
static unsigned int nr_reads;

/* Stands before libc's, so that a test can make reads short and interrupted. */
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct iovec first = iov[0];

	nr_reads++;
	if (interrupt_next) {
		interrupt_next = false;
		errno = EINTR;
		return -1;
	}
	if (most_bytes) {
		interrupt_next = true;
		count = 1;
		iov = &first;
		if (first.iov_len > most_bytes)
			first.iov_len = most_bytes;
	}
	return syscall(SYS_preadv, fd, iov, count, offset, 0);
}

static void setup(void)
{
	const char *image, *disk;
	size_t i;

	test_dir_init();
	test_log_keep();
	test_kernel(kernel);
	initrd = malloc(INITRD_SIZE);
	cr_assert_not_null(initrd);
	for (i = 0; i < INITRD_SIZE; i++)
		initrd[i] = (uint8_t)(1 + i % 253);
	image = test_file("Image", kernel, sizeof(kernel), sizeof(kernel));
	disk = test_file("initrd", initrd, INITRD_SIZE, INITRD_SIZE);
	cr_assert_eq(boot_files_open(&files, image, disk), 0);
	cr_assert_eq(boot_plan(&files, RAM, 16 * MIB, &map), 0);
	gmem_init(&mem);
}

static void teardown(void)
{
	gmem_fini(&mem);
	boot_files_close(&files);
	free(initrd);
	test_dir_fini();
}

TestSuite(boot_load, .init = setup, .fini = teardown);

static void expect_bytes(gpa_t gpa, const uint8_t *bytes, uint64_t len)
{
	uint8_t *copy = malloc(len);

	cr_assert_not_null(copy);
	cr_assert_eq(gmem_read(&mem, gpa, copy, len), 0);
	cr_expect(!memcmp(copy, bytes, len), "at %#llx", (unsigned long long)gpa);
	free(copy);
}

static void expect_zeroes(gpa_t from, gpa_t to)
{
	uint8_t *zeroes = calloc(1, to - from);

	cr_assert_not_null(zeroes);
	expect_bytes(from, zeroes, to - from);
	free(zeroes);
}

static void expect_loaded(void)
{
	expect_bytes(map.kernel_base, kernel, sizeof(kernel));
	expect_zeroes(map.kernel_base + sizeof(kernel), map.initrd_base);
	expect_bytes(map.initrd_base, initrd, INITRD_SIZE);
	expect_zeroes(map.end, RAM + 16 * MIB);
}

Test(boot_load, the_files_arrive_whole_and_touch_nothing_else)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_loaded();
	cr_expect_str_empty(test_log());
}

Test(boot_load, a_file_takes_one_read)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	nr_reads = 0;
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	cr_expect_eq(nr_reads, 2);
}

Test(boot_load, short_and_interrupted_reads_go_on)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	most_bytes = 65521;
	interrupt_next = true;
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_loaded();
}

Test(boot_load, files_may_run_over_regions_that_touch)
{
	const uint64_t cut = map.initrd_base - RAM + 2 * MIB;

	cr_assert_eq(gmem_add(&mem, RAM, 0x2000), 0);
	cr_assert_eq(gmem_add(&mem, RAM + 0x2000, cut - 0x2000), 0);
	cr_assert_eq(gmem_add(&mem, RAM + cut, 16 * MIB - cut), 0);
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_loaded();
}

Test(boot_load, may_be_repeated)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	cr_assert_eq(gmem_zero(&mem, RAM, 16 * MIB), 0);
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_loaded();
}

Test(boot_load, without_initrd_only_the_kernel_is_read)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	map.initrd_size = 0;
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_bytes(map.kernel_base, kernel, sizeof(kernel));
	expect_zeroes(map.kernel_base + sizeof(kernel), RAM + 16 * MIB);
}

Test(boot_load, a_file_that_became_shorter_is_an_error)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	cr_assert_eq(truncate(files.initrd_path, 4096), 0);
	cr_expect_eq(boot_load(&files, &map, &mem), -EIO);
	cr_expect(strstr(test_log(), files.initrd_path));
	cr_assert_eq(truncate(files.kernel_path, 0), 0);
	cr_expect_eq(boot_load(&files, &map, &mem), -EIO);
	cr_expect(strstr(test_log(), files.kernel_path));
}

Test(boot_load, a_file_that_became_longer_is_read_as_planned)
{
	int fd;

	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	fd = open(files.kernel_path, O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, initrd, MIB), (ssize_t)MIB);
	close(fd);
	most_bytes = 5000;
	cr_assert_eq(boot_load(&files, &map, &mem), 0);
	expect_loaded();
}

Test(boot_load, a_map_beyond_memory_is_an_error)
{
	cr_assert_eq(gmem_add(&mem, RAM, 7 * MIB), 0);
	cr_expect_eq(boot_load(&files, &map, &mem), -EFAULT);
	cr_expect(strstr(test_log(), files.initrd_path));
}

Test(boot_load, a_read_that_fails_is_an_error)
{
	cr_assert_eq(gmem_add(&mem, RAM, 16 * MIB), 0);
	cr_assert_eq(close(files.initrd_fd), 0);
	files.initrd_fd = open("/tmp", O_RDONLY | O_CLOEXEC);
	cr_expect_eq(boot_load(&files, &map, &mem), -EISDIR);
	cr_expect(strstr(test_log(), files.initrd_path));
}
