/* SPDX-License-Identifier: Apache-2.0 */
/* The balloon over its transport: pages in and out, statistics, reports, drivers that lie. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "balloon_rig.h"
#include "base/util.h"

#define NEEDS_RESET  0x40u
#define INFLATE	     0u
#define DEFLATE	     1u
#define STATS	     2u
#define REPORT	     4u /* as the specification numbers it */
#define LINUX_REPORT 3u /* as Linux does */

static struct balloon_rig rig;

static void init(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.config = (struct vballoon_config){ .reporting = true, .deflate_on_oom = true };
	balloon_rig_init(&rig);
	balloon_rig_start(&rig, 0);
}

static void fini(void)
{
	balloon_rig_fini(&rig);
}

TestSuite(vballoon, .init = init, .fini = fini);

static void restart(uint64_t page, uint64_t without)
{
	balloon_rig_fini(&rig);
	rig.page = page;
	balloon_rig_init(&rig);
	balloon_rig_start(&rig, without);
}

static struct vballoon_stats stats(void)
{
	struct vballoon_stats now;

	vballoon_get_stats(rig.balloon, &now);
	return now;
}

static void serve(void)
{
	while (vballoon_serve(rig.balloon))
		;
}

static uint64_t offered(void)
{
	uint64_t features;

	balloon_rig_put(&rig, 0x14, 0);
	features = balloon_rig_get(&rig, 0x10);
	balloon_rig_put(&rig, 0x14, 1);
	return features | (uint64_t)balloon_rig_get(&rig, 0x10) << 32;
}

/* ---- what it is ------------------------------------------------------------------------------ */

Test(vballoon, says_what_it_is)
{
	cr_expect_eq(balloon_rig_get(&rig, 0x08), 5);
	cr_expect_eq(offered() & 0x3f, 0x36, "%#lx", (unsigned long)offered());
	fini();
	rig.config = (struct vballoon_config){ 0 };
	rig.page = 2 * MIB;
	balloon_rig_init(&rig);
	cr_expect_eq(offered() & 0x3f, 0x03, "a pool's pages are asked for before they are used");
}

Test(vballoon, target_and_what_the_driver_writes)
{
	unsigned int edges = atomic_load(&rig.edges);

	cr_expect_eq(balloon_rig_get(&rig, 0x100), 0);
	vballoon_set_target(rig.balloon, 256 * MIB);
	cr_expect_eq(balloon_rig_get(&rig, 0x100), 65536);
	cr_expect_eq(atomic_load(&rig.edges), edges + 1);
	cr_expect_eq(balloon_rig_get(&rig, 0x60) & 2, 2, "the configuration changed");
	balloon_rig_put(&rig, 0x104, 1234);
	balloon_rig_put(&rig, 0x100, 99);
	balloon_rig_put(&rig, 0x108, 99);
	balloon_rig_put(&rig, 0x10c, 0xaa);
	virtio_mmio_ops.write(rig.mmio, 0x104, 1, 7);
	cr_expect_eq(balloon_rig_get(&rig, 0x100), 65536);
	cr_expect_eq(balloon_rig_get(&rig, 0x104), 1234);
	cr_expect_eq(balloon_rig_get(&rig, 0x108), 0);
	cr_expect_eq(balloon_rig_get(&rig, 0x10c), 0xaa);
	cr_expect_eq(balloon_rig_get(&rig, 0x110), 0, "nothing behind it");
	cr_expect_eq(stats().actual, 1234 * 4096);
	cr_expect_eq(stats().target, 256 * MIB);
}

/* ---- pages ----------------------------------------------------------------------------------- */

#define PFN BALLOON_RIG_PFN

static uint8_t *page_of(uint32_t pfn)
{
	return balloon_rig_host(&rig, (gpa_t)pfn << 12);
}

static void fill(uint32_t pfn, unsigned int nr)
{
	memset(page_of(pfn), 0x5a, nr * 4096ul);
}

/* Each page is @want from beginning to end. */
static void expect(uint32_t pfn, unsigned int nr, uint8_t want)
{
	for (unsigned int i = 0; i < nr; i++) {
		const uint8_t *page = page_of(pfn + i);

		cr_expect(page[0] == want && page[4095] == want, "page %u", i);
	}
}

static void move(unsigned int queue, const uint32_t *pfns, unsigned int nr)
{
	balloon_rig_pages(&rig, queue, 0, pfns, nr);
	serve();
	cr_expect_eq(balloon_rig_used(&rig, queue), 1);
}

