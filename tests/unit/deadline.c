/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test that hangs is a failed test. criterion's --timeout leaves those alone that name none, so
 * each gets one here, before any runs. No test comes near it on any machine that ends the others.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>

#define DEADLINE_S 300.0

static void limit(const struct criterion_suite_set *suite)
{
	if (!suite->tests)
		return;
	FOREACH_SET (struct criterion_test *test, suite->tests)
		test->data->timeout = DEADLINE_S;
}

ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
	FOREACH_SET (struct criterion_suite_set *suite, all->suites)
		limit(suite);
}
