/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages are in the balloon; whole pages of the host go back to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "balloon_internal.h"
#include "base/log.h"
#include "base/util.h"

/* ---- life ------------------------------------------------------------------------------------ */

static int init_region(const struct gmem_region *of, struct vballoon_region *region)
{
	uint64_t nr = of->size >> VBALLOON_PAGE_SHIFT;

	region->parts_each = (uint32_t)(of->page >> VBALLOON_PAGE_SHIFT);
	region->in = calloc((size_t)(nr / 64 + 1), sizeof(region->in[0]));
	if (!region->in)
		return -ENOMEM;
	if (region->parts_each == 1)
		return 0;
	region->parts = calloc((size_t)(of->size / of->page), sizeof(region->parts[0]));
	return region->parts ? 0 : -ENOMEM;
}

int vballoon_pages_init(struct vballoon_pages *pages, const struct gmem *mem)
{
	int ret = 0;

	pages->mem = mem;
	for (unsigned int i = 0; ret == 0 && i < mem->nr_regions; i++)
		ret = init_region(&mem->regions[i], &pages->regions[i]);
	if (ret < 0)
		vballoon_pages_fini(pages);
	return ret;
}

void vballoon_pages_fini(struct vballoon_pages *pages)
{
	for (unsigned int i = 0; i < GMEM_MAX_REGIONS; i++) {
		free(pages->regions[i].in);
		free(pages->regions[i].parts);
		pages->regions[i] = (struct vballoon_region){ 0 };
	}
}

/* ---- one page -------------------------------------------------------------------------------- */

/* A page of 4 KiB in RAM: the number of its region, and its own in that. */
struct place {
	unsigned int region;
	uint64_t index;
};

static bool find(const struct vballoon_pages *pages, uint32_t pfn, struct place *place)
{
	gpa_t gpa = (gpa_t)pfn << VBALLOON_PAGE_SHIFT;

	if (!gmem_slice(pages->mem, gpa, VBALLOON_PAGE))
		return false;
	for (place->region = 0;; place->region++) {
		const struct gmem_region *region = &pages->mem->regions[place->region];

		if (gpa < region->base || gpa - region->base >= region->size)
			continue;
		place->index = (gpa - region->base) >> VBALLOON_PAGE_SHIFT;
		return true;
	}
}

/* Puts it in or takes it out; false where that changes nothing. */
static bool mark(struct vballoon_region *region, uint64_t index, bool in)
{
	uint64_t *word = &region->in[index / 64], bit = BIT64(index % 64);

	if (!(*word & bit) == !in)
		return false;
	*word ^= bit;
	return true;
}

/* True: by this part, all of its host page are in, or were until now. */
static bool count_part(struct vballoon_region *region, uint64_t index, bool in)
{
	uint32_t *parts;

	if (!region->parts)
		return true;
	parts = &region->parts[index / region->parts_each];
	if (in)
		return ++*parts == region->parts_each;
	return (*parts)-- == region->parts_each;
}

/* ---- pages of the host ----------------------------------------------------------------------- */

/* Pages of the host in a row, in one region. */
struct run {
	unsigned int region;
	uint64_t from, len; /* bytes */
};

typedef void run_fn(struct vballoon_pages *pages, const struct run *run);

static void failed(struct vballoon_pages *pages, const char *what, int64_t error)
{
	static struct log_limit limit = { .burst = 1 };

	vballoon_count(&pages->errors, 1);
	log_limited(&limit, LOG_LEVEL_WARN, "balloon: the host does not %s: %s", what,
		    strerror((int)-error));
}

static void give_back(struct vballoon_pages *pages, const struct run *run)
{
	const struct gmem_region *region = &pages->mem->regions[run->region];
	int64_t given = gmem_discard(pages->mem, region->host + run->from, run->len);

	if (given < 0)
		failed(pages, "take memory back", given);
	else
		vballoon_count(&pages->given_back, (uint64_t)given);
}

/* Other memory comes back by itself. A pool may be empty by now: better known here than by SIGBUS.
 */
static void take(struct vballoon_pages *pages, const struct run *run)
{
	const struct gmem_region *region = &pages->mem->regions[run->region];
	int ret;

	if (!pages->regions[run->region].parts)
		return;
	ret = gmem_take(pages->mem, region->base + run->from, run->len);
	if (ret < 0)
		failed(pages, "give memory of its pool again; see --memory hugepages=", ret);
}

/* The host page of @place goes to the end of @run, or that is done with and begun anew. */
static void add_to_run(struct vballoon_pages *pages, struct run *run, const struct place *place,
		       run_fn *done)
{
	uint64_t page = pages->mem->regions[place->region].page;
	uint64_t from = align_down(place->index << VBALLOON_PAGE_SHIFT, page);

	if (run->len && run->region == place->region && run->from + run->len == from) {
		run->len += page;
		return;
	}
	if (run->len)
		done(pages, run);
	*run = (struct run){ place->region, from, page };
}

/* ---- batches --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorted, since drivers often give pages in falling order, and a call to the host costs more. */
static void move(struct vballoon_pages *pages, uint32_t *pfns, unsigned int nr, bool in,
		 run_fn *done)
{
	struct run run = { 0 };
	struct place place;

	qsort(pfns, nr, sizeof(pfns[0]), by_number);
	for (unsigned int i = 0; i < nr; i++) {
		if (!find(pages, pfns[i], &place)) {
			vballoon_count(&pages->bad, 1);
			continue;
		}
		if (!mark(&pages->regions[place.region], place.index, in)) {
			vballoon_count(&pages->twice, 1);
			continue;
		}
		vballoon_count(&pages->inflated, in ? VBALLOON_PAGE : -(uint64_t)VBALLOON_PAGE);
		if (count_part(&pages->regions[place.region], place.index, in))
			add_to_run(pages, &run, &place, done);
	}
	if (run.len)
		done(pages, &run);
}

void vballoon_pages_inflate(struct vballoon_pages *pages, uint32_t *pfns, unsigned int nr)
{
	move(pages, pfns, nr, true, give_back);
}

void vballoon_pages_deflate(struct vballoon_pages *pages, uint32_t *pfns, unsigned int nr)
{
	move(pages, pfns, nr, false, take);
}

static void empty_region(struct vballoon_pages *pages, unsigned int index)
{
	const struct gmem_region *of = &pages->mem->regions[index];
	struct vballoon_region *region = &pages->regions[index];
	uint64_t nr = of->size / of->page;

	for (uint64_t i = 0; region->parts && i < nr; i++) {
		const struct run run = { index, i * of->page, of->page };

		if (region->parts[i] == region->parts_each)
			take(pages, &run);
		region->parts[i] = 0;
	}
	memset(region->in, 0,
	       (size_t)((of->size >> VBALLOON_PAGE_SHIFT) / 64 + 1) * sizeof(region->in[0]));
}

void vballoon_pages_empty(struct vballoon_pages *pages)
{
	if (!atomic_load(&pages->inflated))
		return;
	for (unsigned int i = 0; i < pages->mem->nr_regions; i++)
		empty_region(pages, i);
	atomic_store(&pages->inflated, 0);
}
