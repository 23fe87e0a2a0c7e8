/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercall disks by version 2: every call, every error, every operation, interrupts; with a
 * second CPU, doorbells from the wrong one. Built once a way to call (lib/hvcblk_call.h). Disks:
 * see lib/hvcblk.h.
 */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "hvcblk_call.h"
#include "map.h"
#include "mmu.h"
#include "timer.h"

#define SGI_GO	 1U
#define SGI_GONE 2U
#define WAIT_MS	 10000U

static uint8_t data[8192] __attribute__((aligned(4096)));
static uint8_t copy[8192] __attribute__((aligned(4096)));
static struct hvc_blk_segment table[8];
static struct hvc_blk_device_info info;
static struct hvc_blk_id id;
static struct hvcblk_queue queue, other;

#define call(...)  hvcblk_call(__VA_ARGS__)
#define ring	   hvcblk_ring
#define results	   hvcblk_results
#define AT(object) ((uintptr_t)(object))
#define check_call(want, name, ...) \
	check_eq((uint64_t)call(__VA_ARGS__), (uint64_t)(int64_t)(want), name)
#define check_ring(want, name, ...) \
	check_eq((uint64_t)ring(__VA_ARGS__), (uint64_t)(int64_t)(want), name)

/* ---- what the host says -----------------------------------------------------------------------
 */

static void check_info(void)
{
	check_call(HVC_BLK_VERSION_2_0, "version", HVC_BLK_VERSION, 0, 0, 0);
	check((results[1] & (HVC_BLK_F_RINGS | HVC_BLK_F_IRQ_REAP)) ==
		      (HVC_BLK_F_RINGS | HVC_BLK_F_IRQ_REAP),
	      "features: rings, interrupts that want REAP");
	check_eq(results[2], (uint64_t)HVC_BLK_MAX_QUEUES << 32 | HVC_BLK_MAX_ENTRIES, "limits");
	check_call(sizeof(info), "info", HVC_BLK_DEV_INFO, DISK_PLAIN, AT(&info), 4096);
	check_eq(info.size, sizeof(info), "info: size");
	check_eq(info.sectors, DISK_SECTORS, "info: sectors");
	check_eq(info.logical_block, 512, "info: logical block");
	check_eq(info.flags & HVC_BLK_DEV_READ_ONLY, 0, "info: not read-only");
	check_eq(info.flags & HVC_BLK_DEV_DISCARD, HVC_BLK_DEV_DISCARD, "info: discard");
	check_call(sizeof(info), "info of a read-only disk", HVC_BLK_DEV_INFO, DISK_RO, AT(&info),
		   256);
	check_eq(info.flags & HVC_BLK_DEV_READ_ONLY, HVC_BLK_DEV_READ_ONLY, "info: read-only");
	check_call(sizeof(info), "info of large blocks", HVC_BLK_DEV_INFO, DISK_4K, AT(&info), 256);
	check_eq(info.logical_block, 4096, "info: large block");
	check_call(8, "info, the first 8 bytes", HVC_BLK_DEV_INFO, DISK_PLAIN, AT(&info), 8);
	check_eq(info.size, 8, "info: filled 8");
	check_call(-HVC_BLK_ENODEV, "info: no disk", HVC_BLK_DEV_INFO, DISK_COUNT, AT(&info), 256);
	check_call(-HVC_BLK_EINVAL, "info: size 0", HVC_BLK_DEV_INFO, 0, AT(&info), 0);
	check_call(-HVC_BLK_EFAULT, "info: no memory", HVC_BLK_DEV_INFO, 0, 0, 256);
	check_call(0, "id", HVC_BLK_GET_ID, DISK_PLAIN, AT(&id), 0);
	check(id.serial[0] == 's' && id.serial[7] == '0' && !id.serial[8], "id: serial");
	check_call(-HVC_BLK_ENODEV, "id: no disk", HVC_BLK_GET_ID, DISK_COUNT, AT(&id), 0);
	check_call(-HVC_BLK_EFAULT, "id: no memory", HVC_BLK_GET_ID, 0, 0, 0);
}

/* ---- queues ------------------------------------------------------------------------------------
 */

