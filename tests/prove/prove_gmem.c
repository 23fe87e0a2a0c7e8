/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gmem_slice() and gmem_translate(), for every map of up to three regions of up to 1 TiB, every
 * address and every length: what they give lies in one region, all of it, and is as far from the
 * region's start as the address is.
 */
#include "../../src/mem/gmem.c"

#include <stdlib.h>

#include "prove.h"

#define REGIONS 3
#define LARGEST BIT64(40)

/* Any map that gmem_add() can have made: by rising base, apart, none wraps. */
static void any_map(struct gmem *mem)
{
	mem->nr_regions = nondet_uint();
	__CPROVER_assume(mem->nr_regions <= REGIONS);
	for (unsigned int i = 0; i < REGIONS; i++) {
		struct gmem_region *region = &mem->regions[i];

		region->base = nondet_u64();
		region->size = nondet_u64();
		__CPROVER_assume(region->size && region->size <= UINT64_MAX - region->base);
		__CPROVER_assume(region->size <= LARGEST);
		region->host = malloc(region->size); /* bytes that CBMC guards */
		__CPROVER_assume(region->host);
		__CPROVER_assume(i == 0 || region[-1].base + region[-1].size <= region->base);
	}
}

void prove_slice(void)
{
	struct gmem mem;
	gpa_t gpa = nondet_u64();
	uint64_t len = nondet_u64();
	const uint8_t *host;
	bool inside = false;

	any_map(&mem);
	host = gmem_slice(&mem, gpa, len);
	for (unsigned int i = 0; i < REGIONS; i++) {
		const struct gmem_region *region = &mem.regions[i];
		bool holds = i < mem.nr_regions && len && gpa >= region->base &&
			     gpa - region->base < region->size &&
			     len <= region->size - (gpa - region->base);

		if (holds && host)
			__CPROVER_assert(host == region->host + (gpa - region->base), "its place");
		inside |= holds;
	}
	__CPROVER_assert(!host || inside, "nothing outside");
}

void prove_translate(void)
{
	struct gmem mem;
	gpa_t gpa = nondet_u64();
	uint64_t limit = nondet_u64();
	const void *host;
	bool ram = false;

	any_map(&mem);
	host = gmem_translate(&mem, gpa, &limit);
	for (unsigned int i = 0; i < REGIONS; i++) {
		const struct gmem_region *region = &mem.regions[i];

		if (i >= mem.nr_regions || gpa < region->base || gpa - region->base >= region->size)
			continue;
		ram = true;
		__CPROVER_assert(limit == region->size - (gpa - region->base), "up to the end");
	}
	__CPROVER_assert(ram ? limit > 0 : !limit && !host, "no limit where there is no RAM");
}
