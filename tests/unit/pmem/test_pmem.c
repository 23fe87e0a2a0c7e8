/* SPDX-License-Identifier: Apache-2.0 */
/* What is opened and how it is mapped, and what is refused with which line. */
#include "pmem/pmem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

static char path[64];
static struct pmem_config config;
static struct pmem *pmem;
static int fd;

static void init(void)
{
	snprintf(path, sizeof(path), "/tmp/pmem.%d", (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	config = (struct pmem_config){ .path = path, .id = "pmem0" };
}

static void fini(void)
{
	pmem_close(pmem);
	close(fd);
	unlink(path);
}

TestSuite(pmem, .init = init, .fini = fini);

static void fill(off_t size)
{
	cr_assert_eq(ftruncate(fd, size), 0);
	cr_assert_eq(pwrite(fd, "begin", 5, 0), 5);
	cr_assert_eq(pwrite(fd, "end", 3, size - 3), 3);
}

static void assert_refused(int error, const char *why)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO), ret;
	char line[1024];
	ssize_t n;

	dup2(log, STDERR_FILENO);
	ret = pmem_open(&config, &pmem);
	dup2(saved, STDERR_FILENO);
	n = pread(log, line, sizeof(line) - 1, 0);
	cr_assert_geq(n, 0);
	line[n] = '\0';
	close(log);
	close(saved);
	cr_assert_eq(ret, error, "%d", ret);
	cr_assert_not_null(strstr(line, why), "\"%s\" is not in: %s", why, line);
	cr_assert_not_null(strstr(line, config.path), "%s", line);
	cr_assert_str_eq(strchr(line, '\n'), "\n", "more than one line: %s", line);
}

/* Zeroes follow the file's end: of its last page, and beyond that. */
Test(pmem, a_file_that_is_read)
{
	const size_t size = 3 * MIB + 5;
	const uint8_t *host;

	fill((off_t)size);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	cr_expect_eq(pmem_config(pmem), &config);
	cr_expect_eq(pmem_size(pmem), 4 * MIB);
	host = pmem_host(pmem);
	cr_expect_eq((uintptr_t)host % PMEM_ALIGN, 0);
	cr_expect_arr_eq(host, "begin", 5);
	cr_expect_arr_eq(host + size - 3, "end", 3);
	for (size_t i = size; i < 4 * MIB; i++)
		cr_assert_eq(host[i], 0);
	cr_expect_eq(pmem_flush(pmem), 0);
}

/* It is the host's page cache, not a copy. */
Test(pmem, what_others_write_is_seen)
{
	fill(2 * MIB);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	cr_assert_eq(pwrite(fd, "other", 5, 4096), 5);
	cr_expect_arr_eq((const uint8_t *)pmem_host(pmem) + 4096, "other", 5);
}

/* In a process of its own, without a sanitizer's handler. */
static void expect_not_writable(size_t offset)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		((volatile uint8_t *)pmem_host(pmem))[offset] = 1;
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* Nor the zeroes behind it. */
Test(pmem, a_file_that_is_read_cannot_be_written)
{
	fill(1 * MIB);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	expect_not_writable(0);
	expect_not_writable(1 * MIB - 1);
	expect_not_writable(2 * MIB - 1);
}

Test(pmem, a_file_that_is_written)
{
	char buf[5];

	fill(4 * MIB);
	config.writable = true;
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	cr_expect_eq(pmem_size(pmem), 4 * MIB);
	memcpy((uint8_t *)pmem_host(pmem) + 4 * MIB - 5, "wrote", 5);
	cr_expect_eq(pmem_flush(pmem), 0);
	cr_assert_eq(pread(fd, buf, 5, 4 * MIB - 5), 5);
	cr_expect_arr_eq(buf, "wrote", 5);
}

Test(pmem, a_small_file_is_enough_to_be_read)
{
	fill(5);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	cr_expect_eq(pmem_size(pmem), 2 * MIB);
}

/* As disks do, and against them. */
Test(pmem, many_read_or_one_writes)
{
	struct pmem *second;

	fill(2 * MIB);
	cr_assert_eq(pmem_open(&config, &second), 0);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
	pmem_close(pmem);
	pmem = NULL;
	config.writable = true;
	assert_refused(-EBUSY, "in use by another virtual machine or tool");
	pmem_close(second);
	cr_assert_eq(pmem_open(&config, &second), 0);
	config.writable = false;
	assert_refused(-EBUSY, "another virtual machine or tool writes it");
	pmem_close(second);
	cr_assert_eq(pmem_open(&config, &pmem), 0);
}

Test(pmem, sizes_that_are_refused)
{
	assert_refused(-EINVAL, "empty; name a raw image");
	fill(2 * MIB + 4096);
	config.writable = true;
	assert_refused(-EINVAL, "2101248 bytes are no multiple of 2 MiB");
}

Test(pmem, what_is_no_image_is_refused)
{
	static const struct {
		const char *path, *why;
		int error;
	} cases[] = {
		{ "/nowhere", "no such file", -ENOENT },
		{ "/tmp", "neither a file nor a block device", -EINVAL },
		{ "/dev/null", "neither a file nor a block device", -EINVAL },
		{ "/dev/null/a", "cannot be looked at: Not a directory", -ENOTDIR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		config.path = cases[i].path;
		assert_refused(cases[i].error, cases[i].why);
	}
}

Test(pmem, permissions)
{
	if (geteuid() == 0)
		cr_skip_test("root may read and write everything");
	fill(2 * MIB);
	cr_assert_eq(chmod(path, 0400), 0);
	config.writable = true;
	assert_refused(-EACCES, "no permission to read and write it; chmod or chown it, or leave "
				"out ,rw");
	cr_assert_eq(chmod(path, 0), 0);
	config.writable = false;
	assert_refused(-EACCES, "no permission to read it; chmod or chown it");
}

/* A file of procfs cannot be mapped, nor of many other kinds. */
Test(pmem, what_cannot_be_mapped_is_refused)
{
	config.path = "/proc/self/status";
	cr_assert_lt(pmem_open(&config, &pmem), 0);
	pmem = NULL;
}
