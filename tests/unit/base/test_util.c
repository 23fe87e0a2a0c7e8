/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and ranges at the edges of 64 bits. */
#include "base/util.h"

#include <criterion/criterion.h>

Test(util, align_down_keeps_multiples)
{
	cr_assert_eq(align_down(0, 4096), 0);
	cr_assert_eq(align_down(4095, 4096), 0);
	cr_assert_eq(align_down(4096, 4096), 4096);
	cr_assert_eq(align_down(UINT64_MAX, 4096), UINT64_MAX - 4095);
}

Test(util, align_up_rounds_to_the_next_multiple)
{
	uint64_t out;

	cr_assert(align_up(0, 4096, &out));
	cr_assert_eq(out, 0);
	cr_assert(align_up(1, 4096, &out));
	cr_assert_eq(out, 4096);
	cr_assert(align_up(4096, 4096, &out));
	cr_assert_eq(out, 4096);
	cr_assert(align_up(UINT64_MAX, 1, &out));
	cr_assert_eq(out, UINT64_MAX);
}

Test(util, align_up_refuses_what_does_not_fit)
{
	uint64_t out = 7;

	cr_assert(align_up(UINT64_MAX - 4095, 4096, &out));
	cr_assert_eq(out, UINT64_MAX - 4095);
	cr_assert_not(align_up(UINT64_MAX - 4094, 4096, &out));
	cr_assert_not(align_up(UINT64_MAX, 4096, &out));
	cr_assert_eq(out, UINT64_MAX - 4095, "a failure wrote a result");
}

Test(util, range_within_takes_both_ends)
{
	cr_assert(range_within(100, 10, 100, 10));
	cr_assert(range_within(105, 5, 100, 10));
	cr_assert(range_within(110, 0, 100, 10));
	cr_assert_not(range_within(99, 10, 100, 10));
	cr_assert_not(range_within(101, 10, 100, 10));
	cr_assert_not(range_within(111, 0, 100, 10));
}

Test(util, range_within_does_not_wrap)
{
	cr_assert_not(range_within(101, UINT64_MAX, 100, 10));
	cr_assert_not(range_within(UINT64_MAX, 2, UINT64_MAX - 1, 2));
	cr_assert(range_within(UINT64_MAX, 1, UINT64_MAX - 1, 2));
}

Test(util, ranges_overlap_if_they_share_a_byte)
{
	cr_assert(ranges_overlap(100, 10, 109, 1));
	cr_assert(ranges_overlap(109, 1, 100, 10));
	cr_assert(ranges_overlap(100, 10, 103, 2));
	cr_assert(ranges_overlap(103, 2, 100, 10));
	cr_assert(ranges_overlap(100, 10, 100, 10));
}

Test(util, ranges_that_touch_do_not_overlap)
{
	cr_assert_not(ranges_overlap(100, 10, 110, 1));
	cr_assert_not(ranges_overlap(110, 1, 100, 10));
}

Test(util, an_empty_range_overlaps_nothing)
{
	cr_assert_not(ranges_overlap(105, 0, 100, 10));
	cr_assert_not(ranges_overlap(100, 10, 105, 0));
}
