/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <time.h>

#include "base/clock.h"

#define MS 1000000u

/* Not corrected by anybody, as the clock under test. */
static uint64_t raw(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

Test(clock, never_goes_back)
{
	uint64_t last = clock_ns();

	for (unsigned int i = 0; i < 100000; i++) {
		uint64_t now = clock_ns();

		cr_assert_geq(now, last);
		last = now;
	}
}

/* Of two clocks each in turn is read within the other's interval; 0.2 % for what NTP corrects. */
Test(clock, counts_nanoseconds)
{
	uint64_t ours, theirs, begin = raw(), from = clock_ns(), inner = raw();

	do {
		theirs = raw();
		ours = clock_ns() - from;
	} while (theirs - inner < 20 * MS);
	cr_expect_geq(ours + ours / 500, theirs - inner);
	cr_expect_leq(ours, raw() - begin + (raw() - begin) / 500);
}
