/* SPDX-License-Identifier: Apache-2.0 */
/* Copies in and out of guest memory: whole or not at all. */
#include "mem/gmem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static uint8_t *buf; /* 8 pages */

static void setup(void)
{
	fixture_init();
	buf = malloc(8 * page);
	cr_assert_not_null(buf);
	memset(buf, 0, 8 * page);
}

static void teardown(void)
{
	free(buf);
	fixture_fini();
}

TestSuite(gmem_copy, .init = setup, .fini = teardown);

Test(gmem_copy, reads_within_a_region)
{
	cr_assert_eq(gmem_read(&mem, low + 9, buf, 100), 0);
	for (unsigned int i = 0; i < 100; i++)
		cr_assert_eq(buf[i], fixture_byte(low + 9 + i));
	cr_assert_eq(buf[100], 0);
}

Test(gmem_copy, reads_across_regions_that_touch)
{
	cr_assert_eq(gmem_read(&mem, low + 1, buf, 3 * page - 1), 0);
	for (uint64_t i = 0; i < 3 * page - 1; i++)
		cr_assert_eq(buf[i], fixture_byte(low + 1 + i));
	cr_assert_eq(buf[3 * page - 1], 0);
}

Test(gmem_copy, writes_across_regions_that_touch)
{
	for (uint64_t i = 0; i < 20; i++)
		buf[i] = (uint8_t)(0xe0 + i);
	cr_assert_eq(gmem_write(&mem, mid - 10, buf, 20), 0);
	cr_assert_eq(memcmp(mem.regions[0].host + 2 * page - 10, buf, 10), 0);
	cr_assert_eq(memcmp(mem.regions[1].host, buf + 10, 10), 0);
	cr_assert_eq(mem.regions[0].host[2 * page - 11], fixture_byte(mid - 11));
	cr_assert_eq(mem.regions[1].host[10], fixture_byte(mid + 10));
}

Test(gmem_copy, zeroes_across_regions_that_touch)
{
	static const uint8_t zero[20];

	cr_assert_eq(gmem_zero(&mem, mid - 10, 20), 0);
	cr_assert_eq(memcmp(mem.regions[0].host + 2 * page - 10, zero, 10), 0);
	cr_assert_eq(memcmp(mem.regions[1].host, zero, 10), 0);
	cr_assert_eq(mem.regions[0].host[2 * page - 11], fixture_byte(mid - 11));
	cr_assert_eq(mem.regions[1].host[10], fixture_byte(mid + 10));
}

Test(gmem_copy, takes_regions_to_their_last_byte)
{
	cr_assert_eq(gmem_read(&mem, high, buf, page), 0);
	cr_assert_eq(gmem_write(&mem, high + page - 1, "x", 1), 0);
	cr_assert_eq(mem.regions[2].host[page - 1], 'x');
}

/* Ranges of which some byte is not RAM; in most of them the first bytes are. */
static const struct {
	int64_t from; /* pages from the base of the map */
	int64_t plus; /* bytes from there */
	uint64_t pages;
	uint64_t bytes;
} bad[] = {
	{ 3, 0, 0, 1 },			 /* in the hole */
	{ 0, 0, 3, 1 },			 /* into the hole */
	{ 2, 0, 3, 0 },			 /* over the hole into RAM again */
	{ 3, 4, 1, 0 },			 /* out of the hole into RAM */
	{ 4, 0, 1, 1 },			 /* over the last end */
	{ 0, -1, 0, 2 },		 /* from below the first base */
	{ 0, 0, 0, UINT64_MAX },	 /* ends before it begins */
	{ 1, 0, 0, 0 - UINT64_C(4096) }, /* wraps to its own region */
	{ 4, 8, 0, UINT64_MAX - 7 },	 /* as large as there can be */
};

#define NR_BAD (sizeof(bad) / sizeof(bad[0]))

static gpa_t bad_gpa(size_t i)
{
	return low + (uint64_t)bad[i].from * page + (uint64_t)bad[i].plus;
}

static uint64_t bad_len(size_t i)
{
	return bad[i].pages * page + bad[i].bytes;
}

Test(gmem_copy, reads_nothing_unless_all_of_it_is_ram)
{
	for (size_t i = 0; i < NR_BAD; i++) {
		cr_assert_eq(gmem_read(&mem, bad_gpa(i), buf, bad_len(i)), -EFAULT, "case %zu", i);
		for (uint64_t at = 0; at < 8 * page; at++)
			cr_assert_eq(buf[at], 0, "case %zu", i);
	}
}

Test(gmem_copy, writes_nothing_unless_all_of_it_is_ram)
{
	for (size_t i = 0; i < NR_BAD; i++) {
		cr_assert_eq(gmem_write(&mem, bad_gpa(i), buf, bad_len(i)), -EFAULT, "case %zu", i);
		fixture_expect_untouched();
	}
}

Test(gmem_copy, zeroes_nothing_unless_all_of_it_is_ram)
{
	for (size_t i = 0; i < NR_BAD; i++) {
		cr_assert_eq(gmem_zero(&mem, bad_gpa(i), bad_len(i)), -EFAULT, "case %zu", i);
		fixture_expect_untouched();
	}
}

Test(gmem_copy, of_nothing_succeeds_anywhere)
{
	cr_assert_eq(gmem_read(&mem, low, NULL, 0), 0);
	cr_assert_eq(gmem_read(&mem, hole, NULL, 0), 0);
	cr_assert_eq(gmem_write(&mem, UINT64_MAX, NULL, 0), 0);
	cr_assert_eq(gmem_zero(&mem, 0, 0), 0);
	fixture_expect_untouched();
}

Test(gmem_copy, moves_typed_objects_whole)
{
	struct {
		uint64_t a;
		uint32_t b[3];
		uint32_t c;
	} in = { 1, { 2, 3, 4 }, 5 }, out = { 0 };

	cr_assert_eq(gmem_write_obj(&mem, mid - 9, &in), 0);
	cr_assert_eq(gmem_read_obj(&mem, mid - 9, &out), 0);
	cr_assert_eq(memcmp(&in, &out, sizeof(in)), 0);
	cr_assert_eq(gmem_read_obj(&mem, hole - sizeof(out) + 1, &out), -EFAULT);
}
