/* SPDX-License-Identifier: Apache-2.0 */
/* The real system calls behind struct blk_host. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int blk_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

static int64_t result(int64_t ret)
{
	return ret < 0 ? -errno : ret;
}

static int64_t host_preadv2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			    int flags)
{
	return result(preadv2(fd, iov, (int)nr, (off_t)offset, flags));
}

static int64_t host_pwritev2(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			     int flags)
{
	return result(pwritev2(fd, iov, (int)nr, (off_t)offset, flags));
}

static int64_t host_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	return result(fallocate(fd, mode, (off_t)offset, (off_t)len));
}

static int64_t host_fdatasync(int fd)
{
	return result(fdatasync(fd));
}

static int64_t host_discard(int fd, uint64_t offset, uint64_t len)
{
	uint64_t range[2] = { offset, len };

	return result(blk_ioctl(fd, BLKDISCARD, range));
}

static int64_t host_enter(int fd, unsigned int submit, unsigned int wait, unsigned int flags,
			  const void *arg, uint64_t size)
{
	return result(syscall(SYS_io_uring_enter, fd, submit, wait, flags, arg, size));
}

static uint64_t host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const struct blk_host blk_host = {
	.preadv2 = host_preadv2,
	.pwritev2 = host_pwritev2,
	.fallocate = host_fallocate,
	.fdatasync = host_fdatasync,
	.discard = host_discard,
	.enter = host_enter,
	.now = host_now,
};
