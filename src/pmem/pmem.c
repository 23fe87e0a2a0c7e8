/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, checks, locks and maps what a pmem device is made of. */
#include "pmem/pmem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

struct pmem {
	const struct pmem_config *config;
	int fd;
	uint64_t file; /* bytes of the file */
	uint64_t size; /* of the mapping */
	uint8_t *host; /* NULL: not mapped */
};

static int refused(const struct pmem_config *config, int error, const char *why)
{
	log_error("--pmem %s: %s", config->path, why);
	return error;
}

static bool is_kind(const struct stat *st)
{
	return S_ISREG(st->st_mode) || S_ISBLK(st->st_mode);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Before it is opened: opening a pipe would wait. */
static int check_kind(const struct pmem_config *config)
{
	struct stat st;

	if (stat(config->path, &st) < 0) {
		int error = -errno;

		if (error == -ENOENT)
			return refused(config, error, "no such file; name a raw image");
		log_error("--pmem %s: cannot be looked at: %s", config->path, strerror(-error));
		return error;
	}
	return is_kind(&st) ? 0
			    : refused(config, -EINVAL,
				      "neither a file nor a block device; name a raw image");
}

static int open_failed(const struct pmem_config *config, int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return refused(config, error,
			       config->writable
				       ? "no permission to read and write it; chmod or chown it, "
					 "or leave out ,rw"
				       : "no permission to read it; chmod or chown it");
	case -EROFS:
		return refused(config, error, "can only be read; leave out ,rw");
	case -EBUSY:
		return refused(config, error, "the host uses this device; unmount it");
	case -ETXTBSY:
		return refused(config, error, "the host runs it as a program; give another");
	default:
		log_error("--pmem %s: cannot be opened: %s", config->path, strerror(-error));
		return error;
	}
}

/* O_EXCL without O_CREAT on a block device: not while it is mounted. */
static int open_file(const struct pmem_config *config)
{
	int flags = O_CLOEXEC | O_NOCTTY | (config->writable ? O_RDWR | O_EXCL : O_RDONLY);
	struct stat st;
	int fd = open(config->path, flags);

	if (fd < 0)
		return open_failed(config, -errno);
	if (fstat(fd, &st) == 0 && is_kind(&st))
		return fd;
	close(fd);
	return refused(config, -EINVAL, "changed into something else while it was opened");
}

/* As disks are locked, and against these: many may read, or one may write. */
static int lock_file(const struct pmem *pmem)
{
	struct flock lock = {
		.l_type = pmem->config->writable ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(pmem->fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return refused(pmem->config, -EBUSY,
			       pmem->config->writable
				       ? "in use by another virtual machine or tool; end that, or "
					 "leave out ,rw in both"
				       : "another virtual machine or tool writes it; end that, or "
					 "give a copy");
	log_warn("%s: cannot be locked against double use: %s; make sure that nothing else writes "
		 "it",
		 pmem->config->path, strerror(errno));
	return 0;
}

/* The end of a block device is where lseek(2) says. */
static int measure(struct pmem *pmem)
{
	off_t end = lseek(pmem->fd, 0, SEEK_END);

	if (end < 0) {
		log_error("--pmem %s: has no size: %s", pmem->config->path, strerror(errno));
		return -EINVAL;
	}
	if (!end)
		return refused(pmem->config, -EINVAL, "empty; name a raw image");
	pmem->file = (uint64_t)end;
	if (pmem->config->writable && pmem->file % PMEM_ALIGN) {
		log_error("--pmem %s: %" PRIu64 " bytes are no multiple of 2 MiB, and what is "
			  "written behind its end would be lost; truncate -s %%2M FILE, or leave "
			  "out ,rw",
			  pmem->config->path, pmem->file);
		return -EINVAL;
	}
	return align_up(pmem->file, PMEM_ALIGN, &pmem->size) && pmem->size < INT64_MAX - PMEM_ALIGN
		       ? 0
		       : refused(pmem->config, -EFBIG, "too large to be mapped");
}

/* ---- the mapping ----------------------------------------------------------------------------- */

/*
 * Anonymous memory that can only be read, at a multiple of PMEM_ALIGN so that stage 2 can have huge
 * pages; the file goes over it, and what is left is the zeroes behind the file's end.
 */
static int reserve(struct pmem *pmem)
{
	uint64_t span = pmem->size + PMEM_ALIGN, skip;
	uint8_t *at =
		mmap(NULL, span, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -errno;
	skip = -(uintptr_t)at & (PMEM_ALIGN - 1);
	if (skip)
		munmap(at, skip);
	munmap(at + skip + pmem->size, span - skip - pmem->size);
	pmem->host = at + skip;
	return 0;
}

static int map_file(struct pmem *pmem)
{
	int prot = PROT_READ | (pmem->config->writable ? PROT_WRITE : 0);
	int ret = reserve(pmem);

	if (ret == 0 &&
	    mmap(pmem->host, pmem->file, prot, MAP_SHARED | MAP_FIXED, pmem->fd, 0) == MAP_FAILED)
		ret = -errno;
	if (ret < 0)
		log_error("--pmem %s: cannot be mapped: %s; put it on another file system, or use "
			  "--disk",
			  pmem->config->path, strerror(-ret));
	return ret;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int open_checked(struct pmem *pmem)
{
	int ret = check_kind(pmem->config);

	if (ret < 0)
		return ret;
	pmem->fd = open_file(pmem->config);
	if (pmem->fd < 0)
		return pmem->fd;
	ret = lock_file(pmem);
	if (ret == 0)
		ret = measure(pmem);
	return ret < 0 ? ret : map_file(pmem);
}

int pmem_open(const struct pmem_config *config, struct pmem **out)
{
	struct pmem *pmem = calloc(1, sizeof(*pmem));
	int ret;

	if (!pmem)
		return refused(config, -ENOMEM, "no memory");
	pmem->config = config;
	pmem->fd = -1;
	ret = open_checked(pmem);
	if (ret < 0) {
		pmem_close(pmem);
		return ret;
	}
	*out = pmem;
	return 0;
}

void pmem_close(struct pmem *pmem)
{
	if (!pmem)
		return;
	if (pmem->host)
		munmap(pmem->host, pmem->size);
	if (pmem->fd >= 0)
		close(pmem->fd);
	free(pmem);
}

const struct pmem_config *pmem_config(const struct pmem *pmem)
{
	return pmem->config;
}

void *pmem_host(const struct pmem *pmem)
{
	return pmem->host;
}

uint64_t pmem_size(const struct pmem *pmem)
{
	return pmem->size;
}

/* Data, and what of metadata finds it again: blocks that were holes are. */
int pmem_flush(struct pmem *pmem)
{
	return fdatasync(pmem->fd) < 0 ? -errno : 0;
}
