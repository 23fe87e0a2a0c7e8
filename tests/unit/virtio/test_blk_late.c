/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's lane on io_uring: a completion that the kernel has posted while nobody looked is told of
 * by the lane's timer, for as long as something is in flight and no longer.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "blk_rig.h"
#include "virtio/blk_internal.h"

enum { IN = 0, OUT = 1, FLUSH = 4, OK = 0 };

#define TIMEOUT 120 /* of a test that hangs */

static struct blk_rig rig;
static sigset_t kick;

/* As in a vCPU's thread, the signal is blocked and only ends waits. */
static void block_kick(void)
{
	sigemptyset(&kick);
	sigaddset(&kick, SIGUSR1);
	cr_assert_eq(pthread_sigmask(SIG_BLOCK, &kick, NULL), 0);
}

static void start(enum blk_engine engine, uint64_t iops)
{
	block_kick();
	rig_prepare(&rig);
	rig.config.engine = (int)engine;
	rig.config.ops = (struct disk_limit){ .rate = iops, .burst = iops ? 1 : 0 };
	rig_init(&rig);
	rig_start(&rig, 0);
	if (blk_queue_engine(rig.lane->engines[engine]) == BLK_ENGINE_URING)
		return;
	rig_fini(&rig);
	cr_skip_test("this host refuses io_uring");
}

static void wait_for_kick(void)
{
	while (sigwaitinfo(&kick, NULL) < 0)
		cr_assert_eq(errno, EINTR);
}

static bool is_kicked(void)
{
	const struct timespec none = { 0 };

	return sigtimedwait(&kick, NULL, &none) == SIGUSR1;
}

static bool is_ticking(void)
{
	struct itimerspec left;

	cr_assert_eq(timer_gettime(rig.lane->timer, &left), 0);
	return left.it_value.tv_sec || left.it_value.tv_nsec;
}

/* The owner looks at nothing until the timer's signal, and then as KVM_RUN's caller does. */
static void wait_by_kicks(unsigned int queue)
{
	struct virtq_used_elem elem;

	while (!driver_used(&rig.queues[queue], &elem)) {
		wait_for_kick();
		vblk_lane_interrupted(rig.lane);
		vblk_lane_reap(rig.lane);
	}
}

Test(vblk_late, a_completion_that_nobody_saw_is_told_of, .timeout = TIMEOUT)
{
	start(BLK_ENGINE_AUTO, 0);
	for (unsigned int i = 0; i < 50; i++) {
		/* A flush never ends at once: another of the kernel's threads makes it. */
		rig_offer(&rig, 0, i % 2 ? FLUSH : OUT, 0, 0, i % 2 ? 0 : 512);
		rig_kick(&rig, 0);
		wait_by_kicks(0);
		cr_assert_eq(rig_status(&rig, 0), OK);
	}
	rig_fini(&rig);
}

/* The rate keeps the second one in flight, so that nothing but the timer can signal. */
Test(vblk_late, it_ticks_while_something_is_in_flight, .timeout = TIMEOUT)
{
	start(BLK_ENGINE_AUTO, 1);
	cr_assert(rig.lane->has_timer);
	cr_assert_not(is_ticking(), "nothing was in flight yet");
	rig_offer(&rig, 0, IN, 0, 0, 512);
	rig_offer(&rig, 0, IN, 1, 0x2000, 512);
	rig_offer(&rig, 0, IN, 2, 0x4000, 512);
	rig_kick(&rig, 0);
	for (unsigned int i = 0; i < 5; i++) {
		wait_for_kick();
		vblk_lane_interrupted(rig.lane);
		cr_assert(is_ticking(), "still in flight after %u ticks", i + 1);
	}
	vblk_lane_drain(rig.lane);
	cr_expect_not(is_ticking(), "nothing is in flight");
	(void)is_kicked();
	cr_expect_not(is_kicked());
	cr_expect_eq(rig_status(&rig, 0x4000), OK);
	rig_fini(&rig);
}

Test(vblk_late, an_idle_lane_is_left_alone, .timeout = TIMEOUT)
{
	start(BLK_ENGINE_AUTO, 0);
	rig_offer(&rig, 0, OUT, 0, 0, 512);
	rig_kick(&rig, 0);
	rig_wait(&rig, 0);
	vblk_lane_interrupted(rig.lane);
	cr_expect_not(is_ticking());
	(void)is_kicked();
	cr_expect_not(is_kicked());
	rig_fini(&rig);
}

/* Its workers kick by themselves. */
Test(vblk_late, threads_need_no_timer, .timeout = TIMEOUT)
{
	block_kick();
	rig_prepare(&rig);
	rig_init(&rig);
	rig_start(&rig, 0);
	cr_expect_not(rig.lane->has_timer);
	cr_expect_eq(rig_do(&rig, OUT, 0, 512), OK);
	cr_expect_not(is_kicked());
	rig_fini(&rig);
}
