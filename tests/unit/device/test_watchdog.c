/* SPDX-License-Identifier: Apache-2.0 */
/* The generic watchdog: its two stages, refreshes and pauses, by a clock that the test turns. */
#include <criterion/criterion.h>

#include "device/watchdog.h"

enum { WCS = 0x0, WOR = 0x8, WCV = 0x10, IIDR = 0xfcc };

#define HZ 1000000000ull /* a tick is a nanosecond */
#define S  1000000000ull

static struct loop *loop;
static struct irq_line line;
static struct watchdog *watchdog;
static bool wire;
static unsigned int nr_expired, looks;
static uint64_t clock_ns;

static int irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	cr_assert_eq(intid, 40);
	wire = level;
	return 0;
}

static const struct backend_ops ops = { .name = "wire", .irq_set = irq_set };

/* Ends the loop when the device has looked as often as run() says. */
static uint64_t now(void)
{
	if (looks && !--looks)
		loop_stop(loop);
	return clock_ns;
}

static void expired(void *ctx)
{
	cr_assert_eq(ctx, &nr_expired);
	nr_expired++;
	loop_stop(loop);
}

static void make(uint64_t hz, uint64_t counter)
{
	const struct watchdog_config config = {
		.loop = loop,
		.line = &line,
		.hz = hz,
		.expired = expired,
		.ctx = &nr_expired,
		.now = now,
	};

	cr_assert_eq(watchdog_create(&config, &watchdog), 0);
	watchdog_start(watchdog, counter);
}

static void init(void)
{
	clock_ns = 100 * S;
	cr_assert_eq(loop_create(&loop), 0);
	irq_line_init(&line, &ops, NULL, 40, IRQ_LEVEL_HIGH);
	make(HZ, 5000);
}

static void fini(void)
{
	watchdog_destroy(watchdog);
	irq_line_fini(&line);
	loop_destroy(loop);
}

TestSuite(watchdog, .init = init, .fini = fini);

static uint64_t get(uint64_t reg, unsigned int len)
{
	return watchdog_control_ops.read(watchdog, reg, len);
}

static void put(uint64_t reg, unsigned int len, uint64_t val)
{
	watchdog_control_ops.write(watchdog, reg, len, val);
}

static void refresh(void)
{
	watchdog_refresh_ops.write(watchdog, 0, 4, 0);
}

/* The timer, which runs by the host's time, is due when the clock of the test is beyond WCV. */
static void run_until_it_looked(unsigned int times)
{
	looks = times;
	cr_assert_eq(loop_run(loop), 0);
}

/* What was set is a nanosecond in the future by the test's clock, and in the past by the host's. */
static void expire_stage(void)
{
	clock_ns = clock_ns + get(WOR, 8) + 1;
	put(WCV, 8, get(WCV, 8)); /* sets the timer anew, which is due now */
	run_until_it_looked(2);
}

Test(watchdog, at_reset)
{
	cr_expect_eq(get(WCS, 4), 0);
	cr_expect_eq(get(WOR, 8), 0);
	cr_expect_eq(get(IIDR, 4) >> 16 & 0xf, 1, "architecture version 1");
	cr_expect_eq(watchdog_refresh_ops.read(watchdog, IIDR, 4), get(IIDR, 4));
	cr_expect_eq(watchdog_refresh_ops.read(watchdog, 0, 4), 0);
	cr_expect_not(wire);
}

Test(watchdog, the_offset_has_48_bits_in_two_words)
{
	put(WOR, 4, 0x89abcdef);
	put(WOR + 4, 4, 0xffff4567);
	cr_expect_eq(get(WOR, 8), 0x456789abcdefull);
	cr_expect_eq(get(WOR, 4), 0x89abcdef);
	cr_expect_eq(get(WOR + 4, 4), 0x4567);
	put(WOR, 8, 0xffff000000000007ull);
	cr_expect_eq(get(WOR, 8), 7);
	put(WOR, 2, 5);
	put(WOR + 1, 4, 5);
	put(WOR + 4, 8, 5);
	cr_expect_eq(get(WOR, 8), 7, "not of these widths");
	cr_expect_eq(get(WOR, 2), 0);
}

Test(watchdog, the_compare_value_is_the_guest_s_counter_and_the_offset)
{
	put(WOR, 4, 3000);
	cr_expect_eq(get(WCV, 8), 5000 + 3000);
	clock_ns += 100;
	refresh();
	cr_expect_eq(get(WCV, 8), 5100 + 3000);
	clock_ns += 50;
	put(WCS, 4, 1);
	cr_expect_eq(get(WCV, 8), 5150 + 3000);
	cr_expect_eq(get(WCV, 4), 8150);
	put(WCV, 8, 0x123456789abcull);
	cr_expect_eq(get(WCV + 4, 4), 0x1234);
}

