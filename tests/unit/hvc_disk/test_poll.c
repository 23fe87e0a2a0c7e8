/* SPDX-License-Identifier: Apache-2.0 */
/* Queues that the host polls: NEED_WAKEUP, what calls do to them, pause, change of size. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "disk_rig.h"

#define REQUESTS 1000u

static void init(void)
{
	cr_assert(rig_init(BLK_ENGINE_AUTO, false, DISK_MODE_THREAD));
}

TestSuite(hvc_poll, .init = init, .fini = rig_fini, .timeout = 300);

static uint32_t host_flags(void)
{
	return __atomic_load_n(&rig.header->host_flags, __ATOMIC_RELAXED);
}

static struct hvc_blk_stats stats(void)
{
	struct hvc_blk_stats now;

	hvc_blk_stats(rig.blk, &now);
	return now;
}

/* What a driver does after it has stored sq_tail; the fence pairs with the poller's. */
static void wake_if_needed(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (host_flags() & HVC_BLK_HOST_NEED_WAKEUP)
		cr_assert_eq(rig_call(HVC_BLK_WAKEUP, 0, 0, 0, 0), 0);
}

/* Waits without a call. */
static unsigned int wait_for_one(void)
{
	struct hvc_blk_cqe cqe;

	while (!rig_get(&cqe))
		sched_yield();
	return cqe.status;
}

static void wait_asleep(void)
{
	while (!(host_flags() & HVC_BLK_HOST_NEED_WAKEUP))
		sched_yield();
}

Test(hvc_poll, is_offered_where_a_disk_has_a_thread)
{
	struct hvc_blk_mmio_call *block = gmem_slice(&rig.mem, CALL, sizeof(*block));

	cr_expect_eq(rig_call(HVC_BLK_VERSION, 0, 0, 0, 0), HVC_BLK_VERSION_2_0);
	cr_expect(block->ret[1] & HVC_BLK_F_HOST_POLL);
}

/* Neither a doorbell nor a REAP, and a WAKEUP only where it is asked for. */
Test(hvc_poll, serves_without_doorbells)
{
	struct hvc_blk_stats now;

	rig_open(HVC_BLK_QUEUE_HOST_POLL | HVC_BLK_QUEUE_NO_IRQ);
	memset(gmem_slice(&rig.mem, DATA, 512), 0x5a, 512);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		rig_put(i % 2 ? HVC_BLK_OP_READ : HVC_BLK_OP_WRITE, i, 8, DATA + i % 2 * 512, 512);
		wake_if_needed();
		cr_assert_eq(wait_for_one(), HVC_BLK_OK);
	}
	cr_expect_eq(*(uint8_t *)gmem_slice(&rig.mem, DATA + 1023, 1), 0x5a);
	now = stats();
	cr_expect_eq(now.requests, REQUESTS);
	cr_expect_eq(now.doorbells + now.reaps, 0);
	cr_expect_leq(now.wakeups, REQUESTS);
	cr_expect_eq(now.interrupts, 0);
	cr_expect_eq(now.inlined, 0);
}

/* Completions are posted before the interrupt: the guest finds them without a REAP. */
Test(hvc_poll, interrupts_for_what_it_posted)
{
	struct hvc_blk_cqe cqe;

	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; i < 200; i++) {
		rig_put(HVC_BLK_OP_READ, i, i, DATA, 512);
		wake_if_needed();
		while (!rig_get(&cqe))
			rig_interrupt();
		cr_expect_eq(cqe.tag, i);
		cr_expect_eq(cqe.flags, 0, "no doorbell took it");
	}
	cr_expect_gt(stats().interrupts, 0);
}

/* A driver that does not look at the flags is served as well. */
Test(hvc_poll, a_doorbell_wakes_it_too)
{
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; i < 20; i++) {
		wait_asleep();
		rig_put(HVC_BLK_OP_READ, i, 0, DATA, 4096);
		if (i % 2)
			cr_assert_eq(rig_call(HVC_BLK_DOORBELL_WAIT, 0, 0, 0, 0), 0);
		else
			hvc_blk_mmio_ops.write(rig.blk, HVC_BLK_MMIO_DOORBELL, 4, 0);
		cr_assert_eq(wait_for_one(), HVC_BLK_OK);
	}
	cr_expect_geq(stats().sleeps, 20);
}

