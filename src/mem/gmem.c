/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of guest memory, and the way from a guest address to host bytes. */
#include "mem/gmem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

/* Host and guest addresses agree modulo this, so that stage 2 can map huge pages. */
#define HUGE_PAGE (2 * MIB)

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

void gmem_init(struct gmem *mem)
{
	*mem = (struct gmem){ 0 };
}

void gmem_fini(struct gmem *mem)
{
	for (unsigned int i = 0; i < mem->nr_regions; i++) {
		munmap(mem->regions[i].host, mem->regions[i].size);
		close(mem->regions[i].fd);
	}
	mem->nr_regions = 0;
}

/* A memfd of @size bytes that nobody can shrink under us: a hole would be SIGBUS. */
static int open_memfd(uint64_t size)
{
	int fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	int err;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/*
 * Maps @fd at an address that agrees with @base modulo the huge page size: reserves that much
 * more, maps inside, gives the ends back.
 */
static int map_aligned(int fd, gpa_t base, uint64_t size, uint8_t **out)
{
	uint64_t span = size + HUGE_PAGE;
	uint8_t *reserved, *host;
	uint64_t skip;

	reserved = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return -errno;
	skip = (base - (uintptr_t)reserved) & (HUGE_PAGE - 1);
	host = mmap(reserved + skip, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
	if (host == MAP_FAILED) {
		int err = -errno;

		munmap(reserved, span);
		return err;
	}
	if (skip)
		munmap(reserved, skip);
	munmap(host + size, span - skip - size);
	madvise(host, size, MADV_HUGEPAGE); /* a wish: not every host grants it to a memfd */
	*out = host;
	return 0;
}

static int check_region(const struct gmem *mem, gpa_t base, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!size || (base | size) & (page - 1) || base + size < base ||
	    size > (uint64_t)INT64_MAX - HUGE_PAGE)
		return -EINVAL;
	if (mem->nr_regions == GMEM_MAX_REGIONS)
		return -ENOSPC;
	for (unsigned int i = 0; i < mem->nr_regions; i++)
		if (ranges_overlap(base, size, mem->regions[i].base, mem->regions[i].size))
			return -EEXIST;
	return 0;
}

static void insert_region(struct gmem *mem, const struct gmem_region *region)
{
	unsigned int i = mem->nr_regions++;

	for (; i > 0 && mem->regions[i - 1].base > region->base; i--)
		mem->regions[i] = mem->regions[i - 1];
	mem->regions[i] = *region;
}

int gmem_add(struct gmem *mem, gpa_t base, uint64_t size)
{
	struct gmem_region region = { .base = base, .size = size };
	int ret = check_region(mem, base, size);

	if (ret < 0)
		return ret;
	region.fd = open_memfd(size);
	if (region.fd < 0)
		return region.fd;
	ret = map_aligned(region.fd, base, size, &region.host);
	if (ret < 0) {
		close(region.fd);
		return ret;
	}
	insert_region(mem, &region);
	return 0;
}

uint64_t gmem_size(const struct gmem *mem)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < mem->nr_regions; i++)
		sum += mem->regions[i].size;
	return sum;
}

void *gmem_translate(const struct gmem *mem, gpa_t gpa, uint64_t *limit)
{
	for (unsigned int i = 0; i < mem->nr_regions; i++) {
		const struct gmem_region *region = &mem->regions[i];

		if (gpa >= region->base && gpa - region->base < region->size) {
			*limit = region->size - (gpa - region->base);
			return region->host + (gpa - region->base);
		}
	}
	*limit = 0;
	return NULL;
}

void *gmem_slice(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	uint64_t limit;
	void *host = gmem_translate(mem, gpa, &limit);

	return len && len <= limit ? host : NULL;
}

/* A block without any page is refused, so it is given one. One that fails keeps none from it. */
static void collapse_block(uint8_t *block)
{
	__atomic_fetch_or(block, 0, __ATOMIC_RELAXED); /* a write that changes nothing */
	madvise(block, HUGE_PAGE, MADV_COLLAPSE);
}

void gmem_want_huge(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	uint8_t *host = gmem_slice(mem, gpa, len);
	uint64_t lead = -gpa & (HUGE_PAGE - 1); /* to the first block that is all inside */

	if (!host || sysconf(_SC_PAGESIZE) != 4096)
		return; /* with larger pages a huge page is 32 MiB and more: too much to take */
	for (; lead <= len && HUGE_PAGE <= len - lead; lead += HUGE_PAGE)
		collapse_block(host + lead);
}
