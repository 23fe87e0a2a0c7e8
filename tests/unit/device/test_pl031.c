/* SPDX-License-Identifier: Apache-2.0 */
/* PL031: counts, is set, matches (Arm DDI0224). */
#include <criterion/criterion.h>

#include "device/pl031.h"

enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c,
};

static struct pl031 *rtc;
static uint64_t host_time;

static uint64_t clock_now(void *ctx)
{
	return *(const uint64_t *)ctx;
}

static void setup(void)
{
	host_time = 1800000000;
	cr_assert_eq(pl031_create_on(clock_now, &host_time, &rtc), 0);
}

static void teardown(void)
{
	pl031_destroy(rtc);
}

TestSuite(pl031, .init = setup, .fini = teardown);

static uint32_t get(uint64_t reg)
{
	return (uint32_t)pl031_mmio_ops.read(rtc, reg, 4);
}

static void put(uint64_t reg, uint32_t val)
{
	pl031_mmio_ops.write(rtc, reg, 4, val);
}

Test(pl031, counts_with_the_host)
{
	cr_expect_eq(get(DR), 1800000000);
	host_time += 7;
	cr_expect_eq(get(DR), 1800000007);
	cr_expect_eq(get(CR), 1);
}

Test(pl031, counts_seconds_since_1970_by_itself)
{
	struct pl031 *real;

	cr_assert_eq(pl031_create(&real), 0);
	/* Between the year 2020 and the counter's end. */
	cr_expect_gt((uint32_t)pl031_mmio_ops.read(real, DR, 4), 1577836800u);
	pl031_destroy(real);
}

Test(pl031, goes_on_from_what_was_loaded)
{
	put(LR, 0x60000000);
	cr_expect_eq(get(LR), 0x60000000);
	cr_expect_eq(get(DR), 0x60000000);
	host_time += 5;
	cr_expect_eq(get(DR), 0x60000005);
	cr_expect_eq(get(LR), 0x60000000);
	put(LR, 3);
	cr_expect_eq(get(DR), 3);
}

Test(pl031, goes_round_after_32_bits)
{
	put(LR, 0xffffffff);
	host_time += 2;
	cr_expect_eq(get(DR), 1);
}

Test(pl031, cannot_be_stopped)
{
	put(CR, 0);
	cr_expect_eq(get(CR), 1);
	host_time++;
	cr_expect_eq(get(DR), 1800000001);
}

Test(pl031, matches_when_the_time_comes)
{
	put(MR, 1800000010);
	cr_expect_eq(get(MR), 1800000010);
	host_time += 9;
	cr_expect_eq(get(RIS), 0);
	host_time++;
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, a_match_is_seen_though_nobody_looked_at_that_second)
{
	put(MR, 1800000010);
	host_time += 1000;
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, the_present_matches_and_the_past_does_not)
{
	put(MR, 1799999999);
	cr_expect_eq(get(RIS), 0);
	put(MR, 1800000000);
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, a_match_is_masked)
{
	put(MR, 1800000000);
	cr_expect_eq(get(MIS), 0);
	put(IMSC, 0xffffffff);
	cr_expect_eq(get(IMSC), 1);
	cr_expect_eq(get(MIS), 1);
	put(IMSC, 0);
	cr_expect_eq(get(MIS), 0);
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, a_match_is_cleared_until_the_next)
{
	put(MR, 1800000000);
	put(ICR, 0);
	cr_expect_eq(get(RIS), 1);
	put(ICR, 1);
	cr_expect_eq(get(RIS), 0);
	host_time += 100;
	cr_expect_eq(get(RIS), 0);
	put(MR, 1800000101);
	host_time++;
	cr_expect_eq(get(RIS), 1);
}

/* The one that came before the clear and was not looked at yet is cleared too. */
Test(pl031, clear_takes_a_match_that_nobody_saw)
{
	put(MR, 1800000010);
	host_time += 20;
	put(ICR, 1);
	cr_expect_eq(get(RIS), 0);
}

Test(pl031, matches_again_when_the_counter_came_round)
{
	put(MR, 1800000000);
	put(ICR, 1);
	host_time += 0xffffffff;
	cr_expect_eq(get(RIS), 0);
	host_time++;
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, a_new_time_moves_the_match)
{
	put(MR, 100);
	put(LR, 98);
	cr_expect_eq(get(RIS), 0);
	host_time += 2;
	cr_expect_eq(get(RIS), 1);
}

Test(pl031, identifies_itself)
{
	static const uint8_t ids[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(get(0xfe0 + 4 * i), ids[i]);
}

Test(pl031, takes_accesses_of_any_width)
{
	put(MR, 0x8765c3e1);
	cr_expect_eq(pl031_mmio_ops.read(rtc, MR, 1) & 0xff, 0xe1);
	cr_expect_eq(pl031_mmio_ops.read(rtc, MR + 3, 1) & 0xff, 0x87);
	cr_expect_eq(pl031_mmio_ops.read(rtc, MR + 2, 2) & 0xffff, 0x8765);
	cr_expect_eq(pl031_mmio_ops.read(rtc, MR, 8), 0x8765c3e1);
	pl031_mmio_ops.write(rtc, MR, 1, 0x123456a5);
	cr_expect_eq(get(MR), 0xa5);
	pl031_mmio_ops.write(rtc, MR + 1, 1, 0xff);
	cr_expect_eq(get(MR), 0xa5);
	pl031_mmio_ops.write(rtc, LR, 8, 0x0000000111223344);
	cr_expect_eq(get(LR), 0x11223344);
}

Test(pl031, takes_any_access)
{
	for (unsigned int len = 1; len <= 8; len *= 2) {
		for (uint64_t offset = 0; offset + len <= PL031_SIZE; offset++) {
			pl031_mmio_ops.read(rtc, offset, len);
			pl031_mmio_ops.write(rtc, offset, len, 0xa5a5a5a5a5a5a5a5);
		}
	}
	cr_expect_eq(get(CR), 1);
	for (uint64_t reg = 0x20; reg < 0xfe0; reg += 4)
		cr_expect_eq(get(reg), 0);
	pl031_destroy(NULL);
}