/* The window's 64-bit loads tell the completions of the poller, too. */
Test(hvc_poll, status_by_the_window)
{
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
	hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_DOORBELL, 8);
	cr_assert_eq(wait_for_one(), HVC_BLK_OK);
	while (hvc_blk_mmio_ops.read(rig.blk, HVC_BLK_MMIO_REAP, 8) != 1ull << 32)
		sched_yield();
}

Test(hvc_poll, without_the_flag_the_vcpu_serves)
{
	rig_open(0);
	rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
	wake_if_needed();
	cr_expect_eq(rig.header->sq_head, 0);
	cr_expect_eq(host_flags(), 0);
	rig_finish(1);
	cr_expect_eq(stats().requests, 1);
}

static int64_t ctrl(unsigned int op)
{
	return rig_call(HVC_BLK_QUEUE_CTRL, 0, op, 0, 0);
}

Test(hvc_poll, life_of_a_queue)
{
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; i < ENTRIES; i++)
		rig_put(HVC_BLK_OP_READ, i, i, DATA + i * 512, 512);
	wake_if_needed();
	cr_expect_eq(ctrl(HVC_BLK_CTRL_QUIESCE), 0);
	cr_expect_eq(rig.header->cq_tail, rig.header->sq_head, "what was taken is posted");
	cr_expect_eq(rig_call(HVC_BLK_DOORBELL, 0, 0, 0, 0), -ESHUTDOWN);
	cr_expect_eq(rig_call(HVC_BLK_DOORBELL_WAIT, 0, 0, 0, 0), -ESHUTDOWN);
	cr_expect_eq(rig_call(HVC_BLK_REAP, 0, 0, 0, 0), 0);
	cr_expect_eq(rig_call(HVC_BLK_WAKEUP, 0, 0, 0, 0), 0);
	cr_expect_eq(ctrl(9), -EINVAL);
	cr_expect_eq(ctrl(HVC_BLK_CTRL_ENABLE), 0);
	for (unsigned int i = 0; i < ENTRIES; i++)
		cr_assert_eq(wait_for_one(), HVC_BLK_OK, "what was left is taken then");
	cr_expect_eq(ctrl(HVC_BLK_CTRL_RESET), 0);
	cr_expect_eq(rig.header->sq_head, 0);
	cr_expect_eq(rig.header->cq_tail, 0);
	cr_expect_eq(ctrl(HVC_BLK_CTRL_FREE), 0);
	cr_expect_eq(rig_call(HVC_BLK_WAKEUP, 0, 0, 0, 0), -ENOENT);
	memset(rig.header, 0, sizeof(*rig.header));
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
	wake_if_needed();
	cr_expect_eq(wait_for_one(), HVC_BLK_OK);
}

Test(hvc_poll, a_broken_queue_says_so)
{
	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	rig.header->sq_tail = ENTRIES + 1;
	wake_if_needed();
	while (!(host_flags() & HVC_BLK_HOST_BROKEN))
		sched_yield();
	cr_expect_eq(rig_call(HVC_BLK_DOORBELL, 0, 0, 0, 0), -EPIPE);
	cr_expect_eq(ctrl(HVC_BLK_CTRL_ENABLE), -EPIPE);
	memset(rig.header, 0, 64);
	cr_expect_eq(ctrl(HVC_BLK_CTRL_RESET), 0);
	cr_expect_eq(ctrl(HVC_BLK_CTRL_ENABLE), 0);
	rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
	wake_if_needed();
	cr_expect_eq(wait_for_one(), HVC_BLK_OK, "healed");
}

