/* SPDX-License-Identifier: Apache-2.0 */
/* The block device over its transport, on a file: each request, each status, bad ones, resets. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "blk_rig.h"

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, LIFETIME = 10, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2 };

#define DATA	    (RIG_DATA + 0x1000u)
#define NEEDS_RESET 0x40u
#define SECTORS	    (RIG_DISK_SIZE / 512)

static struct blk_rig rig;

static void init(void)
{
	rig_prepare(&rig);
	rig_init(&rig);
	rig_start(&rig, 0);
}

static void fini(void)
{
	rig_fini(&rig);
}

TestSuite(vblk, .init = init, .fini = fini);

static void *data(void)
{
	return rig_host(&rig, DATA);
}

static uint64_t config(uint64_t offset, unsigned int len)
{
	return virtio_mmio_ops.read(rig.mmio, 0x100 + offset, len);
}

static void file_has(uint64_t sector, int byte, size_t len)
{
	uint8_t buf[65536];

	cr_assert_eq(pread(rig.fd, buf, len, (off_t)(sector * 512)), (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(buf[i], byte, "byte %zu is %u", i, buf[i]);
}

Test(vblk, writes_and_reads)
{
	uint16_t head;

	memset(data(), 0x5a, 8192);
	cr_expect_eq(rig_do(&rig, OUT, 8, 8192), OK);
	file_has(8, 0x5a, 8192);
	memset(data(), 0, 8192);
	head = rig_offer(&rig, 0, IN, 8, 0, 8192);
	rig_kick(&rig, 0);
	{
		struct virtq_used_elem elem = rig_wait(&rig, 0);

		cr_expect_eq(elem.id, head);
		cr_expect_eq(elem.len, 8193, "data and status");
	}
	cr_expect_eq(((uint8_t *)data())[8191], 0x5a);
	cr_expect_eq(rig_do(&rig, FLUSH, 0, 0), OK);
}

Test(vblk, says_its_serial_number)
{
	memset(data(), 0x77, 32);
	cr_expect_eq(rig_do(&rig, GET_ID, 0, 20), OK);
	cr_expect_eq(memcmp(data(), "number-7\0\0\0\0\0\0\0\0\0\0\0\0\x77", 21), 0);
	memset(data(), 0x77, 32);
	cr_expect_eq(rig_do(&rig, GET_ID, 0, 4), OK);
	cr_expect_eq(memcmp(data(), "numb\x77", 5), 0);
}

static void put_range(uint64_t sector, uint32_t count, uint32_t flags)
{
	memcpy(data(), &sector, 8);
	memcpy((uint8_t *)data() + 8, &count, 4);
	memcpy((uint8_t *)data() + 12, &flags, 4);
}

Test(vblk, discards_and_writes_zeroes)
{
	memset(data(), 0xee, 65536);
	cr_assert_eq(rig_do(&rig, OUT, 0, 65536), OK);
	put_range(0, 16, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), OK);
	put_range(16, 8, 0);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), OK);
	put_range(24, 8, 1);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), OK);
	file_has(16, 0, 8192);
	file_has(32, 0xee, 4096);
}

Test(vblk, refuses_ranges_that_break_the_rules)
{
	put_range(0, 16, 2);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), UNSUPP, "unknown flag");
	put_range(0, 16, 1);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), UNSUPP, "unmap of a discard");
	put_range(SECTORS - 1, 2, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), IOERR, "over the end");
	put_range(~0ull, 1, 0);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), IOERR);
	put_range(~0ull >> 9, 1, 0);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), IOERR);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 15), IOERR, "no range");
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 32), IOERR, "two");
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 0), IOERR);
	cr_expect_eq(rig_get(&rig, 0x70), 0xf, "an error is no reason for a reset");
}

/* max_discard_sectors and max_write_zeroes_sectors are what they say, to the sector. */
Test(vblk_large, takes_ranges_up_to_its_limits, .fini = fini)
{
	uint32_t discard, zeroes;

	rig_prepare(&rig);
	cr_assert_eq(ftruncate(rig.fd, (off_t)3 << 30), 0); /* a hole: it takes no space */
	rig_init(&rig);
	rig_start(&rig, 0);
	discard = (uint32_t)config(36, 4);
	zeroes = (uint32_t)config(48, 4);
	cr_assert(discard > 2048 && zeroes > 2048 && discard < 6u << 20 && zeroes < 6u << 20);
	cr_expect_eq(config(40, 4), 1, "max_discard_seg");
	cr_expect_eq(config(52, 4), 1, "max_write_zeroes_seg");
	put_range(8, discard, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), OK);
	put_range(8, discard + 1, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), IOERR);
	put_range(8, zeroes, 1);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), OK);
	put_range(8, zeroes + 1, 1);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), IOERR);
	put_range(0, ~0u, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), IOERR);
	cr_expect_eq(rig_do(&rig, ZEROES, 0, 16), IOERR);
	put_range(0, 0, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), OK, "nothing is discarded");
	cr_expect_eq(rig_get(&rig, 0x70), 0xf);
}