#define SETUP(q)    call(HVC_BLK_QUEUE_SETUP, AT(&(q)->config), sizeof((q)->config), 0)
#define CTRL(q, op) call(HVC_BLK_QUEUE_CTRL, (q)->id, (op), 0)

#define check_wrong(want, name, field, value)                                          \
	do {                                                                           \
		hvcblk_configure(&other, DISK_PLAIN, 0);                               \
		other.config.field = (value);                                          \
		check_eq((uint64_t)SETUP(&other), (uint64_t) - (int64_t)(want), name); \
	} while (0)

static void check_setup_errors(void)
{
	check_wrong(HVC_BLK_EINVAL, "setup: flags", flags, 8);
	check_wrong(HVC_BLK_EINVAL, "setup: reserved", reserved[1], 1);
	check_wrong(HVC_BLK_ENODEV, "setup: no disk", dev, DISK_COUNT);
	check_wrong(HVC_BLK_EXDEV, "setup: another vCPU", vcpu, 1);
	check_wrong(HVC_BLK_EINVAL, "setup: another interrupt", irq, 1);
	check_wrong(HVC_BLK_EINVAL, "setup: no entries", sq_entries, 0);
	check_wrong(HVC_BLK_EINVAL, "setup: entries no power of two", sq_entries, 12);
	check_wrong(HVC_BLK_EINVAL, "setup: too many entries", cq_entries, 2048);
	check_wrong(HVC_BLK_EINVAL, "setup: fewer completions", cq_entries, 8);
	check_wrong(HVC_BLK_EINVAL, "setup: alignment", sq, AT(other.sq) + 8);
	check_wrong(HVC_BLK_EINVAL, "setup: overlap", cq, AT(other.sq) + 64);
	check_wrong(HVC_BLK_EFAULT, "setup: no memory", header, 0x1000);
	check_wrong(HVC_BLK_EFAULT, "setup: the last addresses", header, ~63UL);
	hvcblk_configure(&other, DISK_PLAIN, 0);
	check_call(-HVC_BLK_EINVAL, "setup: size", HVC_BLK_QUEUE_SETUP, AT(&other.config), 63, 0);
	check_call(-HVC_BLK_EFAULT, "setup: configuration", HVC_BLK_QUEUE_SETUP, 0, 64, 0);
	other.id = 1;
	check_call(-HVC_BLK_E2BIG, "setup: more than is known", HVC_BLK_QUEUE_SETUP,
		   AT(&other.config), 68, 0);
	check_call(-HVC_BLK_ENOENT, "ctrl: no queue", HVC_BLK_QUEUE_CTRL, 7, 1, 0);
	check_ring(-HVC_BLK_ENOENT, "doorbell: no queue", HVC_BLK_DOORBELL, 7);
	check_ring(-HVC_BLK_ENOENT, "reap: no queue", HVC_BLK_REAP, 4095);
	check_ring(-HVC_BLK_ENOENT, "doorbell and wait: no queue", HVC_BLK_DOORBELL_WAIT, 7);
	check_ring(-HVC_BLK_ENOENT, "wakeup: no queue", HVC_BLK_WAKEUP, 7);
}

static bool open_queue(struct hvcblk_queue *q, unsigned int disk)
{
	int64_t number;

	hvcblk_configure(q, disk, 0);
	number = SETUP(q);
	if (!check(number >= 0, "setup of disk %u", disk))
		return false;
	q->id = (uint32_t)number;
	return check_eq((uint64_t)CTRL(q, HVC_BLK_CTRL_ENABLE), 0, "enable");
}

/* Rings, and waits for the completion as long as it takes: by the interrupt where there is one. */
static unsigned int run(struct hvcblk_queue *q, const struct hvc_blk_sqe *sqe)
{
	struct hvc_blk_cqe cqe;

	hvcblk_put(q, sqe);
	if (ring(HVC_BLK_DOORBELL, q->id))
		return 0x100;
	/* An interrupt may be for what was found before it: only the ring says. */
	while (!hvcblk_get(q, &cqe)) {
		if (!wait_until(gic_poll() == q->config.intid, WAIT_MS))
			return 0x101;
		if (ring(HVC_BLK_REAP, q->id))
			return 0x102;
	}
	return cqe.tag == sqe->tag ? cqe.status : 0x103;
}