/* Anything, anywhere in the rings, as fast as the poller looks: BROKEN at worst, and it heals. */
Test(hvc_poll, rings_changed_while_they_are_served)
{
	uint32_t seed = 1;
	uint8_t *bytes = gmem_slice(&rig.mem, HEADER, DATA - HEADER);

	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; stats().requests < 200 || stats().broken < 2; i++) {
		uint32_t at;

		seed = seed * 1664525 + 1013904223;
		/* Mostly the guest's line and the requests; a request is put where it may be. */
		at = seed >> 30 ? (seed >> 8) % 20 : 0x1000 + (seed >> 8) % (ENTRIES * 64);
		__atomic_store_n(&bytes[at], (uint8_t)(seed >> 16), __ATOMIC_RELAXED);
		if (i % 4 == 0)
			rig_put(1 + i % 5, i, i % 64, DATA + i % 64 * 4096, 4096);
		if (i % 16 == 0)
			sched_yield();
		if (i % 64 == 0 || host_flags() & HVC_BLK_HOST_BROKEN) {
			memset(rig.header, 0, 64);
			cr_assert_eq(ctrl(HVC_BLK_CTRL_RESET), 0);
			cr_assert_eq(ctrl(HVC_BLK_CTRL_ENABLE), 0);
		}
		wake_if_needed();
	}
	memset(rig.header, 0, 64);
	cr_assert_eq(ctrl(HVC_BLK_CTRL_RESET), 0);
	cr_assert_eq(ctrl(HVC_BLK_CTRL_ENABLE), 0);
	rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
	wake_if_needed();
	cr_expect_eq(wait_for_one(), HVC_BLK_OK);
}

/* Paused: all that was there is posted; what comes then waits for the vCPU's first call. */
Test(hvc_poll, a_vcpu_that_does_not_run_is_left_alone)
{
	struct hvc_blk_cqe cqe;

	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < 8; i++)
			rig_put(HVC_BLK_OP_READ, i, i, DATA + i * 512, 512);
		wake_if_needed();
		hvc_blk_drain(rig.blk, 0);
		for (unsigned int i = 0; i < 8; i++)
			cr_assert(rig_get(&cqe), "%u of round %u", i, round);
		cr_assert_eq(host_flags() & HVC_BLK_HOST_NEED_WAKEUP, HVC_BLK_HOST_NEED_WAKEUP);
		rig_put(HVC_BLK_OP_READ, 0, 0, DATA, 512);
		hvc_blk_changed(rig.blk, 0); /* wakes the poller, which looks elsewhere */
		cr_assert_eq(rig.header->sq_head, rig.header->sq_tail - 1);
		wake_if_needed();
		cr_assert_eq(wait_for_one(), HVC_BLK_OK);
	}
}

/* What finds no room goes on by itself while the poller looks, and by a REAP where it sleeps. */
Test(hvc_poll, completions_never_overflow)
{
	struct hvc_blk_cqe cqe;
	unsigned int seen = 0;

	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (unsigned int i = 0; i < ENTRIES; i++)
		rig_put(HVC_BLK_OP_READ, i, i, DATA, 512);
	wake_if_needed();
	while (__atomic_load_n(&rig.header->sq_head, __ATOMIC_ACQUIRE) != ENTRIES)
		sched_yield();
	for (unsigned int i = 0; i < 8; i++)
		rig_put(HVC_BLK_OP_READ, i, i, DATA, 512);
	wake_if_needed();
	wait_asleep();
	while (seen < ENTRIES + 8) {
		if (rig_get(&cqe))
			seen++;
		else
			cr_assert_eq(rig_call(HVC_BLK_REAP, 0, 0, 0, 0), 0);
	}
	cr_expect_eq(rig.header->cq_tail, ENTRIES + 8);
}

Test(hvc_poll, change_of_size_is_shown_and_told)
{
	struct hvc_blk_device_info info;

	rig_open(HVC_BLK_QUEUE_HOST_POLL);
	for (uint32_t n = 1; n < 20; n++) {
		wait_asleep();
		hvc_blk_changed(rig.blk, 0);
		while (__atomic_load_n(&rig.header->generation, __ATOMIC_RELAXED) != n)
			rig_interrupt();
		cr_assert(host_flags() & HVC_BLK_HOST_CONFIG_CHANGED);
		cr_assert_eq(rig_call(HVC_BLK_DEV_INFO, 0, DATA, sizeof(info), 0), sizeof(info));
		while (host_flags() & HVC_BLK_HOST_CONFIG_CHANGED)
			cr_assert_eq(rig_call(HVC_BLK_REAP, 0, 0, 0, 0), 0);
	}
}
