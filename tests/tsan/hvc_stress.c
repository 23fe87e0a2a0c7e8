/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several vCPUs' threads on hypercall disks, one of which is polled: each uses queues of its own on
 * both, names those of others too, resets and frees them with requests in flight, and is paused;
 * meanwhile another thread resizes the disks. No request is lost or served twice.
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "../hvc_queue.h"
#include "host.h"
#include "hvc/hvc_blk.h"

#define VCPUS	  3u
#define DISKS	  2u
#define POLLED	  1u /* the disk that is */
#define ENTRIES	  8u
#define ROUNDS	  1500u
#define DISK_SIZE (64u << 10)
#define RAM_BASE  0x40000000ull
#define RAM_SIZE  0x100000ull
#define AREA	  0x10000ull /* of a vCPU's queue */

static struct {
	struct gmem mem;
	struct host_file files[DISKS];
	struct disk *disks[DISKS];
	struct irq_line lines[VCPUS];
	struct hvc_blk *blk;
	_Atomic bool done;
} rig;

/* What a driver knows of its queue. */
struct queue {
	unsigned int vcpu, disk;
	uint32_t id;
	gpa_t base;
	struct hvc_blk_header *header;
	struct hvc_blk_sqe *sq;
	struct hvc_blk_cqe *cq;
	bool busy[ENTRIES];
	unsigned int nr_busy;
};

static void make_disk(unsigned int index)
{
	const struct disk_config like = {
		.id = "disk",
		.engine = BLK_ENGINE_SYNC,
		.via = DISK_VIA_HVC,
		.mode = index == POLLED ? DISK_MODE_THREAD : DISK_MODE_AUTO,
	};

	rig.disks[index] = host_disk(&rig.files[index], &like, DISK_SIZE);
}

static void rig_init(void)
{
	const struct hvc_blk_config config = {
		.mem = &rig.mem,
		.nr_vcpus = VCPUS,
		.disks = rig.disks,
		.nr_disks = DISKS,
		.engine = BLK_ENGINE_SYNC,
		.lines = rig.lines,
		.has_mmio = true,
	};

	for (unsigned int i = 0; i < DISKS; i++)
		make_disk(i);
	for (unsigned int i = 0; i < VCPUS; i++)
		irq_line_init(&rig.lines[i], &irq_ops, NULL, 40 + i, IRQ_EDGE_RISING);
	gmem_init(&rig.mem);
	NEED(gmem_add(&rig.mem, RAM_BASE, RAM_SIZE) == 0);
	atomic_store(&rig.done, false);
	NEED(hvc_blk_create(&config, &rig.blk) == 0);
	NEED(hvc_blk_open(rig.blk) == 0);
}

static void rig_fini(void)
{
	hvc_blk_destroy(rig.blk);
	for (unsigned int i = 0; i < DISKS; i++)
		disk_close(rig.disks[i]);
	gmem_fini(&rig.mem);
}

/* ---- the driver ------------------------------------------------------------------------------ */

static int64_t call(const struct queue *queue, uint32_t function, uint64_t x1, uint64_t x2)
{
	gpa_t at = queue->base + 0x8000;
	struct hvc_blk_mmio_call *block = gmem_slice(&rig.mem, at, sizeof(*block));

	*block = (struct hvc_blk_mmio_call){ .function = function, .x = { x1, x2 } };
	hvc_blk_mmio_ops.write(rig.blk, HVC_BLK_MMIO_CALL, 8, at);
	return (int64_t)block->ret[0];
}

static int64_t ctrl(const struct queue *queue, unsigned int op)
{
	return call(queue, HVC_BLK_QUEUE_CTRL, queue->id, op);
}

static void setup(struct queue *queue)
{
	struct hvc_blk_queue_config config = hvc_queue_at(queue->base, ENTRIES);
	int64_t id;

	config.dev = (uint16_t)queue->disk;
	config.flags = HVC_BLK_QUEUE_HOST_POLL;
	config.irq = queue->vcpu;
	config.vcpu = queue->vcpu;
	NEED(gmem_zero(&rig.mem, queue->base, 0x3000) == 0);
	NEED(gmem_write_obj(&rig.mem, queue->base + 0x9000, &config) == 0);
	id = call(queue, HVC_BLK_QUEUE_SETUP, queue->base + 0x9000, sizeof(config));
	NEED(id >= 0);
	queue->id = (uint32_t)id;
	NEED(ctrl(queue, HVC_BLK_CTRL_ENABLE) == 0);
}

static void open_queue(struct queue *queue, unsigned int vcpu, unsigned int disk)
{
	*queue = (struct queue){ .vcpu = vcpu, .disk = disk };
	queue->base = RAM_BASE + (vcpu * DISKS + disk) * AREA;
	queue->header = gmem_slice(&rig.mem, queue->base, sizeof(*queue->header));
	queue->sq = gmem_slice(&rig.mem, queue->base + HVC_QUEUE_SQ, ENTRIES * sizeof(*queue->sq));
	queue->cq = gmem_slice(&rig.mem, queue->base + HVC_QUEUE_CQ, ENTRIES * sizeof(*queue->cq));
	setup(queue);
}