static struct hvc_blk_sqe request(unsigned int op, uint64_t sector, void *buffer, uint32_t bytes)
{
	static uint16_t tag;

	return (struct hvc_blk_sqe){
		.op = (uint8_t)op,
		.tag = tag++,
		.nseg = bytes ? 1 : 0,
		.sector = sector,
		.nr_sectors = bytes / 512,
		.seg[0] = { bytes ? AT(buffer) : 0, bytes, 0 },
	};
}

#define check_run(want, name, q, sqe) check_eq(run((q), (sqe)), (want), name)

static void check_operations(void)
{
	struct hvc_blk_sqe sqe = request(HVC_BLK_OP_WRITE, 16, data, 8192);

	hvcblk_fill(data, sizeof(data), 9);
	check_run(HVC_BLK_OK, "write", &queue, &sqe);
	sqe = request(HVC_BLK_OP_FLUSH, 0, NULL, 0);
	check_run(HVC_BLK_OK, "flush", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 16, copy, 8192);
	check_run(HVC_BLK_OK, "read", &queue, &sqe);
	check(hvcblk_same(data, copy, 8192), "what was written is read");
	sqe = request(HVC_BLK_OP_WRITE, 40, data, 512);
	sqe.flags = HVC_BLK_SQE_FUA;
	check_run(HVC_BLK_OK, "write, durable", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 16, copy + 1024, 512);
	sqe.nseg = 2;
	sqe.nr_sectors = 2;
	sqe.seg[1] = (struct hvc_blk_segment){ AT(copy), 512, 0 };
	check_run(HVC_BLK_OK, "read into two segments", &queue, &sqe);
	check(hvcblk_same(data, copy + 1024, 512) && hvcblk_same(data + 512, copy, 512),
	      "in their order");
	for (unsigned int i = 0; i < 8; i++)
		table[i] = (struct hvc_blk_segment){ AT(copy) + (7 - i) * 1024, 1024, 0 };
	sqe = request(HVC_BLK_OP_READ, 16, table, 8 * sizeof(table[0]));
	sqe.flags = HVC_BLK_SQE_INDIRECT;
	sqe.nseg = 8;
	sqe.nr_sectors = 16;
	check_run(HVC_BLK_OK, "read by a table", &queue, &sqe);
	check(hvcblk_same(data, copy + 7 * 1024, 1024) && hvcblk_same(data + 7168, copy, 1024),
	      "by its order");
	sqe = request(HVC_BLK_OP_WRITE_ZEROES, 16, NULL, 0);
	sqe.nr_sectors = 8;
	check_run(HVC_BLK_OK, "write zeroes", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 16, copy, 8192);
	check_run(HVC_BLK_OK, "read again", &queue, &sqe);
	check(!copy[0] && !copy[4095] && hvcblk_same(data + 4096, copy + 4096, 4096), "zeroes");
	sqe = request(HVC_BLK_OP_DISCARD, 24, NULL, 0);
	sqe.nr_sectors = 8;
	check_run(HVC_BLK_OK, "discard", &queue, &sqe);
}