static bool has_small_pages(void)
{
	return sysconf(_SC_PAGESIZE) == 4096;
}

Test(vballoon, pages_go_in_and_come_out)
{
	static const uint32_t pfns[] = { PFN + 3, PFN + 2, PFN + 1, PFN + 7 };

	if (!has_small_pages())
		cr_skip_test("for a host with pages of 4 KiB");
	fill(PFN, 10);
	move(INFLATE, pfns, 4);
	expect(PFN, 1, 0x5a);
	expect(PFN + 1, 3, 0);
	expect(PFN + 4, 3, 0x5a);
	expect(PFN + 7, 1, 0);
	expect(PFN + 8, 2, 0x5a);
	cr_expect_eq(stats().inflated, 4 * 4096);
	cr_expect_eq(stats().given_back, 4 * 4096);
	move(DEFLATE, pfns, 2);
	cr_expect_eq(stats().inflated, 2 * 4096);
	fill(PFN + 2, 2);
	expect(PFN + 2, 2, 0x5a);
	move(INFLATE, pfns, 2);
	expect(PFN + 2, 2, 0);
	cr_expect_eq(stats().given_back, 6 * 4096);
	cr_expect_eq(stats().errors, 0);
}

/* Wherever the numbers lie, in however many buffers: half a number at the end is none. */
Test(vballoon, numbers_over_several_buffers)
{
	static const uint32_t pfns[] = { PFN, PFN + 1, PFN + 2, PFN + 3 };
	const struct driver_buf bufs[] = {
		{ BALLOON_RIG_DATA + 1, 3, false },
		{ BALLOON_RIG_DATA + 100, 7, false },
		{ BALLOON_RIG_DATA + 201, 4, false },
	};

	memcpy(balloon_rig_host(&rig, bufs[0].addr), pfns, 3);
	memcpy(balloon_rig_host(&rig, bufs[1].addr), (const uint8_t *)pfns + 3, 7);
	memcpy(balloon_rig_host(&rig, bufs[2].addr), (const uint8_t *)pfns + 10, 4);
	driver_offer(&rig.drivers[INFLATE], driver_chain(&rig.drivers[INFLATE], bufs, 3));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, INFLATE), 1);
	cr_expect_eq(stats().inflated, 3 * 4096);
}

/* A host's page of 16 or 64 KiB, or of a pool, goes when all of it is in, and not before. */
static void check_parts(uint64_t page)
{
	uint32_t parts = (uint32_t)(page / 4096);
	uint32_t first = (BALLOON_RIG_PFN + parts) / parts * parts;

	restart(page, 0);
	fill(first, parts);
	for (uint32_t i = 0; i < parts; i++) {
		uint32_t pfn = first + parts - 1 - i;

		expect(first, 1, 0x5a);
		cr_expect_eq(stats().given_back, 0);
		move(INFLATE, &pfn, 1);
	}
	expect(first, parts, 0);
	cr_expect_eq(stats().given_back, page);
	fill(first, parts); /* one part of it is the guest's again, and may be used */
	move(DEFLATE, &first, 1);
	expect(first, parts, 0x5a);
	move(INFLATE, &first, 1);
	expect(first, parts, 0);
	cr_expect_eq(stats().given_back, 2 * page);
	cr_expect_eq(stats().inflated, page);
	cr_expect_eq(stats().errors, 0);
}

Test(vballoon, host_pages_of_16_kib)
{
	check_parts(16 * KIB);
}

Test(vballoon, host_pages_of_64_kib)
{
	check_parts(64 * KIB);
}

Test(vballoon, a_reset_takes_all_out)
{
	static const uint32_t pfns[] = { PFN, PFN + 1 };

	move(INFLATE, pfns, 2);
	balloon_rig_put(&rig, 0x104, 2);
	cr_expect_eq(stats().inflated, 2 * 4096);
	balloon_rig_start(&rig, 0);
	cr_expect_eq(stats().inflated, 0);
	cr_expect_eq(stats().actual, 0);
	move(INFLATE, pfns, 2);
	cr_expect_eq(stats().twice, 0);
	cr_expect_eq(stats().inflated, 2 * 4096);
}

/* ---- drivers that lie ------------------------------------------------------------------------ */