Test(vblk, ends_bad_requests_with_a_status)
{
	cr_expect_eq(rig_do(&rig, IN, SECTORS, 512), IOERR);
	cr_expect_eq(rig_do(&rig, IN, SECTORS - 1, 1024), IOERR);
	cr_expect_eq(rig_do(&rig, IN, ~0ull, 512), IOERR);
	cr_expect_eq(rig_do(&rig, OUT, ~0ull >> 9, 512), IOERR);
	cr_expect_eq(rig_do(&rig, OUT, 0, 511), IOERR);
	cr_expect_eq(rig_do(&rig, LIFETIME, 0, 16), UNSUPP);
	cr_expect_eq(rig_do(&rig, 0xffffffff, 0, 0), UNSUPP);
	cr_expect_eq(rig_do(&rig, IN, 0, 0), OK, "nothing is asked for, nothing fails");
	cr_expect_eq(rig_get(&rig, 0x70), 0xf);
}

/* The framing is the driver's (section 2.7.4.1). */
Test(vblk, takes_any_framing)
{
	const struct driver_buf bufs[] = {
		{ RIG_DATA, 3, false },	 { RIG_DATA + 3, 13, false }, { DATA, 1, true },
		{ DATA + 1, 510, true }, { DATA + 511, 2, true }, /* the last byte of data, and the
								     status */
	};
	const uint64_t header[2] = { IN, 1 };
	uint8_t sector[512];

	memset(sector, 0x31, sizeof(sector));
	cr_assert_eq(pwrite(rig.fd, sector, 512, 512), 512);
	memcpy(rig_host(&rig, RIG_DATA), header, 16);
	memset(data(), 0xff, 513);
	driver_offer(&rig.queues[2], driver_chain(&rig.queues[2], bufs, 5));
	rig_kick(&rig, 2);
	cr_expect_eq(rig_wait(&rig, 2).len, 513);
	cr_expect_eq(memcmp(data(), sector, 512), 0);
	cr_expect_eq(((uint8_t *)data())[512], OK);
}

static void expect_broken(const struct driver_buf *bufs, unsigned int nr)
{
	driver_offer(&rig.queues[1], driver_chain(&rig.queues[1], bufs, nr));
	rig_kick(&rig, 1);
	cr_expect(rig_get(&rig, 0x70) & NEEDS_RESET);
	cr_expect(rig_get(&rig, 0x60) & 2, "the driver is told");
	rig_start(&rig, 0);
	cr_expect_eq(rig_do(&rig, FLUSH, 0, 0), OK, "a reset helps");
}

Test(vblk, needs_a_reset_after_a_chain_that_is_no_request)
{
	const struct driver_buf no_status[] = { { RIG_DATA, 16, false } };
	const struct driver_buf no_header[] = { { RIG_DATA, 1, true } };
	const struct driver_buf short_header[] = { { RIG_DATA, 15, false }, { DATA, 1, true } };
	const struct driver_buf empty[] = { { RIG_DATA, 0, false }, { DATA, 1, true } };
	const struct driver_buf nowhere[] = { { 0, 16, false }, { DATA, 1, true } };
	const struct driver_buf huge[] = { { RIG_DATA, 16, false }, { DATA, ~0u, true } };

	expect_broken(no_status, 1);
	expect_broken(no_header, 1);
	expect_broken(short_header, 2);
	expect_broken(empty, 2);
	expect_broken(nowhere, 2);
	expect_broken(huge, 2);
}

/* More is out than the ring has room for, or the same buffer is filled twice: its own loss. */
Test(vblk, survives_a_chain_that_is_offered_over_and_over)
{
	uint16_t head = rig_offer(&rig, 0, IN, 0, 0, 4096);

	for (unsigned int i = 0; i < 20 && !(rig_get(&rig, 0x70) & NEEDS_RESET); i++) {
		for (unsigned int n = 1; n < RIG_QUEUE_SIZE; n++)
			driver_offer(&rig.queues[0], head);
		rig_kick(&rig, 0);
	}
	rig_start(&rig, 0);
	cr_expect_eq(rig_do(&rig, IN, 0, 512), OK);
}

/* ---- configuration --------------------------------------------------------------------------- */

Test(vblk, describes_itself)
{
	cr_expect_eq(config(0, 8), SECTORS);
	cr_expect_eq(config(0, 4), SECTORS);
	cr_expect_eq(config(4, 4), 0);
	cr_expect_eq(config(8, 4), VBLK_SIZE_MAX);
	cr_expect_eq(config(12, 4), VBLK_SEG_MAX);
	cr_expect_eq(config(20, 4), 512);
	cr_expect_eq(config(32, 1), 1, "write back");
	cr_expect_eq(config(34, 2), RIG_QUEUES);
	cr_expect_gt(config(36, 4), 0);
	cr_expect_eq(config(40, 4), 1);
	cr_expect_eq(config(60, 4), 0);
	cr_expect_eq(config(0xf8, 8), 0);
}