static void check_statuses(void)
{
	struct hvc_blk_sqe sqe = request(HVC_BLK_OP_READ, DISK_SECTORS, copy, 512);

	check_run(HVC_BLK_RANGE, "read past the end", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, ~0UL, copy, 512);
	check_run(HVC_BLK_RANGE, "read sector 2^64 - 1", &queue, &sqe);
	sqe = request(6, 0, copy, 512);
	check_run(HVC_BLK_INVALID, "unknown operation", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, NULL, 512);
	check_run(HVC_BLK_INVALID, "read to address 0", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, (void *)~511UL, 512);
	check_run(HVC_BLK_INVALID, "read to the last addresses", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, copy, 512);
	sqe.flags = 0x10;
	check_run(HVC_BLK_INVALID, "unknown flag", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, copy, 512);
	sqe.reserved1 = 1;
	check_run(HVC_BLK_INVALID, "reserved field", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, copy, 512);
	sqe.nr_sectors = 2;
	check_run(HVC_BLK_INVALID, "segments that do not sum up", &queue, &sqe);
	sqe = request(HVC_BLK_OP_READ, 0, table, 300 * 16);
	sqe.flags = HVC_BLK_SQE_INDIRECT;
	sqe.nseg = 300;
	check_run(HVC_BLK_INVALID, "too long a table", &queue, &sqe);
	if (!open_queue(&other, DISK_RO))
		return;
	gic_enable_edge(other.config.intid);
	sqe = request(HVC_BLK_OP_WRITE, 0, data, 512);
	check_run(HVC_BLK_READ_ONLY, "write to a read-only disk", &other, &sqe);
	check_eq((uint64_t)CTRL(&other, HVC_BLK_CTRL_FREE), 0, "free");
	if (!open_queue(&other, DISK_4K))
		return;
	sqe = request(HVC_BLK_OP_READ, 0, copy, 512);
	check_run(HVC_BLK_INVALID, "an eighth of a block", &other, &sqe);
	sqe = request(HVC_BLK_OP_READ, 8, copy, 4096);
	check_run(HVC_BLK_OK, "a block", &other, &sqe);
	sqe = request(HVC_BLK_OP_DISCARD, 8, NULL, 0);
	sqe.nr_sectors = 8;
	check_run(HVC_BLK_UNSUPPORTED, "discard of a disk that has none", &other, &sqe);
	check_eq((uint64_t)CTRL(&other, HVC_BLK_CTRL_FREE), 0, "free");
}

/* The disk has had a queue: it is over with version 1, but for its capacity. */
static void check_version_1_is_over(void)
{
	check_eq((uint64_t)hvcblk_call4(HVC_BLK_READ, DISK_PLAIN, 0, AT(copy), 512),
		 (uint64_t)-HVC_BLK_EBUSY, "read by version 1");
	check_eq((uint64_t)hvcblk_call4(HVC_BLK_WRITE, DISK_PLAIN, 0, AT(copy), 512),
		 (uint64_t)-HVC_BLK_EBUSY, "write by version 1");
	check_call(-HVC_BLK_EBUSY, "flush by version 1", HVC_BLK_FLUSH, DISK_PLAIN, 0, 0);
	check_call(DISK_SECTORS, "capacity by version 1", HVC_BLK_CAPACITY, DISK_PLAIN, 0, 0);
}

/* Every number there is: one more has none. By one of the ways to call, since it takes a while. */
static void check_all_queues(void)
{
#ifdef BY_SMC
	unsigned int made = 0, freed = 0;
	int64_t number;

	hvcblk_configure(&other, DISK_PLAIN, 0);
	while ((number = SETUP(&other)) >= 0)
		made++;
	check_eq((uint64_t)number, (uint64_t)-HVC_BLK_ENOSPC, "setup: no queue is left");
	check_eq(made, HVC_BLK_MAX_QUEUES - 1, "all but one");
	for (other.id = HVC_BLK_MAX_QUEUES - 1; other.id; other.id--)
		freed += CTRL(&other, HVC_BLK_CTRL_FREE) == 0;
	check_eq(freed, made, "all of them freed");
#endif
}

/* A batch, more than once around the rings. */
static void check_batches(void)
{
	struct hvc_blk_cqe cqe;
	unsigned int done = 0, bad = 0;

	for (unsigned int n = 0; n < 5; n++) {
		for (unsigned int i = 0; i < QUEUE_ENTRIES; i++) {
			struct hvc_blk_sqe sqe = request(HVC_BLK_OP_READ, i, copy, 512);

			hvcblk_put(&queue, &sqe);
		}
		bad += ring(HVC_BLK_DOORBELL, queue.id) != 0;
		while (done < (n + 1) * QUEUE_ENTRIES) {
			if (hvcblk_get(&queue, &cqe)) {
				bad += cqe.status;
				done++;
			} else if (wait_until(gic_poll() == queue.config.intid, WAIT_MS)) {
				bad += ring(HVC_BLK_REAP, queue.id) != 0;
			} else {
				break;
			}
		}
	}
	check_eq(done, 5 * QUEUE_ENTRIES, "all of five batches");
	check_eq(bad, 0, "without a fault");
}

