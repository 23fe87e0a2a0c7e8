/* SPDX-License-Identifier: Apache-2.0 */
/* What is opened, and what is refused with which line. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"

/* Opens the rig's disk; what was logged meanwhile goes to @log. */
static int open_logged(struct rig *rig, char *log, size_t size)
{
	int memory = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	ssize_t n;
	int ret;

	cr_assert_eq(dup2(memory, STDERR_FILENO), STDERR_FILENO);
	ret = disk_open(&rig->config, &rig->disk);
	cr_assert_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	n = pread(memory, log, size - 1, 0);
	cr_assert_geq(n, 0);
	log[n] = '\0';
	close(memory);
	close(saved);
	return ret;
}

static void assert_refused(struct rig *rig, int error, const char *why)
{
	char log[1024];

	cr_assert_eq(open_logged(rig, log, sizeof(log)), error);
	cr_assert_not_null(strstr(log, why), "\"%s\" is not in: %s", why, log);
	cr_assert_not_null(strstr(log, rig->config.path), "no path in: %s", log);
	cr_assert_str_eq(strchr(log, '\n'), "\n", "more than one line: %s", log);
}

Test(disk, opens_a_file)
{
	struct rig rig;
	char log[64];

	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(open_logged(&rig, log, sizeof(log)), 0);
	cr_assert_str_empty(log);
	cr_assert_eq(disk_size(rig.disk), RIG_SIZE);
	cr_assert_eq(disk_limits(rig.disk)->logical_block, 512);
	cr_assert_geq(disk_limits(rig.disk)->physical_block, 512);
	cr_assert_eq(disk_limits(rig.disk)->dma_alignment, 1);
	cr_assert(disk_write_back(rig.disk));
	disk_set_write_back(rig.disk, false);
	cr_assert_not(disk_write_back(rig.disk));
	cr_assert_eq(disk_config(rig.disk), &rig.config);
	rig_fini(&rig);
}

Test(disk, opens_directly)
{
	struct rig rig;
	int flags;

	rig_init(&rig, RIG_SIZE);
	rig_use_direct(&rig);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	flags = fcntl(disk_fd(rig.disk), F_GETFL);
	cr_assert(flags & O_DIRECT);
	cr_assert_geq(disk_limits(rig.disk)->dma_alignment, 1);
	rig_fini(&rig);
}

Test(disk, missing)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.path = "/tmp/arcvisor-not-there";
	assert_refused(&rig, -ENOENT, "no such file; make one with: truncate");
	rig_fini(&rig);
}

Test(disk, folder)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.path = "/tmp";
	assert_refused(&rig, -EISDIR, "is a directory; give a raw image or a block device");
	rig_fini(&rig);
}

Test(disk, neither_file_nor_device)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.path = "/dev/null";
	assert_refused(&rig, -EINVAL, "neither a file nor a block device");
	rig_fini(&rig);
}

Test(disk, no_permission)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(chmod(rig.path, 0400), 0);
	if (geteuid() == 0)
		cr_assert_eq(fchown(rig.fd, 65534, 65534), 0);
	if (geteuid() == 0 && seteuid(12345) < 0)
		cr_skip_test("cannot become another user");
	assert_refused(&rig, -EACCES, "no permission");
	if (geteuid() == 12345)
		cr_assert_eq(seteuid(0), 0);
	rig_fini(&rig);
}

Test(disk, empty)
{
	struct rig rig;

	rig_init(&rig, 0);
	assert_refused(&rig, -EINVAL, "empty; give it a size");
	rig_fini(&rig);
}

Test(disk, not_whole_blocks)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE + 100);
	assert_refused(&rig, -EINVAL, "1048676 bytes are no multiple of its blocks of 512");
	cr_assert_eq(ftruncate(rig.fd, RIG_SIZE + 512), 0);
	rig.config.block_size = 4096;
	assert_refused(&rig, -EINVAL, "or block-size=512");
	rig_fini(&rig);
}

Test(disk, in_use)
{
	struct disk_config other;
	struct disk *first;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	other = rig.config;
	cr_assert_eq(disk_open(&other, &first), 0);
	assert_refused(&rig, -EBUSY, "in use by another virtual machine");
	rig.config.read_only = true;
	assert_refused(&rig, -EBUSY, "in use by another virtual machine");
	disk_close(first);
	rig_fini(&rig);
}

Test(disk, readers_share)
{
	struct disk_config other;
	struct disk *first;
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.read_only = true;
	other = rig.config;
	cr_assert_eq(disk_open(&other, &first), 0);
	cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
	disk_close(first);
	rig_fini(&rig);
}

Test(disk, the_lock_ends_with_the_disk)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(disk_open(&rig.config, &rig.disk), 0);
		disk_close(rig.disk);
	}
	rig.disk = NULL;
	rig_fini(&rig);
}

Test(disk, qcow2_is_warned_of_and_served_raw)
{
	char log[1024];
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	cr_assert_eq(pwrite(rig.fd, "QFI\xfb\0\0\0\3", 8, 0), 8);
	cr_assert_eq(open_logged(&rig, log, sizeof(log)), 0);
	cr_assert_not_null(strstr(log, "warning: "));
	cr_assert_not_null(strstr(log, "begins as a qcow2 image does"));
	cr_assert_eq(disk_size(rig.disk), RIG_SIZE);
	rig_fini(&rig);
}

Test(disk, no_direct_io)
{
	struct rig rig;

	rig_init(&rig, RIG_SIZE);
	rig.config.path = "/proc/self/cmdline";
	rig.config.direct = true;
	rig.config.read_only = true;
	assert_refused(&rig, -EINVAL, "its file system refuses direct I/O; use cached");
	rig_fini(&rig);
}
