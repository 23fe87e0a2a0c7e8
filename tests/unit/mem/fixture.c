/* SPDX-License-Identifier: Apache-2.0 */
/* Builds and checks the memory that the tests share. */
#include "fixture.h"

#include <criterion/criterion.h>
#include <unistd.h>

struct gmem mem;
uint64_t page;
gpa_t low, mid, high;
gpa_t hole;

uint8_t fixture_byte(gpa_t gpa)
{
	return (uint8_t)(1 + gpa % 251);
}

void fixture_empty(void)
{
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	gmem_init(&mem);
}

void fixture_init(void)
{
	fixture_empty();
	low = FIXTURE_BASE;
	mid = low + 2 * page;
	hole = mid + page;
	high = hole + page;
	cr_assert_eq(gmem_add(&mem, low, 2 * page), 0);
	cr_assert_eq(gmem_add(&mem, mid, page), 0);
	cr_assert_eq(gmem_add(&mem, high, page), 0);
	for (unsigned int i = 0; i < mem.nr_regions; i++)
		for (uint64_t at = 0; at < mem.regions[i].size; at++)
			mem.regions[i].host[at] = fixture_byte(mem.regions[i].base + at);
}

void fixture_fini(void)
{
	gmem_fini(&mem);
}

void fixture_expect_untouched(void)
{
	for (unsigned int i = 0; i < mem.nr_regions; i++)
		for (uint64_t at = 0; at < mem.regions[i].size; at++)
			cr_assert_eq(mem.regions[i].host[at],
				     fixture_byte(mem.regions[i].base + at));
}
