/* SPDX-License-Identifier: Apache-2.0 */
/* What a disk's file can do and likes, as the kernel says it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "disk_internal.h"
#include "host.h"

#define SECTOR	  512u
#define MAX_BLOCK 4096u /* what guests' drivers take; Linux takes no more than its page */

/* Of one request. Zeroes may have to be written where the file system has no better. */
#define MAX_DISCARD (1u << 30)
#define MAX_ZEROES  (64u << 20)

static uint32_t block_uint(int fd, unsigned long what)
{
	unsigned int val = 0;

	return blk_ioctl(fd, what, &val) < 0 ? 0 : val;
}

int disk_measure(int fd, const struct stat *st, uint64_t *size)
{
	if (!S_ISBLK(st->st_mode)) {
		*size = (uint64_t)st->st_size;
		return 0;
	}
	return blk_ioctl(fd, BLKGETSIZE64, size) < 0 ? -errno : 0;
}

#define QUEUE_TEXT 32u

/* A word from a device's queue folder in sysfs, a partition's from its parent's; else "". */
static void queue_text(dev_t dev, const char *name, char text[static QUEUE_TEXT])
{
	static const char *const folders[] = { "queue", "../queue" };
	char path[128];

	for (unsigned int i = 0; i < ARRAY_SIZE(folders); i++) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(dev), minor(dev),
			 folders[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, text, QUEUE_TEXT - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		return;
	}
	text[0] = '\0';
}

static uint64_t queue_number(dev_t dev, const char *name)
{
	char text[QUEUE_TEXT];

	queue_text(dev, name, text);
	return strtoull(text, NULL, 10);
}

/* The kernel sends no flush to such a device, since it keeps nothing that power could take. */
static bool has_no_cache(dev_t dev)
{
	char text[QUEUE_TEXT];

	queue_text(dev, "write_cache", text);
	return strcmp(text, "write through\n") == 0;
}

/* The kernel splits what is larger, but not while it must not wait; pages bound it as well. */
static uint32_t max_transfer(dev_t dev)
{
	uint64_t size = queue_number(dev, "max_sectors_kb") * KIB;
	uint64_t segments = queue_number(dev, "max_segments") * MAX_BLOCK;

	if (!size || (segments && segments < size))
		size = segments;
	return (uint32_t)(size < MAX_DISCARD ? align_down(size, MAX_BLOCK) : 0);
}

static void probe_device(struct disk *disk, const struct stat *st)
{
	struct disk_limits *limits = &disk->limits;
	unsigned short rotational = 0;

	if (disk->config->direct) {
		disk->max_transfer = max_transfer(st->st_rdev);
		limits->durable = has_no_cache(st->st_rdev);
	}
	limits->logical_block = block_uint(disk->fd, BLKSSZGET);
	limits->physical_block = block_uint(disk->fd, BLKPBSZGET);
	limits->io_min = block_uint(disk->fd, BLKIOMIN);
	limits->io_opt = block_uint(disk->fd, BLKIOOPT);
	if (blk_ioctl(disk->fd, BLKROTATIONAL, &rotational) == 0)
		limits->rotational = rotational;
	limits->discard_granularity = (uint32_t)queue_number(st->st_rdev, "discard_granularity");
	if (!queue_number(st->st_rdev, "discard_max_bytes"))
		disk_learn_lack(disk, DISK_NO_DISCARD);
	if (!queue_number(st->st_rdev, "write_zeroes_max_bytes"))
		disk_learn_lack(disk, DISK_NO_PUNCH);
}

/* A hole behind the end of the file changes nothing, and says if there could be others. */
static void probe_file(struct disk *disk, const struct stat *st)
{
	struct disk_limits *limits = &disk->limits;
	off_t end = (off_t)((uint64_t)st->st_size / MAX_BLOCK + 1) * MAX_BLOCK;

	limits->physical_block = (uint32_t)st->st_blksize;
	limits->discard_granularity = (uint32_t)st->st_blksize;
	disk_learn_lack(disk, DISK_NO_DISCARD);
	if (disk->config->read_only)
		return;
	if (fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end, MAX_BLOCK) < 0)
		disk_learn_lack(disk, DISK_NO_PUNCH);
}

static int no_direct(const struct disk *disk)
{
	log_error("--disk %s: its file system refuses direct I/O; use cached", disk->config->path);
	return -EINVAL;
}

/* The smallest piece that can be read, where the kernel does not say it. */
static int try_direct(const struct disk *disk, uint32_t *align)
{
	void *buf = aligned_alloc(MAX_BLOCK, MAX_BLOCK);
	ssize_t n = -1;

	if (!buf)
		return -ENOMEM;
	for (*align = SECTOR; *align <= MAX_BLOCK; *align *= 2) {
		n = pread(disk->fd, buf, *align, 0);
		if (n >= 0 || errno != EINVAL)
			break;
	}
	free(buf);
	return n < 0 ? no_direct(disk) : 0;
}

static int probe_direct(struct disk *disk)
{
	struct disk_limits *limits = &disk->limits;
	uint32_t memory = 0, offset = 0;
	int ret = disk_dio_align(disk->fd, &memory, &offset);

	if (ret == -EINVAL)
		return no_direct(disk);
	if (ret == -ENODATA) {
		ret = try_direct(disk, &offset);
		memory = offset;
	}
	if (ret < 0)
		return ret;
	limits->dma_alignment = memory;
	if (offset > limits->logical_block)
		limits->logical_block = offset;
	return 0;
}

static int choose_block(struct disk *disk)
{
	struct disk_limits *limits = &disk->limits;
	const struct disk_config *config = disk->config;
	uint32_t least = limits->logical_block;

	if (least > MAX_BLOCK) {
		log_error("--disk %s: its blocks have %u bytes, and guests take at most %u; %s",
			  config->path, least, MAX_BLOCK,
			  disk->block_device ? "use another device" : "use cached");
		return -EINVAL;
	}
	if (config->block_size && config->block_size < least &&
	    (config->direct || disk->block_device)) {
		log_error("--disk %s: block-size=%u is less than the %u bytes that the %s takes; "
			  "use block-size=%u",
			  config->path, config->block_size, least,
			  disk->block_device ? "device" : "file system's direct I/O", least);
		return -EINVAL;
	}
	if (config->block_size)
		limits->logical_block = config->block_size;
	return 0;
}

int disk_probe(struct disk *disk, const struct stat *st)
{
	struct disk_limits *limits = &disk->limits;
	int ret = 0;

	*limits = (struct disk_limits){ .dma_alignment = 1, .read_only = disk->config->read_only };
	if (disk->block_device)
		probe_device(disk, st);
	else
		probe_file(disk, st);
	if (!limits->logical_block)
		limits->logical_block = SECTOR;
	if (disk->config->direct)
		ret = probe_direct(disk);
	if (ret == 0)
		ret = choose_block(disk);
	if (ret < 0)
		return ret;
	if (limits->physical_block < limits->logical_block)
		limits->physical_block = limits->logical_block;
	if (limits->discard_granularity < limits->logical_block)
		limits->discard_granularity = limits->logical_block;
	limits->write_zeroes = !limits->read_only;
	limits->max_write_zeroes = limits->write_zeroes ? MAX_ZEROES : 0;
	limits->discard = disk->config->discard && !limits->read_only &&
			  !(disk_lacks(disk, DISK_NO_DISCARD) && disk_lacks(disk, DISK_NO_PUNCH));
	limits->max_discard = limits->discard ? MAX_DISCARD : 0;
	return 0;
}
