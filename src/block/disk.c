/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, checks and locks what a disk is made of. */
#include "block/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "disk_internal.h"

#define HEAD_SIZE      4096u
#define LOCK_TRIES     20u
#define LOCK_MOMENT_NS 10000000

static int refused(const struct disk_config *config, int error, const char *why)
{
	log_error("--disk %s: %s", config->path, why);
	return error;
}

/* Before the file is opened: opening a pipe would wait, a terminal would become ours. */
static int check_kind(const struct disk_config *config)
{
	struct stat st;

	if (stat(config->path, &st) < 0) {
		int error = -errno;

		if (error == -ENOENT)
			return refused(config, error,
				       "no such file; make one with: truncate -s 10G FILE");
		if (error == -EACCES)
			return refused(config, error,
				       "no permission to look into its folder; ask its owner");
		log_error("--disk %s: cannot be looked at: %s", config->path, strerror(-error));
		return error;
	}
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return refused(config, -EISDIR,
			       "is a directory; give a raw image or a block device");
	return refused(config, -EINVAL,
		       "neither a file nor a block device; give a raw image or a block device");
}

static int open_failed(const struct disk_config *config, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return refused(config, error,
			       config->read_only
				       ? "no permission to read it; chmod or chown it"
				       : "no permission to read and write it; chmod or chown it, "
					 "or add ,ro");
	case -EROFS:
		return refused(config, error, "can only be read; add ,ro");
	case -EINVAL:
		if (config->direct)
			return refused(config, error,
				       "its file system refuses direct I/O; use cached");
		break;
	case -EBUSY:
		return refused(config, error,
			       "the host uses this device (mounted, swap, RAID); unmount it, or "
			       "add ,ro");
	case -ETXTBSY:
		return refused(config, error, "the host runs it as a program; give another");
	default:
		break;
	}
	log_error("--disk %s: cannot be opened: %s", config->path, strerror(-error));
	return error;
}

/* O_EXCL without O_CREAT on a block device: not while it is mounted. */
static int open_file(const struct disk_config *config, struct stat *st)
{
	int flags = O_CLOEXEC | O_NOCTTY | (config->read_only ? O_RDONLY : O_RDWR | O_EXCL) |
		    (config->direct ? O_DIRECT : 0);
	int fd = open(config->path, flags);

	if (fd < 0)
		return open_failed(config, -errno);
	if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode)))
		return fd;
	close(fd);
	return refused(config, -EINVAL, "changed into something else while it was opened");
}

/* OFD: tied to this opening of the file, not to the process. QEMU locks bytes of the same range. */
static int set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/*
 * A ring that was killed with its process lets go of its files a moment after the process is gone,
 * and tells nobody: whoever starts a machine anew at once is not turned away.
 */
static int try_lock(int fd, short type)
{
	const struct timespec moment = { .tv_nsec = LOCK_MOMENT_NS };
	int ret = set_lock(fd, type);

	for (unsigned int i = 0; i < LOCK_TRIES && ret == -EAGAIN; i++) {
		nanosleep(&moment, NULL);
		ret = set_lock(fd, type);
	}
	return ret;
}

static int lock_file(const struct disk_config *config, int fd)
{
	int ret = try_lock(fd, config->read_only ? F_RDLCK : F_WRLCK);

	if (ret == 0)
		return 0;
	if (ret == -EAGAIN || ret == -EACCES)
		return refused(config, -EBUSY,
			       "in use by another virtual machine or tool; end that, or open it "
			       "with ,ro in both");
	log_warn("%s: cannot be locked against double use: %s; make sure that nothing else "
		 "writes it",
		 config->path, strerror(-ret));
	return 0;
}

