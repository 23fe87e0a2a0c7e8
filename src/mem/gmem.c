/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of guest memory, and the way from a guest address to host bytes. */
#include "mem/gmem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backing.h"
#include "base/util.h"

#define HUGE_PAGE (2 * MIB)

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
		if (mem->regions[i].fd >= 0)
			close(mem->regions[i].fd);
	}
	mem->nr_regions = 0;
}

static int check_region(const struct gmem *mem, gpa_t base, uint64_t size, uint64_t page)
{
	if (!size || (base | size) & (page - 1) || base + size < base ||
	    size > (uint64_t)INT64_MAX - BACKING_MAX_ALIGN)
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

int gmem_add_backed(struct gmem *mem, gpa_t base, uint64_t size, const struct gmem_backing *backing)
{
	struct gmem_region region = { .base = base, .size = size, .fd = -1 };
	int ret;

	region.page = backing_page(backing);
	ret = check_region(mem, base, size, region.page);
	if (ret == 0)
		ret = backing_map(backing, &region);
	if (ret < 0)
		return ret;
	insert_region(mem, &region);
	return 0;
}

int gmem_add(struct gmem *mem, gpa_t base, uint64_t size)
{
	static const struct gmem_backing plain = { .huge = GMEM_HUGE_WISH };

	return gmem_add_backed(mem, base, size, &plain);
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

/* @host is in one of them. */
static const struct gmem_region *region_of(const struct gmem *mem, const void *host)
{
	const struct gmem_region *region = mem->regions;

	while ((uintptr_t)host - (uintptr_t)region->host >= region->size)
		region++;
	return region;
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

	if (!host || !region_of(mem, host)->collapse || sysconf(_SC_PAGESIZE) != 4096)
		return; /* with larger pages a huge page is 32 MiB and more: too much to take */
	for (; lead <= len && HUGE_PAGE <= len - lead; lead += HUGE_PAGE)
		collapse_block(host + lead);
}

/* ---- taken and given back -------------------------------------------------------------------- */

/* All in one region. */
static int64_t discard_in(const struct gmem_region *region, uint64_t at, uint64_t len)
{
	uint64_t end = align_down(at + len, region->page), from;
	int ret;

	if (!align_up(at, region->page, &from) || from >= end)
		return 0;
	if (region->fd >= 0)
		ret = fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
				(off_t)(end - from));
	else
		ret = madvise(region->host + from, end - from, MADV_DONTNEED);
	return ret < 0 ? -errno : (int64_t)(end - from);
}

/* Regions that touch in the guest may do so here too, and one entry be of both: gmem_join(). */
int64_t gmem_discard(const struct gmem *mem, const void *host, uint64_t len)
{
	const uint8_t *at = host;
	int64_t sum = 0;

	while (len) {
		const struct gmem_region *region = region_of(mem, at);
		uint64_t offset = (uint64_t)(at - region->host);
		uint64_t here = len < region->size - offset ? len : region->size - offset;
		int64_t given = discard_in(region, offset, here);

		if (given < 0)
			return given;
		sum += given;
		at += here;
		len -= here;
	}
	return sum;
}

int gmem_take(const struct gmem *mem, gpa_t gpa, uint64_t len)
{
	const uint8_t *host = gmem_slice(mem, gpa, len);
	const struct gmem_region *region;
	uint64_t from, end;

	if (!host)
		return -EFAULT;
	region = region_of(mem, host);
	from = align_down((uint64_t)(host - region->host), region->page);
	if (!align_up((uint64_t)(host - region->host) + len, region->page, &end))
		return -EFAULT;
	return backing_populate(region, from, end - from);
}
