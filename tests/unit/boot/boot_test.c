/* SPDX-License-Identifier: Apache-2.0 */
/* What the boot tests share. */
#include "boot_test.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_PATHS 32

static char folder[32];
static char paths[MAX_PATHS][128];
static int nr_paths;
static int log_fd;

static void put16(uint8_t *to, uint16_t val)
{
	val = htole16(val);
	memcpy(to, &val, sizeof(val));
}

static void put32(uint8_t *to, uint32_t val)
{
	val = htole32(val);
	memcpy(to, &val, sizeof(val));
}

static void put64(uint8_t *to, uint64_t val)
{
	val = htole64(val);
	memcpy(to, &val, sizeof(val));
}

void test_header(uint8_t *head, uint64_t text_offset, uint64_t image_size, uint64_t flags)
{
	memset(head, 0, 64);
	put32(head, 0x14000010); /* b .+64 */
	put64(head + 8, text_offset);
	put64(head + 16, image_size);
	put64(head + 24, flags);
	memcpy(head + 56, "ARM\x64", 4);
}

void test_pe_header(uint8_t *head, uint32_t pe, uint32_t data, uint32_t data_end)
{
	uint8_t *sections = head + pe + 24 + 0xa0;

	memcpy(head, "MZ", 2);
	put32(head + 60, pe);
	memset(head + pe, 0, 0x108);
	memcpy(head + pe, "PE\0\0", 4);
	put16(head + pe + 6, 2);
	put16(head + pe + 20, 0xa0);
	memcpy(sections, ".text", 5);
	put32(sections + 16, data - 0x1000);
	put32(sections + 20, 0x1000);
	memcpy(sections + 40, ".data", 5);
	put32(sections + 56, data_end - data);
	put32(sections + 60, data);
}

void test_kernel(uint8_t kernel[static TEST_KERNEL_SIZE])
{
	size_t i;

	for (i = 0; i < TEST_KERNEL_SIZE; i++)
		kernel[i] = (uint8_t)(1 + i % 251);
	test_header(kernel, 0, 0x10000, 0xa);
	test_pe_header(kernel, 0x40, 0x2000, TEST_KERNEL_SIZE);
}

void test_dir_init(void)
{
	strcpy(folder, "/tmp/arcvisor-boot-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

void test_dir_fini(void)
{
	while (nr_paths)
		unlink(paths[--nr_paths]);
	cr_assert_eq(rmdir(folder), 0);
}

const char *test_path(const char *name)
{
	char path[sizeof(paths[0])];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (int i = 0; i < nr_paths; i++)
		if (!strcmp(paths[i], path))
			return paths[i];
	cr_assert_lt(nr_paths, MAX_PATHS);
	strcpy(paths[nr_paths], path);
	return paths[nr_paths++];
}

const char *test_file(const char *name, const void *bytes, size_t len, uint64_t size)
{
	const char *path = test_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	close(fd);
	return path;
}

void test_log_keep(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert_geq(log_fd, 0);
	cr_assert_geq(dup2(log_fd, STDERR_FILENO), 0);
}

const char *test_log(void)
{
	static char text[4096];
	ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(len, 0);
	text[len] = '\0';
	cr_assert_eq(ftruncate(log_fd, 0), 0);
	cr_assert_eq(lseek(log_fd, 0, SEEK_SET), 0);
	return text;
}
