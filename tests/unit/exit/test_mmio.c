/* SPDX-License-Identifier: Apache-2.0 */
/* The MMIO map: where devices are, what holes do. */
#include "exit/mmio.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"

static struct access {
	uint64_t offset, val;
	unsigned int len;
	unsigned int reads, writes;
} seen;

static uint64_t dev_read(void *dev, uint64_t offset, unsigned int len)
{
	seen.offset = offset;
	seen.len = len;
	seen.reads++;
	return *(uint64_t *)dev;
}

static void dev_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	(void)dev;
	seen.offset = offset;
	seen.len = len;
	seen.val = val;
	seen.writes++;
}

static const struct mmio_ops dev_ops = { .read = dev_read, .write = dev_write };

static struct mmio_map map;
static uint64_t value;

static void setup(void)
{
	memset(&seen, 0, sizeof(seen));
	value = 0;
	mmio_map_init(&map);
}

static int add(gpa_t base, uint64_t size)
{
	return mmio_map_add(&map, base, size, "dev", &dev_ops, &value);
}

TestSuite(mmio, .init = setup);

Test(mmio, empty_map_has_no_device)
{
	cr_assert_null(mmio_map_find(&map, 0, 4));
	cr_assert_null(mmio_map_find(&map, UINT64_MAX, 1));
}

Test(mmio, devices_are_found_whatever_the_order_they_came_in)
{
	static const gpa_t bases[] = { 0x5000, 0x1000, 0x9000, 0x3000, 0x7000 };
	unsigned int i;

	for (i = 0; i < 5; i++)
		cr_assert_eq(add(bases[i], 0x1000), 0);
	for (i = 0; i < 5; i++) {
		const struct mmio_device *device = mmio_map_find(&map, bases[i] + 0xffc, 4);

		cr_assert_not_null(device);
		cr_assert_eq(device->base, bases[i]);
		cr_assert_null(mmio_map_find(&map, bases[i] + 0x1000, 1));
		cr_assert_null(mmio_map_find(&map, bases[i] - 1, 1));
	}
}

Test(mmio, full_map_finds_every_device)
{
	unsigned int i;

	for (i = 0; i < MMIO_MAX_DEVICES; i++)
		cr_assert_eq(add((gpa_t)(MMIO_MAX_DEVICES - i) * 0x10, 0x10), 0);
	for (i = 0; i < MMIO_MAX_DEVICES; i++)
		cr_assert_eq(mmio_map_find(&map, (i + 1) * 0x10 + 0xf, 1)->base, (i + 1) * 0x10);
}

Test(mmio, full_map_takes_no_more)
{
	unsigned int i;

	for (i = 0; i < MMIO_MAX_DEVICES; i++)
		cr_assert_eq(add((gpa_t)i * 0x10, 0x10), 0);
	cr_assert_eq(add(0x100000, 0x10), -ENOSPC);
}

Test(mmio, access_that_runs_over_an_edge_is_in_no_device)
{
	add(0x1000, 0x1000);
	add(0x2000, 0x1000);
	cr_assert_null(mmio_map_find(&map, 0x1ffd, 4));
	cr_assert_null(mmio_map_find(&map, 0xffe, 4));
	cr_assert_null(mmio_map_find(&map, 0x2ffc, 8));
	cr_assert_not_null(mmio_map_find(&map, 0x2ff8, 8));
}

Test(mmio, access_at_the_top_of_the_address_space_does_not_wrap_into_a_device)
{
	add(0, 0x1000);
	add(UINT64_MAX - 0x1000, 0x1000);
	cr_assert_null(mmio_map_find(&map, UINT64_MAX, 8));
	cr_assert_null(mmio_map_find(&map, UINT64_MAX - 3, 8));
}

Test(mmio, overlap_is_refused_on_either_side)
{
	cr_assert_eq(add(0x2000, 0x1000), 0);
	cr_assert_eq(add(0x2000, 0x1000), -EEXIST);
	cr_assert_eq(add(0x1fff, 2), -EEXIST);
	cr_assert_eq(add(0x2fff, 1), -EEXIST);
	cr_assert_eq(add(0x2800, 0x10), -EEXIST);
	cr_assert_eq(add(0x1000, 0x9000), -EEXIST);
	cr_assert_eq(add(0x1000, 0x1000), 0);
	cr_assert_eq(add(0x3000, 0x1000), 0);
}

Test(mmio, empty_and_wrapping_ranges_are_refused)
{
	cr_assert_eq(add(0x1000, 0), -EINVAL);
	cr_assert_eq(add(UINT64_MAX, 2), -EINVAL);
	cr_assert_eq(add(1, UINT64_MAX), -EINVAL);
}

Test(mmio, frozen_map_takes_no_device)
{
	mmio_map_freeze(&map);
	cr_assert_eq(add(0x1000, 0x1000), -EBUSY);
}

Test(mmio, write_reaches_the_device_with_offset_and_length)
{
	uint64_t data = 0xabcd;

	add(0x1000, 0x100);
	mmio_access(&map, 0x1012, 2, true, &data);
	cr_assert_eq(seen.writes, 1);
	cr_assert_eq(seen.offset, 0x12);
	cr_assert_eq(seen.len, 2);
	cr_assert_eq(seen.val, 0xabcd);
}

Test(mmio, read_is_cut_to_the_width_of_the_access)
{
	static const struct {
		unsigned int len;
		uint64_t want;
	} cases[] = {
		{ 1, 0xef },
		{ 2, 0xcdef },
		{ 4, 0x89abcdef },
		{ 8, 0x0123456789abcdef },
	};
	unsigned int i;

	value = 0x0123456789abcdef;
	add(0x1000, 0x100);
	for (i = 0; i < 4; i++) {
		uint64_t data = UINT64_MAX;

		mmio_access(&map, 0x1008, cases[i].len, false, &data);
		cr_assert_eq(data, cases[i].want);
	}
}

Test(mmio, hole_reads_zero_and_says_where)
{
	uint64_t data = UINT64_MAX;
	char *log;

	capture_start();
	mmio_access(&map, 0xdead000, 4, false, &data);
	log = capture_stop();
	cr_assert_eq(data, 0);
	cr_assert_not_null(strstr(log, "read 4 bytes at 0xdead000"), "%s", log);
	free(log);
}

Test(mmio, write_to_a_hole_touches_nothing_and_says_where)
{
	uint64_t data = 0x55;
	char *log;

	add(0x1000, 0x100);
	capture_start();
	mmio_access(&map, 0x10ff, 2, true, &data);
	log = capture_stop();
	cr_assert_eq(seen.writes, 0);
	cr_assert_not_null(strstr(log, "wrote 2 bytes at 0x10ff"), "%s", log);
	free(log);
}

Test(mmio, holes_cannot_flood_the_log)
{
	unsigned int lines = 0;
	uint64_t data = 0;
	unsigned int i;
	char *log, *at;

	capture_start();
	for (i = 0; i < 2000; i++)
		mmio_access(&map, 0xdead000, 4, true, &data);
	log = capture_stop();
	for (at = log; (at = strchr(at, '\n')); at++)
		lines++;
	cr_assert_geq(lines, 5);
	cr_assert_lt(lines, 200);
	free(log);
}
