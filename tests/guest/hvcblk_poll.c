/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue that the host polls: requests without a call, but WAKEUP where the header asks for it;
 * interrupts for what is posted already. Disks: see lib/hvcblk.h, each with mode=thread.
 */
#include "gic.h"
#include "hvcblk_call.h"
#include "mmu.h"
#include "timer.h"

#define ROUNDS	400U
#define WAIT_MS 60000U

static uint8_t data[QUEUE_ENTRIES * 512] __attribute__((aligned(4096)));
static uint8_t copy[QUEUE_ENTRIES * 512] __attribute__((aligned(4096)));
static struct hvcblk_queue queue;
static unsigned int calls, skipped, bad;

static uint32_t host_flags(void)
{
	return __atomic_load_n(&queue.header.host_flags, __ATOMIC_RELAXED);
}

/* The barrier pairs with the host's, between its store of NEED_WAKEUP and its look at sq_tail. */
static void announce(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (host_flags() & HVC_BLK_HOST_NEED_WAKEUP) {
		calls++;
		bad += hvcblk_ring(HVC_BLK_WAKEUP, queue.id) != 0;
	} else {
		skipped++;
		bad += !(host_flags() & (HVC_BLK_HOST_POLLING | HVC_BLK_HOST_NEED_WAKEUP));
	}
}

static void put(unsigned int op, unsigned int tag, uint8_t *buffer)
{
	const struct hvc_blk_sqe sqe = {
		.op = (uint8_t)op,
		.tag = (uint16_t)tag,
		.nseg = 1,
		.sector = tag,
		.nr_sectors = 1,
		.seg[0] = { (uintptr_t)buffer + tag * 512, 512, 0 },
	};

	hvcblk_put(&queue, &sqe);
}

/* Looks at the ring alone. */
static bool finish(unsigned int count)
{
	struct hvc_blk_cqe cqe;

	for (; count; count--) {
		if (!wait_until(hvcblk_get(&queue, &cqe), WAIT_MS))
			return false;
		bad += cqe.status || cqe.flags;
	}
	return true;
}

static bool move(unsigned int op, uint8_t *buffer)
{
	for (unsigned int tag = 0; tag < QUEUE_ENTRIES; tag++) {
		put(op, tag, buffer);
		if (tag % 8 == 7)
			announce();
	}
	return finish(QUEUE_ENTRIES);
}

static void check_data(void)
{
	bool all = true;

	queue.header.guest_flags = HVC_BLK_GUEST_NO_IRQ;
	for (unsigned int i = 0; all && i < ROUNDS; i++) {
		hvcblk_fill(data, sizeof(data), i);
		all = move(HVC_BLK_OP_WRITE, data) && move(HVC_BLK_OP_READ, copy);
		bad += !hvcblk_same(data, copy, sizeof(data));
	}
	check(all, "every request ends without a doorbell");
	check_eq(bad, 0, "without a fault");
	note("%u calls of WAKEUP, %u times none was needed", calls, skipped);
}

/* It is told, and finds what it is told of without another call. */
static void check_interrupts(void)
{
	struct hvc_blk_cqe cqe;
	unsigned int told = 0;

	queue.header.guest_flags = 0;
	while (gic_poll() != GIC_SPURIOUS)
		;
	for (unsigned int i = 0; i < 20; i++) {
		put(HVC_BLK_OP_READ, 0, copy);
		announce();
		if (!wait_until(gic_poll() == queue.config.intid, WAIT_MS))
			break;
		told += hvcblk_get(&queue, &cqe);
	}
	check_eq(told, 20, "an interrupt for each, posted before");
}

static void check_end(void)
{
	check_eq((uint64_t)hvcblk_call(HVC_BLK_QUEUE_CTRL, queue.id, HVC_BLK_CTRL_RESET, 0), 0,
		 "reset");
	check_eq((uint64_t)hvcblk_ring(HVC_BLK_DOORBELL, queue.id), (uint64_t)-HVC_BLK_ESHUTDOWN,
		 "doorbell: not enabled");
	check_eq((uint64_t)hvcblk_call(HVC_BLK_QUEUE_CTRL, queue.id, HVC_BLK_CTRL_FREE, 0), 0,
		 "free");
	check_eq((uint64_t)hvcblk_ring(HVC_BLK_WAKEUP, queue.id), (uint64_t)-HVC_BLK_ENOENT,
		 "wakeup: freed");
}

static void on_irq(unsigned int intid)
{
	panic("interrupt %u, which is masked", intid);
}

void guest_main(void)
{
	gic_init(on_irq);
	mmu_enable();
	if (hvcblk_call(HVC_BLK_VERSION, 0, 0, 0) < 0) {
		skip("all", "this host takes no calls");
		return;
	}
	check(hvcblk_results[1] & HVC_BLK_F_HOST_POLL, "it polls");
	hvcblk_configure(&queue, DISK_PLAIN, 0);
	queue.config.flags = HVC_BLK_QUEUE_HOST_POLL;
	if (!check(hvcblk_open(&queue), "open"))
		return;
	gic_enable_edge(queue.config.intid);
	check_data();
	check_interrupts();
	check_end();
}
