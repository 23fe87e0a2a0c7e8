/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/block and its tests: the system calls that move data, so that a test can make
 * each of them fail. All give what the call does, or -errno.
 */
#ifndef ARCVISOR_SRC_BLOCK_HOST_H
#define ARCVISOR_SRC_BLOCK_HOST_H

#include <stdint.h>
#include <sys/uio.h>

struct blk_host {
	int64_t (*preadv2)(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			   int flags);
	int64_t (*pwritev2)(int fd, const struct iovec *iov, unsigned int nr, uint64_t offset,
			    int flags);
	int64_t (*fallocate)(int fd, int mode, uint64_t offset, uint64_t len);
	int64_t (*fdatasync)(int fd);
	int64_t (*discard)(int fd, uint64_t offset, uint64_t len); /* BLKDISCARD */
	/* io_uring_enter(2) */
	int64_t (*enter)(int fd, unsigned int submit, unsigned int wait, unsigned int flags,
			 const void *arg, uint64_t size);
	uint64_t (*now)(void); /* CLOCK_MONOTONIC in nanoseconds */
};

extern const struct blk_host blk_host;

/* ioctl(2) without a C library's opinion of the request's type; 0 or more, or -1 and errno. */
int blk_ioctl(int fd, unsigned long request, void *arg);

#endif
