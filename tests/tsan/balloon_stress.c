/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A balloon's thread, vCPUs' threads that inflate, deflate and report at once, one that asks for
 * statistics and sets targets, one that resets. What is in is what was put in, and after a reset
 * nobody touches what was the driver's.
 */
#include <sched.h>
#include <string.h>

#include "../unit/virtio/balloon_rig.c"
#include "../unit/virtio/driver.c"
#include "base/util.h"
#include "check.h"

#define ROUNDS 2000u
#define RESETS 100u

static struct balloon_rig rig;
static _Atomic bool done;

static void wait_used(unsigned int queue)
{
	struct virtq_used_elem elem;

	while (!driver_used(&rig.drivers[queue], &elem))
		sched_yield();
}

/* A vCPU: pages of its own in and out, by two queues in turn. */
static void *vcpu(void *arg)
{
	uint32_t pfns[8];

	(void)arg;
	for (uint32_t i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = BALLOON_RIG_PFN + i;
	for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
		balloon_rig_pages(&rig, i % 2, 0, pfns, ARRAY_SIZE(pfns));
		balloon_rig_put(&rig, 0x50, i % 2);
		wait_used(i % 2);
		balloon_rig_put(&rig, 0x104, i % 2 ? 0 : ARRAY_SIZE(pfns));
	}
	return NULL;
}

/* Another one, which reports pages that the first does not use. */
static void *reporter(void *arg)
{
	const struct driver_buf buf = { (BALLOON_RIG_PFN + 64ull) << 12, 64 * 1024, true };
	uint8_t *page = balloon_rig_host(&rig, buf.addr);

	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		*page = 1;
		driver_offer(&rig.drivers[4], driver_chain(&rig.drivers[4], &buf, 1));
		balloon_rig_put(&rig, 0x50, 4);
		wait_used(4);
		CHECK(*page == 0);
	}
	return NULL;
}

static void offer_statistics(void)
{
	const struct driver_buf buf = { BALLOON_RIG_DATA + 0x8000, 2 * VBALLOON_STAT_SIZE, false };

	driver_offer(&rig.drivers[2], driver_chain(&rig.drivers[2], &buf, 1));
	balloon_rig_put(&rig, 0x50, 2);
}

/* The machine's loop: looks, and asks; a third vCPU answers. */
static void *loop(void *arg)
{
	struct vballoon_stats stats;
	struct virtq_used_elem elem;
	unsigned int answers = 0;

	(void)arg;
	offer_statistics();
	while (!atomic_load(&done) || !answers) {
		vballoon_get_stats(rig.balloon, &stats);
		CHECK(stats.inflated <= 8 * 4096);
		vballoon_set_target(rig.balloon, 4096 * (answers % 100));
		(void)virtio_mmio_ops.read(rig.mmio, 0x100, 4);
		if (driver_used(&rig.drivers[2], &elem)) {
			answers++;
			offer_statistics();
		}
		sched_yield();
	}
	return NULL;
}

static void what_is_in_was_put_in(void)
{
	pthread_t threads[3];
	struct vballoon_stats stats;

	memset(&rig, 0, sizeof(rig));
	rig.config.reporting = true;
	atomic_store(&done, false);
	balloon_rig_init(&rig);
	balloon_rig_start(&rig, 0);
	RIG_NEED(vballoon_start(rig.balloon) == 0);
	threads[0] = check_spawn(vcpu, NULL);
	threads[1] = check_spawn(reporter, NULL);
	threads[2] = check_spawn(loop, NULL);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	atomic_store(&done, true);
	pthread_join(threads[2], NULL);
	vballoon_get_stats(rig.balloon, &stats);
	CHECK(stats.inflated == 0);
	CHECK(stats.given_back == ROUNDS * 8 * 4096);
	CHECK(stats.reported == ROUNDS * 64 * 1024);
	CHECK(stats.twice == 0 && stats.bad_pages == 0 && stats.errors == 0);
	balloon_rig_fini(&rig);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void *ringer(void *arg)
{
	(void)arg;
	while (!atomic_load(&done))
		for (unsigned int queue = 0; queue < VBALLOON_NR_QUEUES; queue++)
			balloon_rig_put(&rig, 0x50, queue);
	return NULL;
}

static void *looker(void *arg)
{
	struct vballoon_stats stats;

	(void)arg;
	while (!atomic_load(&done)) {
		vballoon_get_stats(rig.balloon, &stats);
		vballoon_set_target(rig.balloon, 0);
		sched_yield();
	}
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[2];
	uint32_t pfns[64];

	for (uint32_t i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = BALLOON_RIG_PFN + i;
	memset(&rig, 0, sizeof(rig));
	rig.config.reporting = true;
	rig.page = 16 * KIB;
	atomic_store(&done, false);
	balloon_rig_init(&rig);
	RIG_NEED(vballoon_start(rig.balloon) == 0);
	threads[0] = check_spawn(ringer, NULL);
	threads[1] = check_spawn(looker, NULL);
	for (unsigned int i = 0; i < RESETS; i++) {
		balloon_rig_start(&rig, 0);
		for (unsigned int k = 0; k < 16; k++)
			balloon_rig_pages(&rig, k % 2, 0x400 * k, pfns, ARRAY_SIZE(pfns));
		offer_statistics();
		balloon_rig_put(&rig, 0x50, i % 2);
		balloon_rig_put(&rig, 0x70, 0);
		CHECK(balloon_rig_get(&rig, 0x70) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		RIG_NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&done, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	balloon_rig_fini(&rig);
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("what is in was put in", what_is_in_was_put_in);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
