/* SPDX-License-Identifier: Apache-2.0 */
/* PL031: registers, time, match. */
#include <criterion/criterion.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "device/pl031.h"

/* Register offsets, Arm DDI0224 3.2. */
#define RTCDR	0x00
#define RTCMR	0x04
#define RTCLR	0x08
#define RTCCR	0x0c
#define RTCIMSC 0x10
#define RTCRIS	0x14
#define RTCMIS	0x18
#define RTCICR	0x1c
#define RTCID	0xfe0

#define START 1700000000 /* some day in 2023 */

static struct pl031 *rtc;
static time_t host_time;

static void setup(void)
{
	host_time = START;
	cr_assert_eq(pl031_create(&rtc), 0);
}

static void teardown(void)
{
	pl031_destroy(rtc);
}

TestSuite(pl031, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t rtc_read(uint64_t offset)
{
	return (uint32_t)pl031_mmio_ops.read(rtc, offset, 4);
}

static void rtc_write(uint64_t offset, uint32_t val)
{
	pl031_mmio_ops.write(rtc, offset, 4, val);
}

/*
 * The host's clock, in place of the C library's: CLOCK_REALTIME stands where a test has set it.
 * All else is as ever.
 */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_REALTIME || !host_time)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){ .tv_sec = host_time, .tv_nsec = 999999999 };
	return 0;
}

Test(pl031, registers_have_their_reset_values)
{
	cr_expect_eq(rtc_read(RTCMR), 0);
	cr_expect_eq(rtc_read(RTCLR), 0);
	cr_expect_eq(rtc_read(RTCCR), 1);
	cr_expect_eq(rtc_read(RTCIMSC), 0);
	cr_expect_eq(rtc_read(RTCRIS), 0);
	cr_expect_eq(rtc_read(RTCMIS), 0);
	cr_expect_eq(rtc_read(RTCICR), 0);
}

Test(pl031, says_who_it_is)
{
	uint32_t periph = 0, cell = 0;

	for (unsigned int i = 0; i < 4; i++) {
		periph |= rtc_read(RTCID + 4 * i) << (8 * i);
		cell |= rtc_read(RTCID + 16 + 4 * i) << (8 * i);
	}
	cr_expect_eq(periph, 0x00041031);
	cr_expect_eq(cell, 0xb105f00d);
}

Test(pl031, the_data_register_is_the_hosts_time)
{
	cr_expect_eq(rtc_read(RTCDR), START);
	host_time++;
	cr_expect_eq(rtc_read(RTCDR), START + 1);
}

Test(pl031, time_that_is_set_counts_on)
{
	rtc_write(RTCLR, 1000);
	cr_expect_eq(rtc_read(RTCLR), 1000);
	cr_expect_eq(rtc_read(RTCDR), 1000);
	host_time++;
	cr_expect_eq(rtc_read(RTCDR), 1001);
	cr_expect_eq(rtc_read(RTCLR), 1000);
}

Test(pl031, time_wraps_at_32_bits)
{
	rtc_write(RTCLR, UINT32_MAX);
	host_time++;
	cr_expect_eq(rtc_read(RTCDR), 0);
}

Test(pl031, the_data_register_cannot_be_written)
{
	rtc_write(RTCDR, 1);
	cr_expect_eq(rtc_read(RTCDR), START);
}

Test(pl031, the_clock_cannot_be_stopped)
{
	rtc_write(RTCCR, 0);
	cr_expect_eq(rtc_read(RTCCR), 1);
}

Test(pl031, a_match_that_comes_is_seen_until_it_is_cleared)
{
	rtc_write(RTCLR, 100);
	rtc_write(RTCMR, 101);
	cr_expect_eq(rtc_read(RTCMR), 101);
	cr_expect_eq(rtc_read(RTCRIS), 0);
	host_time++;
	cr_expect_eq(rtc_read(RTCRIS), 1);
	cr_expect_eq(rtc_read(RTCRIS), 1);
	rtc_write(RTCICR, 0);
	cr_expect_eq(rtc_read(RTCRIS), 1, "zero clears nothing");
	rtc_write(RTCICR, 1);
	cr_expect_eq(rtc_read(RTCRIS), 0, "and does not match once more in the same second");
}

Test(pl031, a_match_with_the_time_that_is_counts)
{
	rtc_write(RTCLR, 100);
	rtc_write(RTCMR, 100);
	cr_expect_eq(rtc_read(RTCRIS), 1);
	rtc_write(RTCICR, 1);
	rtc_write(RTCMR, 200);
	rtc_write(RTCLR, 200);
	cr_expect_eq(rtc_read(RTCRIS), 1, "loaded with the match");
}

/* An administrator corrects the clock: no time has passed, and none of 2^32 s matches. */
Test(pl031, a_host_clock_that_is_put_back_matches_nothing)
{
	rtc_write(RTCMR, START + 100);
	host_time = START - 50;
	cr_expect_eq(rtc_read(RTCRIS), 0);
	cr_expect_eq(rtc_read(RTCDR), START - 50);
	host_time = START + 100;
	cr_expect_eq(rtc_read(RTCRIS), 1);
}

/* The counter jumps over it and does not come by. */
Test(pl031, time_that_is_set_beyond_a_match_does_not_match)
{
	rtc_write(RTCLR, 100);
	rtc_write(RTCMR, 200);
	rtc_write(RTCLR, 300);
	cr_expect_eq(rtc_read(RTCRIS), 0);
	rtc_write(RTCLR, 50);
	cr_expect_eq(rtc_read(RTCRIS), 0);
}

Test(pl031, a_match_is_masked)
{
	rtc_write(RTCLR, 100);
	rtc_write(RTCMR, 100);
	cr_expect_eq(rtc_read(RTCMIS), 0);
	rtc_write(RTCIMSC, UINT32_MAX);
	cr_expect_eq(rtc_read(RTCIMSC), 1);
	cr_expect_eq(rtc_read(RTCMIS), 1);
	rtc_write(RTCIMSC, 0);
	cr_expect_eq(rtc_read(RTCMIS), 0);
	cr_expect_eq(rtc_read(RTCRIS), 1);
}

Test(pl031, narrow_reads_see_their_part)
{
	rtc_write(RTCMR, 0x12345678);
	cr_expect_eq(pl031_mmio_ops.read(rtc, RTCMR, 1) & 0xff, 0x78);
	cr_expect_eq(pl031_mmio_ops.read(rtc, RTCMR + 3, 1) & 0xff, 0x12);
	cr_expect_eq(pl031_mmio_ops.read(rtc, RTCMR + 2, 2) & 0xffff, 0x1234);
}

Test(pl031, odd_accesses_harm_nothing)
{
	rtc_write(RTCMR, 77);
	for (uint64_t offset = 0; offset < PL031_SIZE; offset++) {
		for (unsigned int len = 1; len <= 8 && offset + len <= PL031_SIZE; len *= 2) {
			if (offset & 3)
				pl031_mmio_ops.write(rtc, offset, len, UINT64_MAX);
			pl031_mmio_ops.read(rtc, offset, len);
		}
	}
	cr_expect_eq(rtc_read(RTCMR), 77);
	cr_expect_eq(rtc_read(RTCLR), 0);
}

Test(pl031, nothing_answers_between_the_registers)
{
	for (uint64_t offset = RTCICR + 4; offset < RTCID; offset += 4) {
		rtc_write(offset, UINT32_MAX);
		cr_assert_eq(rtc_read(offset), 0);
	}
}

Test(pl031, destroying_nothing_is_fine)
{
	pl031_destroy(NULL);
}
