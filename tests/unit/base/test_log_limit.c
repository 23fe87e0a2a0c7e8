/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of lines that a guest can provoke. The tests say which second it is. */
#include "base/log_internal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

#include "capture.h"

#define FAR_FUTURE UINT32_MAX /* a second that no test lives to see */

static struct log_limit limit;

static void setup(void)
{
	limit = (struct log_limit){ .burst = 3 };
}

TestSuite(log_limit, .init = setup);

/* How many of @count lines asked for in @second may be printed. */
static unsigned int take(unsigned int count, uint32_t second)
{
	unsigned int taken = 0;
	uint32_t dropped;

	while (count--)
		taken += log_limit_take(&limit, second, &dropped);
	return taken;
}

Test(log_limit, gives_a_burst_a_second)
{
	cr_assert_eq(take(10, 100), 3);
	cr_assert_eq(take(10, 100), 0);
	cr_assert_eq(take(10, 101), 3);
	cr_assert_eq(take(10, 200), 3);
}

Test(log_limit, does_not_save_up_quiet_seconds)
{
	cr_assert_eq(take(1, 100), 1);
	cr_assert_eq(take(10, 200), 3);
}

Test(log_limit, says_once_how_many_were_left_out)
{
	uint32_t dropped = 99;

	cr_assert(log_limit_take(&limit, 100, &dropped));
	cr_assert_eq(dropped, 0);
	cr_assert_eq(take(7, 100), 2);
	cr_assert(log_limit_take(&limit, 101, &dropped));
	cr_assert_eq(dropped, 5);
	cr_assert(log_limit_take(&limit, 101, &dropped));
	cr_assert_eq(dropped, 0);
}

Test(log_limit, sums_what_several_seconds_left_out)
{
	uint32_t dropped;

	limit.burst = 0;
	cr_assert_eq(take(2, 100), 0);
	cr_assert_eq(take(2, 101), 0);
	limit.burst = 1;
	cr_assert(log_limit_take(&limit, 102, &dropped));
	cr_assert_eq(dropped, 4);
}

/* A thread that read the clock and then had to wait is no reason for a second budget. */
Test(log_limit, does_not_go_back_in_time)
{
	cr_assert_eq(take(10, 101), 3);
	cr_assert_eq(take(10, 100), 0);
	cr_assert_eq(take(10, 101), 0);
}

#define THREADS 4u
#define ASKS	1000000u /* a thread, enough for them to meet */

static pthread_barrier_t start;
static _Atomic unsigned int printed, left_out;

static void *take_many(void *arg)
{
	uint32_t dropped;

	(void)arg;
	pthread_barrier_wait(&start);
	for (unsigned int i = 0; i < ASKS; i++) {
		if (!log_limit_take(&limit, 100, &dropped))
			continue;
		printed++;
		left_out += dropped;
	}
	return NULL;
}

Test(log_limit, is_exact_however_many_threads_ask)
{
	pthread_t threads[THREADS];

	limit.burst = (THREADS - 1) * ASKS;
	cr_assert_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, take_many, NULL), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(printed, limit.burst);
	cr_assert_eq(left_out + limit.dropped, ASKS);
}

Test(log_limit, prints_a_line_that_is_within_the_budget)
{
	capture_start();
	log_limited(&limit, LOG_LEVEL_WARN, "guest did %d", 1);
	capture_expect("arcvisor: warning: guest did 1\n");
	capture_expect_end();
}

Test(log_limit, prints_nothing_beyond_the_budget)
{
	capture_start();
	take(3, FAR_FUTURE);
	log_limited(&limit, LOG_LEVEL_WARN, "guest did %d", 1);
	capture_expect_end();
	cr_assert_eq(limit.dropped, 1);
}

/* The clock has left its first second behind long ago. */
Test(log_limit, reads_the_clock_and_reports_what_is_missing)
{
	capture_start();
	cr_assert_eq(take(5, 0), 3);
	log_limited(&limit, LOG_LEVEL_ERROR, "guest did %d", 1);
	capture_expect("arcvisor: 2 lines like the next were left out\n");
	capture_expect("arcvisor: guest did 1\n");
	capture_expect_end();
}

Test(log_limit, costs_nothing_where_the_level_hides_the_line)
{
	uint32_t dropped;

	capture_start();
	take(3, FAR_FUTURE);
	log_limited(&limit, LOG_LEVEL_INFO, "hidden");
	capture_expect_end();
	limit.burst = 4;
	cr_assert(log_limit_take(&limit, FAR_FUTURE, &dropped));
	cr_assert_eq(dropped, 0);
}

Test(log_limit, leaves_errno_alone)
{
	capture_start();
	errno = ERANGE;
	log_limited(&limit, LOG_LEVEL_WARN, "guest did %d", 1);
	cr_assert_eq(errno, ERANGE);
}
