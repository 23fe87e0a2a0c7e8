/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several vCPUs' threads kick one virtio disk: all of them each queue, as a hostile guest may, on a
 * lane each, while another resizes it and one resets it. No request is lost or served twice.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit/virtio/driver.c"
#include "check.h"
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
	char path[64];
	struct disk_config config;
	struct disk *disk;
	struct irq_line line;
	struct vblk *vblk;
	struct virtio_mmio *mmio;
	struct vblk_lane *lanes[VCPUS];
	_Atomic unsigned int wakes[VCPUS]; /* as kicks of a vCPU: each is a look at its lane */
	_Atomic unsigned int edges;
	_Atomic bool done;
	pthread_mutex_t driver; /* the guest's own lock of its queue, and of registers */
	struct driver_queue queues[QUEUES];
} rig;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&rig.edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void wake(void *ctx)
{
	atomic_fetch_add((_Atomic unsigned int *)ctx, 1);
}

static void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig.mmio, reg, 4, val);
}

static void put64(uint64_t reg, uint64_t val)
{
	put(reg, (uint32_t)val);
	put(reg + 4, (uint32_t)(val >> 32));
}

static void start_queue(unsigned int index)
{
	struct virtqueue_setup setup;

	driver_init(&rig.queues[index], &rig.mem, DRIVER_RAM_BASE + index * DRIVER_AREA, SIZE);
	driver_setup(&rig.queues[index], &setup);
	put(0x30, index);
	put(0x38, SIZE);
	put64(0x80, setup.desc);
	put64(0x90, setup.avail);
	put64(0xa0, setup.used);
	put(0x44, 1);
}

static void start(void)
{
	put(0x70, 0);
	put(0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x14, half);
		put(0x24, half);
		put(0x20, (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x10, 4));
	}
	put(0x70, 0xb);
	for (unsigned int i = 0; i < QUEUES; i++)
		start_queue(i);
	put(0x70, 0xf);
	CHECK(virtio_mmio_ops.read(rig.mmio, 0x70, 4) == 0xf);
}

static void make_lane(unsigned int vcpu)
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

	NEED(vblk_lane_create(&config, &rig.lanes[vcpu]) == 0);
}

static void rig_init(void)
{
	int fd = memfd_create("stress", MFD_CLOEXEC);

	NEED(fd >= 0 && ftruncate(fd, DISK_SIZE) == 0);
	snprintf(rig.path, sizeof(rig.path), "/proc/self/fd/%d", fd);
	rig.config = (struct disk_config){
		.path = rig.path, .id = "disk0", .engine = BLK_ENGINE_SYNC, .discard = true
	};
	NEED(disk_open(&rig.config, &rig.disk) == 0);
	close(fd);
	gmem_init(&rig.mem);
	NEED(gmem_add(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vblk_create(rig.disk, QUEUES, &rig.vblk) == 0);
	NEED(virtio_mmio_create(vblk_device(rig.vblk), &rig.mem, &rig.line, &rig.mmio) == 0);
	pthread_mutex_init(&rig.driver, NULL);
	atomic_store(&rig.done, false);
	for (unsigned int i = 0; i < VCPUS; i++)
		make_lane(i);
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
			put(0x50, queue);
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
		put(0x64, 3);
		sched_yield();
	}
	return NULL;
}

static void no_request_is_lost_or_served_twice(void)
{
	pthread_t threads[VCPUS + 1];

	rig_init();
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
	CHECK(atomic_load(&rig.edges) > 0);
	rig_fini();
}

/* Resets, by one vCPU, while the others ring and have requests of the device on their lanes. */
static void *ringer(void *arg)
{
	struct vblk_lane *lane = rig.lanes[(uintptr_t)arg];

	NEED(vblk_lane_attach(lane) == 0);
	while (!atomic_load(&rig.done)) {
		for (unsigned int queue = 0; queue < QUEUES; queue++)
			put(0x50, queue);
		vblk_lane_reap(lane);
	}
	vblk_lane_drain(lane);
	vblk_lane_detach();
	return NULL;
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[VCPUS];

	rig_init();
	for (uintptr_t i = 1; i < VCPUS; i++)
		threads[i] = check_spawn(ringer, (void *)i);
	NEED(vblk_lane_attach(rig.lanes[0]) == 0);
	for (unsigned int i = 0; i < RESETS; i++) {
		start();
		for (unsigned int slot = 0; slot < SLOTS; slot++)
			offer(slot % QUEUES, slot);
		put(0x50, i % QUEUES);
		put(0x70, 0);
		CHECK(virtio_mmio_ops.read(rig.mmio, 0x70, 4) == 0);
		/* The driver's again: a thread that still used it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&rig.done, true);
	for (unsigned int i = 1; i < VCPUS; i++)
		pthread_join(threads[i], NULL);
	vblk_lane_drain(rig.lanes[0]);
	vblk_lane_detach();
	rig_fini();
}

int main(void)
{
	unsigned int passed = 0;

	passed +=
		check_run("no request is lost or served twice", no_request_is_lost_or_served_twice);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
