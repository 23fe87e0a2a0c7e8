/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several vCPUs' threads kick one virtio disk: all of them each queue, as a hostile guest may, on a
 * lane each, while another resizes it and one resets it. No request is lost or served twice. All of
 * that by worker threads, and by io_uring.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../unit/virtio/driver.c"
#include "host.h"
#include "virtio/blk.h"
#include "virtio/mmio.h"

#define VCPUS	  3u
#define QUEUES	  2u
#define SIZE	  64u
#define SLOTS	  16u /* requests of a queue */
#define ROUNDS	  4000u
#define RESETS	  60u
#define DISK_SIZE (64u << 10)
#define DATA	  (DRIVER_RAM_BASE + 0x100000u)
#define PLACE	  0x2000u /* of a request: header, status at 0x800, data at 0x1000 */

static struct {
	struct gmem mem;
	struct host_file file;
	struct disk *disk;
	struct irq_line line;
	struct vblk *vblk;
	struct virtio_mmio *mmio;
	struct vblk_lane *lanes[VCPUS];
	_Atomic unsigned int wakes[VCPUS]; /* as kicks of a vCPU: each is a look at its lane */
	_Atomic bool done;
	pthread_mutex_t driver; /* the guest's own lock of its queue, and of registers */
	struct driver_queue queues[QUEUES];
} rig;

static enum blk_engine engine;

static void wake(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned int *)ctx, 1);
}

static void reg_write(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig.mmio, reg, 4, val);
}

static void start(void)
{
	driver_start(rig.mmio, &rig.mem, rig.queues, QUEUES, SIZE, 0);
}

static int make_lane(unsigned int vcpu)
{
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_SIGNAL,
		.disks = &rig.disk,
		.nr_disks = 1,
		.eventfd = -1,
		.wake_owner = wake,
		.ctx = &rig.wakes[vcpu],
		.wake_signal = SIGUSR1,
	};

	return vblk_lane_create(&config, &rig.lanes[vcpu]);
}

static void rig_fini(void)
{
	for (unsigned int i = 0; i < VCPUS; i++)
		vblk_lane_destroy(rig.lanes[i]);
	virtio_mmio_destroy(rig.mmio);
	vblk_destroy(rig.vblk);
	disk_close(rig.disk);
	gmem_fini(&rig.mem);
	pthread_mutex_destroy(&rig.driver);
}

