/* SPDX-License-Identifier: Apache-2.0 */
#include "backing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"

/* Host and guest addresses agree modulo this, so that stage 2 can map huge pages. */
#define HUGE_PAGE (2 * MIB)

#define POPULATE_STEP (256 * MIB) /* between two looks at the clock */

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define MPOL_BIND 2 /* linux/mempolicy.h */

uint64_t backing_page(const struct gmem_backing *backing)
{
	return backing->huge == GMEM_HUGE_POOL ? backing->huge_size
					       : (uint64_t)sysconf(_SC_PAGESIZE);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int create_memfd(const struct gmem_backing *backing)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd;

	if (backing->huge == GMEM_HUGE_POOL)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(backing->huge_size)
					       << MFD_HUGE_SHIFT;
	fd = memfd_create("guest-ram", flags | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("guest-ram", flags);
	return fd < 0 ? -errno : fd;
}

/* A memfd of @size bytes that nobody can shrink under us: a hole would be SIGBUS. */
static int open_memfd(const struct gmem_backing *backing, uint64_t size)
{
	int fd = create_memfd(backing), err;

	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* ---- a mapping ------------------------------------------------------------------------------- */

/* Pages of a pool are reserved by the mapping: without that, one that is not there is SIGBUS. */
static int map_flags(const struct gmem_backing *backing)
{
	int flags = MAP_FIXED;

	flags |= backing->private ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	if (backing->huge != GMEM_HUGE_POOL)
		flags |= MAP_NORESERVE;
	return flags;
}

/*
 * Maps the region at an address that agrees with its base modulo the huge page size: reserves that
 * much more, maps inside, gives the ends back.
 */
static int map_aligned(const struct gmem_backing *backing, struct gmem_region *region)
{
	uint64_t align = region->page > HUGE_PAGE ? region->page : HUGE_PAGE;
	uint64_t span = region->size + align;
	uint8_t *reserved, *host;
	uint64_t skip;

	reserved = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return -errno;
	skip = (region->base - (uintptr_t)reserved) & (align - 1);
	host = mmap(reserved + skip, region->size, PROT_READ | PROT_WRITE, map_flags(backing),
		    region->fd, 0);
	if (host == MAP_FAILED) {
		int err = -errno;

		munmap(reserved, span);
		return err;
	}
	if (skip)
		munmap(reserved, skip);
	munmap(host + region->size, span - skip - region->size);
	region->host = host;
	return 0;
}

/* ---- what it is like ------------------------------------------------------------------------- */

/* mbind(2), of which no C library has a wrapper. */
static int bind_node(const struct gmem_region *region, unsigned int node)
{
	unsigned long mask[(GMEM_MAX_NODE + 1) / (8 * sizeof(unsigned long))] = { 0 };

	mask[node / (8 * sizeof(mask[0]))] |= 1ul << node % (8 * sizeof(mask[0]));
	return syscall(SYS_mbind, region->host, region->size, MPOL_BIND, mask, 8 * sizeof(mask) + 1,
		       0) < 0
		       ? -errno
		       : 0;
}

/* Transparent huge pages are a wish: not every host grants them to a memfd. */
static int advise(const struct gmem_backing *backing, struct gmem_region *region)
{
	region->collapse = backing->huge == GMEM_HUGE_WISH || backing->huge == GMEM_HUGE_THP;
	if (region->collapse)
		madvise(region->host, region->size, MADV_HUGEPAGE);
	else if (backing->huge == GMEM_HUGE_OFF)
		madvise(region->host, region->size, MADV_NOHUGEPAGE);
	if (backing->merge && madvise(region->host, region->size, MADV_MERGEABLE) < 0)
		return -errno;
	return backing->bind ? bind_node(region, backing->node) : 0;
}

/* ---- taken at once --------------------------------------------------------------------------- */

/* What Linux before 5.14 has: a file's pages by allocation, others by a write that changes none. */
static int populate_slowly(const struct gmem_region *region, uint64_t from, uint64_t len)
{
	if (region->fd >= 0)
		return fallocate(region->fd, 0, (off_t)from, (off_t)len) < 0 ? -errno : 0;
	for (uint64_t at = from; at < from + len; at += region->page)
		__atomic_fetch_or(region->host + at, 0, __ATOMIC_RELAXED);
	return 0;
}

int backing_populate(const struct gmem_region *region, uint64_t from, uint64_t len)
{
	if (madvise(region->host + from, len, MADV_POPULATE_WRITE) == 0)
		return 0;
	return errno == EINVAL ? populate_slowly(region, from, len) : -errno;
}

static int populate_all(const struct gmem_region *region)
{
	uint64_t step = region->page > POPULATE_STEP ? region->page : POPULATE_STEP;
	time_t said = time(NULL);
	int ret = 0;

	for (uint64_t at = 0; ret == 0 && at < region->size; at += step) {
		uint64_t len = region->size - at < step ? region->size - at : step;

		ret = backing_populate(region, at, len);
		if (time(NULL) == said)
			continue;
		said = time(NULL);
		log_info("guest memory: %" PRIu64 " of %" PRIu64 " MiB taken", (at + len) / MIB,
			 region->size / MIB);
	}
	return ret;
}

/* A node's pages of a pool are not reserved for us: who finds none left later is ended by SIGBUS.
 */
static bool takes_all(const struct gmem_backing *backing)
{
	return backing->prealloc || (backing->bind && backing->huge == GMEM_HUGE_POOL);
}

int backing_map(const struct gmem_backing *backing, struct gmem_region *region)
{
	int ret;

	region->fd = -1;
	if (!backing->private) {
		region->fd = open_memfd(backing, region->size);
		if (region->fd < 0)
			return region->fd;
	}
	ret = map_aligned(backing, region);
	if (ret == 0) {
		ret = advise(backing, region);
		if (ret == 0 && takes_all(backing))
			ret = populate_all(region);
		if (ret < 0)
			munmap(region->host, region->size);
	}
	if (ret < 0 && region->fd >= 0)
		close(region->fd);
	return ret;
}
