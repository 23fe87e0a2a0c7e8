/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block device on a temporary file, its transport, a lane of the calling thread, and a driver
 * with queues of 64. No test framework: rig_init() ends the program where the host fails.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_BLK_RIG_H
#define ARCVISOR_TESTS_VIRTIO_BLK_RIG_H

#include "driver.h"
#include "virtio/blk.h"
#include "virtio/mmio.h"

#define RIG_QUEUES     4u
#define RIG_QUEUE_SIZE 64u
#define RIG_DISK_SIZE  (1u << 20)
#define RIG_DATA       (DRIVER_RAM_BASE + 0x100000u) /* free guest memory from here on */

struct blk_rig {
	char path[64];
	int fd; /* the test's own view of the file */
	struct gmem mem;
	struct disk_config config;
	struct disk *disk;
	struct irq_line line;
	_Atomic unsigned int edges;
	struct vblk *vblk;
	struct virtio_mmio *mmio;
	struct vblk_lane *lane; /* NULL: rig_thread() */
	struct vblk_thread *thread;
	int doorbell;
	_Atomic unsigned int wakes; /* that the lane asked for */
	struct driver_queue queues[RIG_QUEUES];
};

/* rig->config may be changed between the two; the disk is engine=sync there. */
void rig_prepare(struct blk_rig *rig);
void rig_init(struct blk_rig *rig);
void rig_fini(struct blk_rig *rig);

/* In place of the lane, a thread. Before rig_start(). */
void rig_thread(struct blk_rig *rig);

/* Registers, as a vCPU writes them. */
uint32_t rig_get(struct blk_rig *rig, uint64_t reg);
void rig_put(struct blk_rig *rig, uint64_t reg, uint32_t val);

/* From reset to DRIVER_OK with all features but @without, RIG_QUEUES queues. */
void rig_start(struct blk_rig *rig, uint64_t without);

/*
 * Offers a request whose data is at RIG_DATA + @at: header, data, status. rig_status() says how it
 * ended; 0xff: it has not.
 */
uint16_t rig_offer(struct blk_rig *rig, unsigned int queue, uint32_t type, uint64_t sector,
		   gpa_t at, uint32_t len);
uint8_t rig_status(struct blk_rig *rig, gpa_t at);
void *rig_host(struct blk_rig *rig, gpa_t gpa);

void rig_kick(struct blk_rig *rig, unsigned int queue);

/* Reaps until @queue has a used buffer, and takes it. */
struct virtq_used_elem rig_wait(struct blk_rig *rig, unsigned int queue);

/* Offers, kicks, waits; the status byte. Checks that it is the one that was used. */
uint8_t rig_do(struct blk_rig *rig, uint32_t type, uint64_t sector, uint32_t len);

#endif
