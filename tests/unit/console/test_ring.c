/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of bytes: order, room, ends that meet. */
#include "console/ring.h"

#include <criterion/criterion.h>

static uint8_t bytes[8];
static struct ring ring;

static void setup(void)
{
	ring = (struct ring){ .bytes = bytes, .size = sizeof(bytes) };
}

TestSuite(ring, .init = setup);

static void put(const char *text)
{
	cr_assert_eq(ring_put(&ring, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void expect_get(const char *text)
{
	char got[16] = "";

	cr_expect_eq(ring_get(&ring, (uint8_t *)got, sizeof(got) - 1), strlen(text));
	cr_expect_str_eq(got, text);
}

Test(ring, gives_what_was_put_in_order)
{
	put("abc");
	put("def");
	expect_get("abcdef");
	expect_get("");
}

Test(ring, takes_no_more_than_it_has_room_for)
{
	cr_expect_eq(ring_put(&ring, (const uint8_t *)"abcdefghij", 10), 8);
	cr_expect_eq(ring_room(&ring), 0);
	cr_expect_eq(ring_put(&ring, (const uint8_t *)"x", 1), 0);
	expect_get("abcdefgh");
}

Test(ring, goes_round)
{
	put("abcdef");
	expect_get("abcdef");
	put("ghijklmn");
	cr_expect_eq(ring_used(&ring), 8);
	expect_get("ghijklmn");
}

Test(ring, counters_may_wrap)
{
	ring.head = ring.tail = SIZE_MAX - 2;
	put("abcdefg");
	cr_expect_eq(ring_used(&ring), 7);
	expect_get("abcdefg");
}

Test(ring, get_leaves_what_does_not_fit)
{
	uint8_t two[2];

	put("abcde");
	cr_expect_eq(ring_get(&ring, two, sizeof(two)), 2);
	cr_expect_arr_eq(two, "ab", 2);
	expect_get("cde");
}

Test(ring, peek_gives_one_piece_and_takes_nothing)
{
	const uint8_t *piece;
	size_t len;

	put("abcdef");
	expect_get("abcdef");
	put("ghij");
	piece = ring_peek(&ring, &len);
	cr_expect_eq(len, 2);
	cr_expect_arr_eq(piece, "gh", 2);
	cr_expect_eq(ring_used(&ring), 4);
	ring_drop(&ring, 2);
	piece = ring_peek(&ring, &len);
	cr_expect_eq(len, 2);
	cr_expect_arr_eq(piece, "ij", 2);
	ring_drop(&ring, 2);
	ring_peek(&ring, &len);
	cr_expect_eq(len, 0);
}
