/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk whose host has less room than the disk is large: writes end as NO_SPACE where it is over,
 * and all else goes on. Disk 0, 1 MiB of which there is room for half at most.
 */
#include "gic.h"
#include "hvcblk_call.h"
#include "mmu.h"
#include "timer.h"

#define CHUNK	65536U
#define WAIT_MS 60000U

static uint8_t data[CHUNK] __attribute__((aligned(4096)));
static struct hvcblk_queue queue;

static unsigned int run(unsigned int op, uint64_t sector, uint32_t bytes)
{
	const struct hvc_blk_sqe sqe = {
		.op = (uint8_t)op,
		.nseg = bytes ? 1 : 0,
		.sector = sector,
		.nr_sectors = bytes / 512,
		.seg[0] = { bytes ? (uintptr_t)data : 0, bytes, 0 },
	};
	struct hvc_blk_cqe cqe;

	hvcblk_put(&queue, &sqe);
	if (hvcblk_ring(HVC_BLK_DOORBELL, queue.id))
		return 0x100;
	while (!hvcblk_get(&queue, &cqe)) {
		if (!wait_until(gic_poll() == queue.config.intid, WAIT_MS))
			return 0x101;
		if (hvcblk_ring(HVC_BLK_REAP, queue.id))
			return 0x102;
	}
	return cqe.status;
}

static void on_irq(unsigned int intid)
{
	panic("interrupt %u, which is masked", intid);
}

void guest_main(void)
{
	unsigned int status = HVC_BLK_OK, written = 0;

	gic_init(on_irq);
	mmu_enable();
	if (hvcblk_call(HVC_BLK_VERSION, 0, 0, 0) < 0) {
		skip("all", "this host takes no calls");
		return;
	}
	hvcblk_configure(&queue, 0, 0);
	if (!check(hvcblk_open(&queue), "open"))
		return;
	gic_enable_edge(queue.config.intid);
	hvcblk_fill(data, sizeof(data), 7);
	for (; status == HVC_BLK_OK && written < DISK_SECTORS / 128; written++)
		status = run(HVC_BLK_OP_WRITE, written * 128UL, CHUNK);
	check_eq(status, HVC_BLK_NO_SPACE, "the write for which there is no room");
	check_eq(run(HVC_BLK_OP_READ, 0, CHUNK), HVC_BLK_OK, "reads go on");
	check_eq(run(HVC_BLK_OP_FLUSH, 0, 0), HVC_BLK_OK, "so do flushes");
	check_eq(run(HVC_BLK_OP_DISCARD, 0, 0), HVC_BLK_INVALID, "a discard of nothing");
	check_eq(run(HVC_BLK_OP_WRITE, 0, CHUNK), HVC_BLK_OK, "so do writes where there was room");
}