Test(vballoon, pages_that_are_none)
{
	static const uint32_t pfns[] = {
		0,
		0x9000,
		0xffffffff,
		(DRIVER_RAM_BASE >> 12) - 1,
		(DRIVER_RAM_BASE + DRIVER_RAM_SIZE) >> 12,
	};

	move(INFLATE, pfns, 5);
	move(DEFLATE, pfns, 5);
	cr_expect_eq(stats().bad_pages, 10);
	cr_expect_eq(stats().inflated, 0);
	cr_expect_eq(stats().given_back, 0);
	cr_expect_eq(balloon_rig_get(&rig, 0x70) & NEEDS_RESET, 0);
}

Test(vballoon, pages_twice_in_or_never_in)
{
	static const uint32_t same[] = { PFN, PFN, PFN };
	static const uint32_t other[] = { PFN + 1 };

	move(INFLATE, same, 3);
	cr_expect_eq(stats().twice, 2);
	cr_expect_eq(stats().inflated, 4096);
	move(DEFLATE, other, 1);
	cr_expect_eq(stats().twice, 3);
	move(DEFLATE, same, 3);
	cr_expect_eq(stats().twice, 5);
	cr_expect_eq(stats().inflated, 0);
}

/* The driver's rings and this device's own chain among them: they read zero, and that is all. */
Test(vballoon, gives_all_of_its_memory_away)
{
	static uint32_t pfns[DRIVER_RAM_SIZE >> 12];

	for (uint32_t i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = (DRIVER_RAM_BASE >> 12) + i;
	balloon_rig_pages(&rig, INFLATE, 0, pfns, ARRAY_SIZE(pfns));
	serve();
	cr_expect_leq(stats().inflated, DRIVER_RAM_SIZE);
	cr_expect_gt(stats().inflated, 0);
	balloon_rig_start(&rig, 0);
	move(INFLATE, pfns + 600, 1);
	cr_expect_eq(stats().inflated, 4096);
}

Test(vballoon, a_chain_beyond_reason_breaks_the_queue)
{
	const struct driver_buf buf = { BALLOON_RIG_DATA, VBALLOON_MAX_BYTES + 4, false };

	driver_offer(&rig.drivers[INFLATE], driver_chain(&rig.drivers[INFLATE], &buf, 1));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, INFLATE), 0);
	cr_expect_eq(balloon_rig_get(&rig, 0x70) & NEEDS_RESET, NEEDS_RESET);
	cr_expect_eq(stats().bad_pages, 0, "nothing of it was looked at");
	balloon_rig_start(&rig, 0);
	cr_expect_eq(balloon_rig_get(&rig, 0x70), 0xf);
}

Test(vballoon, chains_of_the_wrong_direction_do_nothing)
{
	const struct driver_buf written = { BALLOON_RIG_DATA, 4096, true };
	const struct driver_buf read = { BALLOON_RIG_DATA, 4096, false };

	fill(BALLOON_RIG_DATA >> 12, 1);
	driver_offer(&rig.drivers[INFLATE], driver_chain(&rig.drivers[INFLATE], &written, 1));
	driver_offer(&rig.drivers[REPORT], driver_chain(&rig.drivers[REPORT], &read, 1));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, INFLATE), 1);
	cr_expect_eq(balloon_rig_used(&rig, REPORT), 1);
	expect(BALLOON_RIG_DATA >> 12, 1, 0x5a);
	cr_expect_eq(stats().reported, 0);
}

/* ---- free pages ------------------------------------------------------------------------------ */

static void check_report(unsigned int queue)
{
	const struct driver_buf bufs[] = {
		{ (gpa_t)PFN << 12, 64 * 1024, true },
		{ ((gpa_t)PFN << 12) + 128 * 1024, 64 * 1024, true },
	};

	fill(PFN, 64);
	driver_offer(&rig.drivers[queue], driver_chain(&rig.drivers[queue], bufs, 2));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, queue), 1);
	cr_expect_eq(stats().reported, 128 * 1024);
	expect(PFN, 16, 0);
	expect(PFN + 16, 16, 0x5a);
	expect(PFN + 32, 16, 0);
	expect(PFN + 48, 16, 0x5a);
	cr_expect_eq(stats().inflated, 0, "they are the guest's");
}

Test(vballoon, free_pages_as_the_specification_numbers_queues)
{
	check_report(REPORT);
}

Test(vballoon, free_pages_as_linux_numbers_queues)
{
	check_report(LINUX_REPORT);
}

