/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test that hangs is a failed test. criterion's --timeout leaves those alone that name none, so
 * each gets one here, before any runs: TEST_LIMIT seconds.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdlib.h>

static void limit(const struct criterion_suite_set *suite, double seconds)
{
	if (!suite->tests)
		return;
	FOREACH_SET (struct criterion_test *test, suite->tests)
		test->data->timeout = seconds;
}

ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
	const char *seconds = getenv("TEST_LIMIT");

	FOREACH_SET (struct criterion_suite_set *suite, all->suites)
		limit(suite, seconds ? atof(seconds) : 600);
}