static void check_control(void)
{
	struct hvc_blk_sqe sqe = request(HVC_BLK_OP_READ, 0, copy, 512);

	check_eq((uint64_t)CTRL(&queue, 9), (uint64_t)-HVC_BLK_EINVAL, "ctrl: operation");
	queue.header.wait_us = 100;
	check_ring(0, "doorbell and wait, with nothing to do", HVC_BLK_DOORBELL_WAIT, queue.id);
	check_ring(0, "wakeup", HVC_BLK_WAKEUP, queue.id);
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_QUIESCE), 0, "quiesce");
	check_ring(-HVC_BLK_ESHUTDOWN, "doorbell: quiet", HVC_BLK_DOORBELL, queue.id);
	check_ring(-HVC_BLK_ESHUTDOWN, "doorbell and wait: quiet", HVC_BLK_DOORBELL_WAIT, queue.id);
	check_ring(0, "reap: quiet", HVC_BLK_REAP, queue.id);
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_ENABLE), 0, "enable again");
	check_run(HVC_BLK_OK, "and read", &queue, &sqe);
	queue.header.sq_tail += 100;
	check_ring(-HVC_BLK_EPIPE, "doorbell: sq_tail is nowhere", HVC_BLK_DOORBELL, queue.id);
	check_ring(-HVC_BLK_EPIPE, "doorbell and wait: broken", HVC_BLK_DOORBELL_WAIT, queue.id);
	check_ring(0, "reap: broken", HVC_BLK_REAP, queue.id);
	check(queue.header.host_flags & HVC_BLK_HOST_BROKEN, "broken");
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_ENABLE), (uint64_t)-HVC_BLK_EPIPE,
		 "enable: broken");
	queue.header = (struct hvc_blk_header){ 0 };
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_RESET), 0, "reset");
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_ENABLE), 0, "enable after reset");
	check_run(HVC_BLK_OK, "healed", &queue, &sqe);
}

/* ---- a second CPU: it shares no memory with the first, only interrupts
 * --------------------------- */

static void wrong_cpu(unsigned int cpu)
{
	gic_cpu_init();
	gic_enable(SGI_GO);
	while (gic_poll() != SGI_GO)
		;
	check_ring(-HVC_BLK_EXDEV, "doorbell from the wrong vCPU", HVC_BLK_DOORBELL, 0);
	check_ring(-HVC_BLK_EXDEV, "reap from the wrong vCPU", HVC_BLK_REAP, 0);
	check_ring(-HVC_BLK_EXDEV, "doorbell and wait from the wrong vCPU", HVC_BLK_DOORBELL_WAIT,
		   0);
	check_ring(-HVC_BLK_EXDEV, "wakeup from the wrong vCPU", HVC_BLK_WAKEUP, 0);
	check_call(-HVC_BLK_EXDEV, "free by the wrong vCPU", HVC_BLK_QUEUE_CTRL, 0,
		   HVC_BLK_CTRL_FREE, 0);
	(void)cpu;
	gic_send_sgi(SGI_GONE, cpu_affinity(0));
}

static void on_irq(unsigned int intid)
{
	panic("interrupt %u, which is masked", intid);
}

void guest_main(void)
{
	unsigned int cpus = gic_cpu_count();

	gic_init(on_irq);
	if (cpus > 1)
		cpu_start(1, wrong_cpu, 0);
	mmu_enable();
	if (call(HVC_BLK_VERSION, 0, 0, 0) < 0) {
		skip("all", "this host takes no calls");
		return;
	}
	check_info();
	check_setup_errors();
	if (!open_queue(&queue, DISK_PLAIN))
		return;
	check_eq(queue.id, 0, "the first queue is 0");
	check(queue.config.intid >= 32, "its interrupt");
	gic_enable_edge(queue.config.intid);
	check_version_1_is_over();
	check_operations();
	check_statuses();
	check_batches();
	check_all_queues();
	if (cpus > 1) {
		gic_enable(SGI_GONE);
		gic_send_sgi(SGI_GO, cpu_affinity(1));
		check(wait_until(gic_poll() == SGI_GONE, WAIT_MS), "the other CPU is done");
	}
	check_control();
	check_eq((uint64_t)CTRL(&queue, HVC_BLK_CTRL_FREE), 0, "free");
	check_ring(-HVC_BLK_ENOENT, "doorbell: freed", HVC_BLK_DOORBELL, queue.id);
}