/* False: this host refuses io_uring. */
static bool rig_init(void)
{
	const struct disk_config like = { .id = "disk0", .engine = (int)engine, .discard = true };
	int ret = 0;

	rig.disk = host_disk(&rig.file, &like, DISK_SIZE);
	gmem_init(&rig.mem);
	NEED(gmem_add(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vblk_create(rig.disk, QUEUES, &rig.vblk) == 0);
	NEED(virtio_mmio_create(vblk_device(rig.vblk), &rig.mem, &rig.line, &rig.mmio) == 0);
	pthread_mutex_init(&rig.driver, NULL);
	atomic_store(&rig.done, false);
	for (unsigned int i = 0; i < VCPUS; i++)
		rig.lanes[i] = NULL;
	for (unsigned int i = 0; ret == 0 && i < VCPUS; i++)
		ret = make_lane(i);
	if (ret == 0)
		return true;
	NEED(engine == BLK_ENGINE_URING && (ret == -ENOSYS || ret == -EPERM));
	fprintf(stderr, "skipped: this host refuses io_uring\n");
	rig_fini();
	return false;
}

/* Of queue @index, request @slot: a write of 512 bytes that no other request touches. */
static void offer(unsigned int index, unsigned int slot)
{
	gpa_t place = DATA + (index * SLOTS + slot) * PLACE;
	const uint64_t header[2] = { 1, index * SLOTS + slot };
	const struct driver_buf bufs[] = { { place, 16, false },
					   { place + 0x1000, 512, false },
					   { place + 0x800, 1, true } };
	struct driver_queue *queue = &rig.queues[index];

	NEED(gmem_write_obj(&rig.mem, place, &header) == 0);
	queue->next_desc = (uint16_t)(3 * slot); /* its own descriptors, too */
	driver_offer(queue, driver_chain(queue, bufs, 3));
}

static bool busy[QUEUES][SLOTS];

static void pull(unsigned int index)
{
	struct virtq_used_elem elem;

	while (driver_used(&rig.queues[index], &elem)) {
		NEED(elem.id % 3 == 0 && elem.id / 3 < SLOTS);
		CHECK(busy[index][elem.id / 3]);
		busy[index][elem.id / 3] = false;
	}
}

/* The guest's side: one lock. Then every thread rings every queue. */
static void push_and_pull(void)
{
	pthread_mutex_lock(&rig.driver);
	for (unsigned int i = 0; i < QUEUES; i++) {
		pull(i);
		for (unsigned int slot = 0; slot < SLOTS; slot++) {
			if (busy[i][slot])
				continue;
			busy[i][slot] = true;
			offer(i, slot);
		}
	}
	pthread_mutex_unlock(&rig.driver);
}

static void *vcpu(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	struct vblk_lane *lane = rig.lanes[index];

	NEED(vblk_lane_attach(lane) == 0);
	for (unsigned int i = 0; !atomic_load(&rig.done); i++) {
		push_and_pull();
		for (unsigned int queue = 0; queue < QUEUES; queue++)
			reg_write(0x50, queue);
		vblk_lane_reap(lane);
		if (index == 0 && i == ROUNDS)
			atomic_store(&rig.done, true);
	}
	vblk_lane_drain(lane);
	vblk_lane_detach();
	return NULL;
}

static void *resizer(void *arg)
{
	(void)arg;
	while (!atomic_load(&rig.done)) {
		NEED(disk_resize(rig.disk) == 0);
		vblk_resized(rig.vblk);
		(void)virtio_mmio_ops.read(rig.mmio, 0x100, 8);
		(void)virtio_mmio_ops.read(rig.mmio, 0x60, 4);
		reg_write(0x64, 3);
		sched_yield();
	}
	return NULL;
}

static void no_request_is_lost_or_served_twice(void)
{
	pthread_t threads[VCPUS + 1];

	if (!rig_init())
		return;
	memset(busy, 0, sizeof(busy));
	start();
	for (uintptr_t i = 0; i < VCPUS; i++)
		threads[i] = check_spawn(vcpu, (void *)i);
	threads[VCPUS] = check_spawn(resizer, NULL);
	for (unsigned int i = 0; i <= VCPUS; i++)
		pthread_join(threads[i], NULL);
	/* What was offered last was rung for by its thread, and all lanes are drained. */
	for (unsigned int i = 0; i < QUEUES; i++) {
		pull(i);
		for (unsigned int slot = 0; slot < SLOTS; slot++)
			CHECK(!busy[i][slot]);
	}
	CHECK(virtio_mmio_ops.read(rig.mmio, 0x70, 4) == 0xf);
	CHECK(atomic_load(&nr_edges) > 0);
	rig_fini();
}

/*
 * Resets, by one vCPU, while the others ring and have requests of the device on their lanes, and
 * the disk is resized.
 */
static void *ringer(void *arg)
{
	struct vblk_lane *lane = rig.lanes[(uintptr_t)arg];

	NEED(vblk_lane_attach(lane) == 0);
	while (!atomic_load(&rig.done)) {
		for (unsigned int queue = 0; queue < QUEUES; queue++)
			reg_write(0x50, queue);
		vblk_lane_reap(lane);
	}
	vblk_lane_drain(lane);
	vblk_lane_detach();
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[VCPUS];

	if (!rig_init())
		return;
	for (uintptr_t i = 1; i < VCPUS; i++)
		threads[i] = check_spawn(ringer, (void *)i);
	threads[0] = check_spawn(resizer, NULL);
	NEED(vblk_lane_attach(rig.lanes[0]) == 0);
	for (unsigned int i = 0; i < RESETS; i++) {
		start();
		for (unsigned int slot = 0; slot < SLOTS; slot++)
			offer(slot % QUEUES, slot);
		reg_write(0x50, i % QUEUES);
		reg_write(0x70, 0);
		CHECK(virtio_mmio_ops.read(rig.mmio, 0x70, 4) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&rig.done, true);
	for (unsigned int i = 0; i < VCPUS; i++)
		pthread_join(threads[i], NULL);
	vblk_lane_drain(rig.lanes[0]);
	vblk_lane_detach();
	rig_fini();
}

int main(void)
{
	static const enum blk_engine engines[] = { BLK_ENGINE_SYNC, BLK_ENGINE_URING };
	unsigned int passed = 0;
	sigset_t kick;

	/* As in a vCPU's thread, where it only ends KVM_RUN. */
	sigemptyset(&kick);
	sigaddset(&kick, SIGUSR1);
	NEED(pthread_sigmask(SIG_BLOCK, &kick, NULL) == 0);
	for (unsigned int i = 0; i < 2; i++) {
		engine = engines[i];
		passed += check_run("no request is lost or served twice",
				    no_request_is_lost_or_served_twice);
		passed += check_run("a reset waits for what is under way",
				    a_reset_waits_for_what_is_under_way);
	}
	return check_end(passed, 4 - passed);
}