Test(vblk, switches_its_cache)
{
	virtio_mmio_ops.write(rig.mmio, 0x100 + 32, 1, 0);
	cr_expect_not(disk_write_back(rig.disk));
	cr_expect_eq(config(32, 1), 0);
	cr_expect_eq(rig_do(&rig, OUT, 0, 512), OK);
	virtio_mmio_ops.write(rig.mmio, 0x100, 4, 7);
	cr_expect_eq(config(0, 8), SECTORS, "the rest cannot be written");
	rig_put(&rig, 0x70, 0);
	cr_expect(disk_write_back(rig.disk), "a reset forgets it");
}

Test(vblk, writes_through_for_a_driver_that_cannot_flush)
{
	rig_start(&rig, 1u << 9 | 1u << 11);
	cr_expect_not(disk_write_back(rig.disk));
	cr_expect_eq(rig_do(&rig, OUT, 0, 512), OK);
}

Test(vblk, grows_while_it_runs)
{
	unsigned int edges = rig.edges;

	cr_assert_eq(ftruncate(rig.fd, 2 * RIG_DISK_SIZE), 0);
	cr_expect_eq(rig_do(&rig, IN, SECTORS, 512), IOERR);
	cr_assert_eq(disk_resize(rig.disk), 0);
	cr_expect_eq(config(0, 8), SECTORS, "not before the driver is told");
	vblk_resized(rig.vblk);
	cr_expect_eq(config(0, 8), 2 * SECTORS);
	cr_expect_eq(rig_get(&rig, 0xfc), 1);
	cr_expect_eq(rig_get(&rig, 0x60) & 2, 2);
	cr_expect_gt(rig.edges, edges);
	cr_expect_eq(rig_do(&rig, IN, SECTORS, 512), OK);
}

Test(vblk_ro, writes_nothing, .fini = fini)
{
	rig_prepare(&rig);
	rig.config.read_only = true;
	rig_init(&rig);
	rig_start(&rig, 0);
	rig_put(&rig, 0x14, 0);
	cr_expect(rig_get(&rig, 0x10) & 1u << 5, "VIRTIO_BLK_F_RO");
	cr_expect_not(rig_get(&rig, 0x10) & (1u << 13 | 1u << 14));
	memset(data(), 0x41, 512);
	cr_expect_eq(rig_do(&rig, OUT, 0, 512), IOERR);
	put_range(0, 1, 0);
	cr_expect_eq(rig_do(&rig, DISCARD, 0, 16), UNSUPP);
	cr_expect_eq(rig_do(&rig, IN, 0, 512), OK);
	file_has(0, 0, 512);
}

/* ---- many at once ---------------------------------------------------------------------------- */

/* A full queue: all are completed, each with its own data, by few interrupts. */
static void run_full_queue(void)
{
	unsigned int nr = RIG_QUEUE_SIZE / 3;

	for (unsigned int i = 0; i < nr; i++) {
		memset(rig_host(&rig, DATA + i * 0x2000), (int)i, 4096);
		rig_offer(&rig, 3, OUT, i * 8, i * 0x2000, 4096);
	}
	rig_kick(&rig, 3);
	for (unsigned int i = 0; i < nr; i++)
		rig_wait(&rig, 3);
	for (unsigned int i = 0; i < nr; i++) {
		cr_expect_eq(rig_status(&rig, i * 0x2000), OK);
		file_has(i * 8, (int)i, 4096);
	}
}

Test(vblk, completes_a_full_queue)
{
	run_full_queue();
}

Test(vblk, completes_a_full_queue_by_a_thread)
{
	rig_put(&rig, 0x70, 0);
	rig_thread(&rig);
	rig_start(&rig, 0);
	for (unsigned int i = 0; i < 50; i++) {
		run_full_queue();
		rig_start(&rig, 0);
	}
}

Test(vblk, completes_everything_before_a_reset_is_over)
{
	for (unsigned int round = 0; round < 50; round++) {
		unsigned int nr = RIG_QUEUE_SIZE / 3;

		for (unsigned int i = 0; i < nr; i++)
			rig_offer(&rig, 0, IN, 0, i * 0x2000, 4096);
		rig_kick(&rig, 0);
		rig_put(&rig, 0x70, 0);
		memset(data(), 0x99, nr * 0x2000);
		rig_start(&rig, 0);
		vblk_lane_drain(rig.lane);
		for (unsigned int i = 0; i < nr * 0x2000; i++)
			cr_assert_eq(((uint8_t *)data())[i], 0x99, "written after the reset");
	}
}

Test(vblk, resets_one_queue_in_use)
{
	rig_offer(&rig, 0, IN, 0, 0, 4096);
	rig_kick(&rig, 0);
	rig_put(&rig, 0x30, 0);
	rig_put(&rig, 0xc0, 1);
	cr_expect_eq(rig_get(&rig, 0x44), 0);
	cr_expect_eq(rig_status(&rig, 0), OK, "its buffer is the driver's again");
	rig_offer(&rig, 1, IN, 0, 0, 4096);
	rig_kick(&rig, 1);
	rig_wait(&rig, 1);
}

Test(vblk, wakes_the_vcpu_that_has_gone_back)
{
	rig_offer(&rig, 0, FLUSH, 0, 0, 0);
	rig_kick(&rig, 0);
	rig_wait(&rig, 0);
	cr_expect_geq(rig.edges, 1);
}