/* By its magic and never further: the bytes are the guest's. */
static int check_head(const struct disk_config *config, int fd)
{
	unsigned char *head = aligned_alloc(HEAD_SIZE, HEAD_SIZE);
	ssize_t n = -1;
	int ret = 0;

	if (!head)
		return refused(config, -ENOMEM, "no memory");
	do {
		n = pread(fd, head, HEAD_SIZE, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		ret = -errno;
		if (ret == -EINVAL && config->direct)
			refused(config, ret, "its file system refuses direct I/O; use cached");
		else
			log_error("--disk %s: cannot be read: %s", config->path, strerror(-ret));
	} else if (n >= 4 && memcmp(head, "QFI\xfb", 4) == 0) {
		log_warn("%s: begins as a qcow2 image does, and is served as the raw bytes it is; "
			 "if that is not meant: qemu-img convert -O raw %s NEW",
			 config->path, config->path);
	}
	free(head);
	return ret;
}

static int check_size(const struct disk *disk, uint64_t size)
{
	uint32_t block = disk->limits.logical_block;

	if (!size)
		return refused(disk->config, -EINVAL,
			       "empty; give it a size with: truncate -s 10G FILE");
	if (size % block) {
		log_error("--disk %s: %" PRIu64 " bytes are no multiple of its blocks of %u; use "
			  "truncate -s %%%u FILE%s",
			  disk->config->path, size, block, block,
			  block > 512 && size % 512 == 0 && !disk->config->direct
				  ? ", or block-size=512"
				  : "");
		return -EINVAL;
	}
	return 0;
}

static int open_checked(const struct disk_config *config, struct disk *disk)
{
	struct stat st;
	uint64_t size;
	int ret = check_kind(config);

	if (ret < 0)
		return ret;
	disk->fd = open_file(config, &st);
	if (disk->fd < 0)
		return disk->fd;
	disk->block_device = S_ISBLK(st.st_mode);
	ret = lock_file(config, disk->fd);
	if (ret == 0)
		ret = check_head(config, disk->fd);
	if (ret == 0)
		ret = disk_probe(disk, &st);
	if (ret == 0) {
		ret = disk_measure(disk->fd, &st, &size);
		if (ret < 0)
			log_error("--disk %s: has no size: %s", config->path, strerror(-ret));
	}
	if (ret == 0)
		ret = check_size(disk, size);
	if (ret == 0)
		atomic_init(&disk->size, size);
	else
		close(disk->fd);
	return ret;
}

int disk_open(const struct disk_config *config, struct disk **out)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	int ret;

	if (!disk)
		return refused(config, -ENOMEM, "no memory");
	disk->config = config;
	atomic_init(&disk->write_back, true);
	rate_limit_init(&disk->bytes, config->bytes.rate, config->bytes.burst);
	rate_limit_init(&disk->ops, config->ops.rate, config->ops.burst);
	ret = open_checked(config, disk);
	if (ret < 0) {
		free(disk);
		return ret;
	}
	*out = disk;
	return 0;
}

void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	/* A ring that is still being torn down may hold the file: closing alone would not do. */
	set_lock(disk->fd, F_UNLCK);
	close(disk->fd);
	free(disk);
}

const struct disk_config *disk_config(const struct disk *disk)
{
	return disk->config;
}

const struct disk_limits *disk_limits(const struct disk *disk)
{
	return &disk->limits;
}

int disk_fd(const struct disk *disk)
{
	return disk->fd;
}

uint64_t disk_size(const struct disk *disk)
{
	return atomic_load_explicit(&disk->size, memory_order_relaxed);
}

int disk_resize(struct disk *disk)
{
	struct stat st;
	uint64_t size;
	int ret;

	if (fstat(disk->fd, &st) < 0)
		return -errno;
	ret = disk_measure(disk->fd, &st, &size);
	if (ret < 0)
		return ret;
	atomic_store_explicit(&disk->size, align_down(size, disk->limits.logical_block),
			      memory_order_relaxed);
	return 0;
}

void disk_set_write_back(struct disk *disk, bool on)
{
	atomic_store_explicit(&disk->write_back, on, memory_order_relaxed);
}

bool disk_write_back(const struct disk *disk)
{
	return !disk->limits.durable &&
	       atomic_load_explicit(&disk->write_back, memory_order_relaxed);
}