/* Only what lies whole in it, whatever the host's pages are. */
Test(vballoon, free_pages_that_are_parts_of_the_hosts)
{
	const struct driver_buf buf = { ((gpa_t)PFN << 12) + 4096, 32 * 1024, true };

	restart(16 * KIB, 0);
	fill(PFN, 16);
	driver_offer(&rig.drivers[REPORT], driver_chain(&rig.drivers[REPORT], &buf, 1));
	serve();
	cr_expect_eq(stats().reported, 16 * KIB);
	expect(PFN, 4, 0x5a);
	expect(PFN + 4, 4, 0);
	expect(PFN + 8, 8, 0x5a);
}

Test(vballoon, free_pages_that_hold_poison_stay)
{
	const struct driver_buf buf = { (gpa_t)PFN << 12, 64 * 1024, true };

	balloon_rig_put(&rig, 0x10c, 0xaaaaaaaa);
	fill(PFN, 16);
	driver_offer(&rig.drivers[REPORT], driver_chain(&rig.drivers[REPORT], &buf, 1));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, REPORT), 1);
	expect(PFN, 16, 0x5a);
}

Test(vballoon, no_free_pages_from_a_driver_that_did_not_want_to)
{
	const struct driver_buf buf = { (gpa_t)PFN << 12, 64 * 1024, true };

	restart(0, BIT64(VBALLOON_F_REPORTING));
	fill(PFN, 16);
	driver_offer(&rig.drivers[REPORT], driver_chain(&rig.drivers[REPORT], &buf, 1));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, REPORT), 0);
	expect(PFN, 16, 0x5a);
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void offer_stats(gpa_t at, uint16_t tag, uint64_t val, unsigned int nr)
{
	const struct driver_buf buf = { BALLOON_RIG_DATA + at, nr * VBALLOON_STAT_SIZE, false };

	for (unsigned int i = 0; i < nr; i++) {
		uint8_t *to = balloon_rig_host(&rig, buf.addr + i * VBALLOON_STAT_SIZE);

		memcpy(to, &tag, sizeof(tag));
		memcpy(to + sizeof(tag), &val, sizeof(val));
	}
	driver_offer(&rig.drivers[STATS], driver_chain(&rig.drivers[STATS], &buf, 1));
}

Test(vballoon, statistics_come_when_they_are_asked_for)
{
	cr_expect_eq(stats().known, 0);
	serve();
	atomic_store(&rig.balloon->refresh, false);
	offer_stats(1, VBALLOON_FREE, 1000, 1);
	serve();
	cr_expect_eq(balloon_rig_used(&rig, STATS), 0, "kept until new ones are wanted");
	cr_expect_eq(stats().known, BIT(VBALLOON_FREE));
	serve();
	cr_expect_eq(balloon_rig_used(&rig, STATS), 1);
	offer_stats(64, VBALLOON_FREE, 2000, 2);
	serve();
	cr_expect_eq(stats().guest[VBALLOON_FREE], 2000);
}

Test(vballoon, statistics_that_nobody_knows)
{
	offer_stats(0, 16, 1, 3);
	serve();
	cr_expect_eq(stats().known, 0);
	offer_stats(0, 0xffff, 1, 1);
	serve();
	cr_expect_eq(stats().known, 0);
	offer_stats(0, VBALLOON_DIRECT_RECLAIMS, 5, 1000);
	serve();
	cr_expect_eq(stats().known, BIT(VBALLOON_DIRECT_RECLAIMS));
}

/* One is kept; of two, the first goes back. */
Test(vballoon, two_chains_of_statistics)
{
	serve();
	atomic_store(&rig.balloon->refresh, false);
	offer_stats(0, VBALLOON_FREE, 1, 1);
	offer_stats(64, VBALLOON_FREE, 2, 1);
	serve();
	cr_expect_eq(balloon_rig_used(&rig, STATS), 1);
	balloon_rig_start(&rig, 0);
	serve();
	cr_expect_eq(stats().known, 0, "of the driver before");
}

/* ---- its thread ------------------------------------------------------------------------------ */

Test(vballoon, the_thread_serves)
{
	static const uint32_t pfns[] = { PFN };
	struct virtq_used_elem elem;
	unsigned int edges = atomic_load(&rig.edges);

	cr_assert_eq(vballoon_start(rig.balloon), 0);
	for (unsigned int i = 0; i < 20; i++) {
		balloon_rig_pages(&rig, i % 2, 0, pfns, 1);
		balloon_rig_put(&rig, 0x50, i % 2);
		while (!driver_used(&rig.drivers[i % 2], &elem))
			usleep(10);
	}
	vballoon_stop(rig.balloon);
	cr_expect_eq(stats().inflated, 0);
	cr_expect_gt(atomic_load(&rig.edges), edges);
}