static void put(struct queue *queue, unsigned int tag)
{
	uint32_t tail = queue->header->sq_tail;

	CHECK(!queue->busy[tag]);
	queue->busy[tag] = true;
	queue->nr_busy++;
	queue->sq[tail % ENTRIES] = (struct hvc_blk_sqe){
		.op = tag % 2 ? HVC_BLK_OP_READ : HVC_BLK_OP_WRITE,
		.tag = (uint16_t)tag,
		.nseg = 1,
		.sector = (queue->vcpu * DISKS + queue->disk) * ENTRIES + tag,
		.nr_sectors = 1,
		.seg[0] = { queue->base + 0x4000 + tag * 512u, 512, 0 },
	};
	__atomic_store_n(&queue->header->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

static void take(struct queue *queue)
{
	uint32_t head = queue->header->cq_head;

	while (head != __atomic_load_n(&queue->header->cq_tail, __ATOMIC_ACQUIRE)) {
		struct hvc_blk_cqe cqe = queue->cq[head++ % ENTRIES];

		CHECK(cqe.status == HVC_BLK_OK);
		NEED(cqe.tag < ENTRIES && queue->busy[cqe.tag]);
		queue->busy[cqe.tag] = false;
		queue->nr_busy--;
		__atomic_store_n(&queue->header->cq_head, head, __ATOMIC_RELEASE);
	}
}

/* As the ABI has it: POLLING, NEED_WAKEUP, or neither. */
static void announce(const struct queue *queue)
{
	uint32_t flags;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = __atomic_load_n(&queue->header->host_flags, __ATOMIC_RELAXED);
	if (flags & HVC_BLK_HOST_NEED_WAKEUP)
		CHECK(call(queue, HVC_BLK_WAKEUP + queue->id, 0, 0) == 0);
	else if (!(flags & HVC_BLK_HOST_POLLING))
		CHECK(call(queue, HVC_BLK_DOORBELL + queue->id, 0, 0) == 0);
}

static void finish(struct queue *queue)
{
	for (take(queue); queue->nr_busy; take(queue)) {
		CHECK(call(queue, HVC_BLK_REAP + queue->id, 0, 0) == 0);
		sched_yield();
	}
}

/* With requests in flight: they are over when the call returns. */
static void reset(struct queue *queue, bool free)
{
	if (free) {
		CHECK(ctrl(queue, HVC_BLK_CTRL_FREE) == 0);
	} else {
		CHECK(ctrl(queue, HVC_BLK_CTRL_RESET) == 0);
		CHECK(__atomic_load_n(&queue->header->sq_head, __ATOMIC_RELAXED) == 0);
		CHECK(__atomic_load_n(&queue->header->cq_tail, __ATOMIC_RELAXED) == 0);
	}
	/* The guest's again: a thread that still used it would race with this. */
	NEED(gmem_zero(&rig.mem, queue->base + 0x1000, 0x7000) == 0);
	memset(queue->header, 0, 64);
	memset(queue->busy, 0, sizeof(queue->busy));
	queue->nr_busy = 0;
	if (free)
		setup(queue);
	else
		CHECK(ctrl(queue, HVC_BLK_CTRL_ENABLE) == 0);
}

/* No queue of this vCPU has such a number: another's, or nobody's. */
static void ring_another(const struct queue *mine, unsigned int seed)
{
	uint32_t id = seed % (VCPUS * DISKS);
	int64_t ret;

	if (id == mine[0].id || id == mine[1].id)
		return;
	for (uint32_t fid = HVC_BLK_DOORBELL; fid <= HVC_BLK_WAKEUP; fid += HVC_BLK_MAX_QUEUES) {
		ret = call(&mine[0], fid + id, 0, 0);
		CHECK(ret == -HVC_BLK_EXDEV || ret == -HVC_BLK_ENOENT);
	}
}

static void *vcpu(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	struct queue queues[DISKS];

	NEED(hvc_blk_attach(rig.blk, index) == 0);
	for (unsigned int i = 0; i < DISKS; i++)
		open_queue(&queues[i], index, i);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct queue *queue = &queues[round % DISKS];

		for (unsigned int tag = 0; tag < ENTRIES; tag++) {
			put(queue, tag);
			if (tag % 4 == 3)
				announce(queue);
		}
		if (round % 16 == 5 || round % 16 == 6)
			reset(queue, round % 32 < 16);
		else if (round % 16 == 11)
			hvc_blk_drain(rig.blk, index);
		ring_another(queues, round);
		finish(queue);
	}
	for (unsigned int i = 0; i < DISKS; i++)
		CHECK(ctrl(&queues[i], HVC_BLK_CTRL_FREE) == 0);
	hvc_blk_drain(rig.blk, index);
	return NULL;
}

static void *resizer(void *arg)
{
	struct hvc_blk_stats stats;

	(void)arg;
	while (!atomic_load(&rig.done)) {
		for (unsigned int i = 0; i < DISKS; i++) {
			NEED(disk_resize(rig.disks[i]) == 0);
			hvc_blk_changed(rig.blk, i);
		}
		hvc_blk_stats(rig.blk, &stats);
		usleep(200);
	}
	return NULL;
}

static void no_request_is_lost_or_served_twice(void)
{
	pthread_t threads[VCPUS], other;
	struct hvc_blk_stats stats;

	rig_init();
	for (uintptr_t i = 0; i < VCPUS; i++)
		threads[i] = check_spawn(vcpu, (void *)i);
	other = check_spawn(resizer, NULL);
	for (unsigned int i = 0; i < VCPUS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&rig.done, true);
	pthread_join(other, NULL);
	hvc_blk_stats(rig.blk, &stats);
	CHECK(stats.broken == 0 && stats.dropped == 0 && stats.refused == 0);
	CHECK(stats.requests > VCPUS * ROUNDS && stats.wakeups > 0 && stats.sleeps > 0);
	CHECK(atomic_load(&nr_edges) > 0);
	rig_fini();
}

int main(void)
{
	unsigned int passed = check_run("no request of a vCPU is lost or served twice",
					no_request_is_lost_or_served_twice);

	return check_end(passed, 1 - passed);
}
