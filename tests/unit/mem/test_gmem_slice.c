/* SPDX-License-Identifier: Apache-2.0 */
/* From a guest address to host bytes: the edges of regions, holes, and of 64 bits. */
#include "mem/gmem.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

TestSuite(gmem_slice, .init = fixture_init, .fini = fixture_fini);

Test(gmem_slice, translate_says_how_many_bytes_follow)
{
	uint64_t limit;

	cr_assert_eq(gmem_translate(&mem, low, &limit), mem.regions[0].host);
	cr_assert_eq(limit, 2 * page);
	cr_assert_eq(gmem_translate(&mem, low + 5, &limit), mem.regions[0].host + 5);
	cr_assert_eq(limit, 2 * page - 5);
	cr_assert_eq(gmem_translate(&mem, mid - 1, &limit), mem.regions[0].host + 2 * page - 1);
	cr_assert_eq(limit, 1);
	cr_assert_eq(gmem_translate(&mem, mid, &limit), mem.regions[1].host);
	cr_assert_eq(limit, page);
}

Test(gmem_slice, translate_finds_no_byte_outside_ram)
{
	const gpa_t outside[] = { 0, low - 1, hole, high - 1, high + page, UINT64_MAX };

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		uint64_t limit = 99;

		cr_assert_null(gmem_translate(&mem, outside[i], &limit));
		cr_assert_eq(limit, 0);
	}
}

Test(gmem_slice, gives_what_lies_in_one_region)
{
	cr_assert_eq(gmem_slice(&mem, low, 2 * page), mem.regions[0].host);
	cr_assert_eq(gmem_slice(&mem, low + 7, 2 * page - 7), mem.regions[0].host + 7);
	cr_assert_eq(gmem_slice(&mem, high + page - 1, 1), mem.regions[2].host + page - 1);
}

Test(gmem_slice, refuses_one_byte_over_the_end)
{
	cr_assert_null(gmem_slice(&mem, high, page + 1));
	cr_assert_null(gmem_slice(&mem, high + page - 1, 2));
	cr_assert_null(gmem_slice(&mem, low - 1, 2));
}

/* Two regions that touch are two pieces of host memory. */
Test(gmem_slice, refuses_what_spans_regions)
{
	cr_assert_null(gmem_slice(&mem, low, 2 * page + 1));
	cr_assert_null(gmem_slice(&mem, mid - 1, 2));
}

Test(gmem_slice, refuses_a_length_that_wraps)
{
	cr_assert_null(gmem_slice(&mem, low, UINT64_MAX));
	cr_assert_null(gmem_slice(&mem, low + 1, UINT64_MAX));
	cr_assert_null(gmem_slice(&mem, low + page, 0 - page));
	cr_assert_null(gmem_slice(&mem, UINT64_MAX, 1));
	cr_assert_null(gmem_slice(&mem, UINT64_MAX, 2 + low));
}

Test(gmem_slice, of_nothing_is_nothing)
{
	cr_assert_null(gmem_slice(&mem, low, 0));
	cr_assert_null(gmem_slice(&mem, hole, 0));
}

Test(gmem_slice, holds_at_the_top_of_64_bits)
{
	gpa_t top = UINT64_MAX - 2 * page + 1;

	cr_assert_eq(gmem_add(&mem, top, page), 0);
	cr_assert_not_null(gmem_slice(&mem, top, page));
	cr_assert_null(gmem_slice(&mem, top, page + 1));
	cr_assert_null(gmem_slice(&mem, top, 2 * page));
	cr_assert_null(gmem_slice(&mem, top, 2 * page + 1));
	cr_assert_null(gmem_slice(&mem, top + page, 1));
}

Test(gmem_slice, iov_has_one_piece_a_region)
{
	struct iovec iov[2];

	cr_assert_eq(gmem_iov(&mem, low + 3, 3 * page - 3, iov, 2), 2);
	cr_assert_eq(iov[0].iov_base, mem.regions[0].host + 3);
	cr_assert_eq(iov[0].iov_len, 2 * page - 3);
	cr_assert_eq(iov[1].iov_base, mem.regions[1].host);
	cr_assert_eq(iov[1].iov_len, page);
	cr_assert_eq(gmem_iov(&mem, mid, 5, iov, 1), 1);
	cr_assert_eq(iov[0].iov_base, mem.regions[1].host);
	cr_assert_eq(iov[0].iov_len, 5);
}

Test(gmem_slice, iov_of_nothing_has_no_piece)
{
	cr_assert_eq(gmem_iov(&mem, low, 0, NULL, 0), 0);
	cr_assert_eq(gmem_iov(&mem, hole, 0, NULL, 0), 0);
}

Test(gmem_slice, iov_refuses_holes_and_ends)
{
	struct iovec iov[4];

	cr_assert_eq(gmem_iov(&mem, hole, 1, iov, 4), -EFAULT);
	cr_assert_eq(gmem_iov(&mem, low, 3 * page + 1, iov, 4), -EFAULT);
	cr_assert_eq(gmem_iov(&mem, mid, 3 * page, iov, 4), -EFAULT);
	cr_assert_eq(gmem_iov(&mem, high, UINT64_MAX, iov, 4), -EFAULT);
}

Test(gmem_slice, iov_stays_within_its_array)
{
	struct iovec iov[2] = { { NULL, 77 }, { NULL, 77 } };

	cr_assert_eq(gmem_iov(&mem, low, 3 * page, iov, 1), -ENOSPC);
	cr_assert_eq(iov[1].iov_len, 77);
	cr_assert_eq(gmem_iov(&mem, low, 1, NULL, 0), -ENOSPC);
}

/* The guest's mistake is told apart from our array being small, whichever comes first. */
Test(gmem_slice, iov_prefers_efault_over_enospc)
{
	struct iovec iov[1];

	cr_assert_eq(gmem_iov(&mem, low, 4 * page, iov, 1), -EFAULT);
}

Test(gmem_slice, joins_what_follows_at_once)
{
	uint8_t bytes[64];
	struct iovec last = { bytes, 16 };

	cr_expect_not(gmem_join(&last, bytes + 17, 8));
	cr_expect_not(gmem_join(&last, bytes + 15, 8));
	cr_expect_not(gmem_join(&last, bytes, 16));
	cr_expect_eq(last.iov_len, 16);
	cr_expect(gmem_join(&last, bytes + 16, 8));
	cr_expect_eq(last.iov_base, bytes);
	cr_expect_eq(last.iov_len, 24);
}
