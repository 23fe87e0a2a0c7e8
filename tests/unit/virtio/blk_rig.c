/* SPDX-License-Identifier: Apache-2.0 */
#include "blk_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DATA_OFFSET   0x1000u /* of a request's place: its header is before that */
#define HEADER_OFFSET 0x0u
#define STATUS_OFFSET 0x800u

#define NEED(ok)                                                                       \
	do {                                                                           \
		if (!(ok)) {                                                           \
			fprintf(stderr, "%s:%d: needs %s\n", __FILE__, __LINE__, #ok); \
			abort();                                                       \
		}                                                                      \
	} while (0)

/* One rig at a time has a line. */
static struct blk_rig *current;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&current->edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void count_wake(void *ctx)
{
	struct blk_rig *rig = ctx;

	atomic_fetch_add(&rig->wakes, 1);
}

void rig_prepare(struct blk_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	current = rig;
	snprintf(rig->path, sizeof(rig->path), "/tmp/vblk.XXXXXX");
	rig->fd = mkstemp(rig->path);
	NEED(rig->fd >= 0 && ftruncate(rig->fd, RIG_DISK_SIZE) == 0);
	rig->doorbell = -1;
	rig->config = (struct disk_config){
		.path = rig->path,
		.id = "disk0",
		.serial = "number-7",
		.engine = BLK_ENGINE_SYNC,
		.discard = true,
	};
}

static void make_lane(struct blk_rig *rig)
{
	const struct vblk_lane_config config = {
		.wake = BLK_WAKE_SIGNAL,
		.disks = &rig->disk,
		.nr_disks = 1,
		.eventfd = -1,
		.wake_owner = count_wake,
		.ctx = rig,
		.wake_signal = SIGUSR1,
	};

	NEED(vblk_lane_create(&config, &rig->lane) == 0);
	NEED(vblk_lane_attach(rig->lane) == 0);
}

void rig_init(struct blk_rig *rig)
{
	gmem_init(&rig->mem);
	NEED(gmem_add(&rig->mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	NEED(disk_open(&rig->config, &rig->disk) == 0);
	irq_line_init(&rig->line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vblk_create(rig->disk, RIG_QUEUES, &rig->vblk) == 0);
	NEED(virtio_mmio_create(vblk_device(rig->vblk), &rig->mem, &rig->line, &rig->mmio) == 0);
	make_lane(rig);
}

void rig_thread(struct blk_rig *rig)
{
	vblk_lane_detach();
	vblk_lane_destroy(rig->lane);
	rig->lane = NULL;
	rig->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	NEED(rig->doorbell >= 0);
	NEED(vblk_thread_start(rig->vblk, rig->doorbell, NULL, &rig->thread) == 0);
}

void rig_fini(struct blk_rig *rig)
{
	if (rig->lane) {
		vblk_lane_drain(rig->lane);
		vblk_lane_detach();
		vblk_lane_destroy(rig->lane);
	}
	vblk_thread_stop(rig->thread);
	if (rig->doorbell >= 0)
		close(rig->doorbell);
	virtio_mmio_destroy(rig->mmio);
	vblk_destroy(rig->vblk);
	disk_close(rig->disk);
	gmem_fini(&rig->mem);
	close(rig->fd);
	unlink(rig->path);
}

uint32_t rig_get(struct blk_rig *rig, uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(rig->mmio, reg, 4);
}

void rig_put(struct blk_rig *rig, uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(rig->mmio, reg, 4, val);
}

void rig_start(struct blk_rig *rig, uint64_t without)
{
	driver_start(rig->mmio, &rig->mem, rig->queues, RIG_QUEUES, RIG_QUEUE_SIZE, without);
}

void *rig_host(struct blk_rig *rig, gpa_t gpa)
{
	return gmem_slice(&rig->mem, gpa, 1);
}

uint16_t rig_offer(struct blk_rig *rig, unsigned int queue, uint32_t type, uint64_t sector,
		   gpa_t at, uint32_t len)
{
	const uint64_t header[2] = { type, sector };
	gpa_t place = RIG_DATA + at;
	bool in = type != 1 && type != 11 && type != 13;
	struct driver_buf bufs[3] = { { place + HEADER_OFFSET, 16, false } };
	unsigned int nr = 1;
	uint16_t head;

	memcpy(rig_host(rig, place + HEADER_OFFSET), header, sizeof(header));
	*(uint8_t *)rig_host(rig, place + STATUS_OFFSET) = 0xff;
	if (len)
		bufs[nr++] = (struct driver_buf){ place + DATA_OFFSET, len, in };
	bufs[nr++] = (struct driver_buf){ place + STATUS_OFFSET, 1, true };
	head = driver_chain(&rig->queues[queue], bufs, nr);
	driver_offer(&rig->queues[queue], head);
	return head;
}

uint8_t rig_status(struct blk_rig *rig, gpa_t at)
{
	return __atomic_load_n((uint8_t *)rig_host(rig, RIG_DATA + at + STATUS_OFFSET),
			       __ATOMIC_ACQUIRE);
}

void rig_kick(struct blk_rig *rig, unsigned int queue)
{
	rig_put(rig, 0x50, queue);
}

/* As a vCPU's thread between two entries; for a disk's thread there is nothing to do but wait. */
struct virtq_used_elem rig_wait(struct blk_rig *rig, unsigned int queue)
{
	struct virtq_used_elem elem;

	while (!driver_used(&rig->queues[queue], &elem)) {
		if (rig->lane)
			vblk_lane_reap(rig->lane);
		sched_yield();
	}
	return elem;
}

uint8_t rig_do(struct blk_rig *rig, uint32_t type, uint64_t sector, uint32_t len)
{
	uint16_t head = rig_offer(rig, 0, type, sector, 0, len);

	rig_kick(rig, 0);
	NEED(rig_wait(rig, 0).id == head);
	return rig_status(rig, 0);
}
