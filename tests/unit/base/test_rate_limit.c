/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, by a clock that the test turns. */
#include <criterion/criterion.h>

#include "base/rate_limit.h"

#define S  1000000000ull
#define MS 1000000ull

static struct rate_limit limit;

static void set(uint64_t rate, uint64_t burst)
{
	rate_limit_init(&limit, rate, burst);
}

static bool take(uint64_t tokens, uint64_t now)
{
	if (rate_limit_when(&limit, tokens, now) > now)
		return false;
	rate_limit_take(&limit, tokens, now);
	return true;
}

Test(rate_limit, none)
{
	set(0, 0);
	for (unsigned int i = 0; i < 1000; i++)
		cr_assert(take(UINT64_MAX, 5));
}

Test(rate_limit, burst_then_rate)
{
	unsigned int taken = 0;

	set(100, 10);
	for (unsigned int i = 0; i < 50; i++)
		taken += take(1, 7 * S);
	cr_assert_eq(taken, 10);
	cr_assert_eq(rate_limit_when(&limit, 1, 7 * S), 7 * S + 10 * MS);
	cr_assert_not(take(1, 7 * S + 10 * MS - 1));
	cr_assert(take(1, 7 * S + 10 * MS));
	cr_assert_not(take(1, 7 * S + 10 * MS));
	/* A long rest fills it, and no more than that. */
	taken = 0;
	for (unsigned int i = 0; i < 50; i++)
		taken += take(1, 900 * S);
	cr_assert_eq(taken, 10);
}

Test(rate_limit, a_second_s_worth_where_no_burst_is_named)
{
	set(1000, 0);
	cr_assert(take(1000, S));
	cr_assert_not(take(1, S));
	cr_assert(take(500, S + 500 * MS));
}

Test(rate_limit, more_than_the_bucket_goes_when_it_is_full)
{
	set(1000, 100);
	cr_assert(take(100, S));
	cr_assert_eq(rate_limit_when(&limit, 5000, S), S + 100 * MS);
	cr_assert(take(5000, S + 100 * MS));
	/* And is paid for afterwards: 5,000 tokens are five seconds. */
	cr_assert_eq(rate_limit_when(&limit, 1, S + 100 * MS), 6 * S + MS);
}

Test(rate_limit, small_pieces_at_a_high_rate_are_not_rounded_away)
{
	uint64_t now = S, moved = 0;

	set(7000000000ull, 4096);
	while (now < 2 * S) {
		uint64_t when = rate_limit_when(&limit, 512, now);

		if (when > now)
			now = when;
		rate_limit_take(&limit, 512, now);
		moved += 512;
	}
	cr_assert(moved > 6950000000ull && moved < 7100000000ull, "%llu",
		  (unsigned long long)moved);
}

Test(rate_limit, extremes_do_not_wrap)
{
	set(1, UINT64_MAX);
	cr_assert(take(1ull << 40, S));
	for (unsigned int i = 0; i < 20; i++) {
		rate_limit_take(&limit, UINT64_MAX, S);
		cr_assert_gt(rate_limit_when(&limit, 1, S), S);
	}
	set(UINT64_MAX, 1);
	cr_assert(take(UINT64_MAX, S));
	cr_assert_geq(rate_limit_when(&limit, UINT64_MAX, S), S);
}
