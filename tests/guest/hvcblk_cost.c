/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of a disk whose data is there at once: one by one on queue 0, QUEUE_ENTRIES a doorbell on
 * queue 1. Each doorbell is the only call, all of its completions are there after it, and no
 * interrupt comes. Who runs it counts exits (tests/integration/test_hvc_cost.c).
 */
#include "gic.h"
#include "hvcblk_call.h"
#include "mmu.h"

#define SINGLES 1000U
#define BATCHES 100U

static uint8_t data[4096 * QUEUE_ENTRIES] __attribute__((aligned(4096)));
static struct hvcblk_queue single, batch;

static void put(struct hvcblk_queue *queue, unsigned int tag)
{
	const struct hvc_blk_sqe sqe = {
		.op = HVC_BLK_OP_READ,
		.tag = (uint16_t)tag,
		.nseg = 1,
		.sector = tag * 8,
		.nr_sectors = 8,
		.seg[0] = { (uintptr_t)data + tag * 4096, 4096, 0 },
	};

	hvcblk_put(queue, &sqe);
}

/* How many of @count were not there and well. */
static unsigned int missing(struct hvcblk_queue *queue, unsigned int count)
{
	struct hvc_blk_cqe cqe;

	while (count && hvcblk_get(queue, &cqe) && cqe.status == HVC_BLK_OK &&
	       cqe.flags == HVC_BLK_CQE_INLINE)
		count--;
	return count;
}

static unsigned int run(struct hvcblk_queue *queue, unsigned int rounds, unsigned int depth)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < rounds; i++) {
		for (unsigned int tag = 0; tag < depth; tag++)
			put(queue, tag);
		bad += hvcblk_ring(HVC_BLK_DOORBELL, queue->id) != 0;
		bad += missing(queue, depth);
	}
	return bad;
}

static bool open(struct hvcblk_queue *queue, unsigned int number)
{
	hvcblk_configure(queue, 0, 0);
	return check(hvcblk_open(queue) && queue->id == number, "queue %u", number);
}

static void on_irq(unsigned int intid)
{
	panic("interrupt %u, which is masked", intid);
}

void guest_main(void)
{
	unsigned int singly, together, told = 0;

	gic_init(on_irq);
	mmu_enable();
	if (hvcblk_call(HVC_BLK_VERSION, 0, 0, 0) < 0) {
		skip("all", "this host takes no calls");
		return;
	}
	if (!open(&single, 0) || !open(&batch, 1))
		return;
	gic_enable_edge(single.config.intid);
	singly = run(&single, SINGLES, 1);
	together = run(&batch, BATCHES, QUEUE_ENTRIES);
	while (gic_poll() != GIC_SPURIOUS)
		told++;
	check_eq(singly, 0, "each is there after its doorbell");
	check_eq(together, 0, "all are there after theirs");
	check_eq(told, 0, "no interrupt");
}