Test(watchdog, counts_at_the_guest_s_rate)
{
	watchdog_destroy(watchdog);
	make(25000000, 0);
	put(WOR, 4, 1000);
	clock_ns += 4 * S;
	refresh();
	cr_expect_eq(get(WCV, 8), 100000000 + 1000);
}

Test(watchdog, first_an_interrupt_then_the_end)
{
	struct watchdog_stats stats;

	put(WOR, 4, 1000);
	put(WCS, 4, 1);
	expire_stage();
	cr_expect_eq(get(WCS, 4), 0x3);
	cr_expect(wire);
	cr_expect_eq(nr_expired, 0);
	clock_ns += 1001;
	put(WCV, 8, get(WCV, 8));
	cr_assert_eq(loop_run(loop), 0);
	cr_expect_eq(get(WCS, 4), 0x7);
	cr_expect_eq(nr_expired, 1);
	watchdog_get_stats(watchdog, &stats);
	cr_expect(stats.enabled);
	cr_expect_eq(stats.warnings, 1);
	clock_ns += S;
	refresh();
	cr_expect_eq(get(WCS, 4), 0x1, "it may go on");
	cr_expect_not(wire);
}

Test(watchdog, a_refresh_takes_the_interrupt_back)
{
	put(WOR, 4, 1000);
	put(WCS, 4, 1);
	expire_stage();
	refresh();
	cr_expect_eq(get(WCS, 4), 0x1);
	cr_expect_not(wire);
	expire_stage();
	cr_expect_eq(get(WCS, 4), 0x3);
	put(WCS, 4, 0);
	cr_expect_eq(get(WCS, 4), 0);
	cr_expect_not(wire);
}

/* On the host's own timer: it is due, and what it was set for has been put off. */
Test(watchdog, one_that_is_refreshed_does_not_expire)
{
	put(WOR, 4, 1000);
	put(WCS, 4, 1);
	clock_ns += 1000;
	put(WCV, 8, get(WCV, 8));
	run_until_it_looked(2);
	cr_expect_eq(get(WCS, 4), 0x1, "the last tick is not beyond it");
	clock_ns += 1;
	refresh();
	run_until_it_looked(2);
	cr_expect_eq(get(WCS, 4), 0x1);
}

Test(watchdog, one_that_is_not_enabled_never_expires)
{
	struct loop_timer timer;

	put(WOR, 4, 0);
	refresh();
	cr_assert_eq(loop_timer_init(loop, &timer, (void (*)(void *))loop_stop, loop), 0);
	loop_timer_set(&timer, 1000000);
	cr_assert_eq(loop_run(loop), 0);
	loop_timer_fini(loop, &timer);
	cr_expect_eq(get(WCS, 4), 0);
	cr_expect_eq(nr_expired, 0);
}

Test(watchdog, no_time_passes_in_a_pause)
{
	struct loop_timer timer;

	put(WOR, 4, 1000);
	put(WCS, 4, 1);
	clock_ns += 600;
	watchdog_pause(watchdog);
	watchdog_pause(watchdog);
	clock_ns += 3600 * S;
	put(WCV, 8, get(WCV, 8)); /* a vCPU's last access */
	cr_assert_eq(loop_timer_init(loop, &timer, (void (*)(void *))loop_stop, loop), 0);
	loop_timer_set(&timer, 1000000);
	cr_assert_eq(loop_run(loop), 0);
	loop_timer_fini(loop, &timer);
	cr_expect_eq(get(WCS, 4), 0x1);
	watchdog_resume(watchdog);
	watchdog_resume(watchdog);
	clock_ns += 400;
	put(WOR, 4, 0); /* a refresh */
	cr_expect_eq(get(WCV, 8), 5000 + 1000, "600 and 400");
	clock_ns += 1;
	put(WCV, 8, get(WCV, 8));
	run_until_it_looked(2);
	cr_expect_eq(get(WCS, 4), 0x3, "and it goes on");
}

Test(watchdog, the_furthest_compare_value_is_far)
{
	put(WCS, 4, 1);
	put(WCV, 8, UINT64_MAX);
	cr_expect_eq(get(WCV, 8), UINT64_MAX);
	cr_expect_eq(get(WCS, 4), 0x1);
	cr_expect_eq(nr_expired, 0);
}
