/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "console/ring.h"

static struct ring ring;
static uint8_t buf[RING_SIZE + 1];

static void setup(void)
{
	memset(&ring, 0, sizeof(ring));
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i % 251);
}

TestSuite(ring, .init = setup);

/* Puts the ring's indexes at @at with nothing in it. */
static void turn_to(uint32_t at)
{
	ring.head = at;
	ring.tail = at;
}

static void expect_bytes(size_t from, size_t count)
{
	while (count) {
		size_t len;
		const uint8_t *bytes = ring_peek(&ring, count, &len);

		cr_assert_gt(len, 0);
		cr_assert_eq(memcmp(bytes, buf + from, len), 0, "at %zu", from);
		ring_drop(&ring, len);
		from += len;
		count -= len;
	}
	cr_expect_eq(ring_used(&ring), 0);
}

Test(ring, starts_empty)
{
	size_t len = 1;

	cr_expect_eq(ring_used(&ring), 0);
	ring_peek(&ring, 10, &len);
	cr_expect_eq(len, 0);
}

Test(ring, gives_back_what_it_took_in_order)
{
	cr_expect_eq(ring_put(&ring, buf, 100), 100);
	cr_expect_eq(ring_put(&ring, buf + 100, 50), 50);
	cr_expect_eq(ring_used(&ring), 150);
	expect_bytes(0, 150);
}

Test(ring, holds_its_size_and_no_more)
{
	cr_expect_eq(ring_put(&ring, buf, RING_SIZE + 1), RING_SIZE);
	cr_expect_eq(ring_used(&ring), RING_SIZE);
	cr_expect_eq(ring_put(&ring, buf, 1), 0);
	expect_bytes(0, RING_SIZE);
}

Test(ring, takes_the_part_that_there_is_room_for)
{
	cr_expect_eq(ring_put(&ring, buf, RING_SIZE - 10), RING_SIZE - 10);
	cr_expect_eq(ring_put(&ring, buf + RING_SIZE - 10, 11), 10);
	expect_bytes(0, RING_SIZE);
}

Test(ring, wraps_round_its_end)
{
	turn_to(RING_SIZE - 3);
	cr_expect_eq(ring_put(&ring, buf, 10), 10);
	expect_bytes(0, 10);
}

Test(ring, peeks_at_one_piece_at_a_time)
{
	size_t len;

	turn_to(RING_SIZE - 3);
	cr_expect_eq(ring_put(&ring, buf, 10), 10);
	ring_peek(&ring, 10, &len);
	cr_expect_eq(len, 3);
	ring_peek(&ring, 2, &len);
	cr_expect_eq(len, 2);
}

Test(ring, goes_on_when_its_indexes_overflow)
{
	turn_to(UINT32_MAX - 4);
	cr_expect_eq(ring_put(&ring, buf, RING_SIZE), RING_SIZE);
	cr_expect_eq(ring_used(&ring), RING_SIZE);
	cr_expect_eq(ring_put(&ring, buf, 1), 0);
	expect_bytes(0, RING_SIZE);
}
