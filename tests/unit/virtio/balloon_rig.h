/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A balloon, its transport, and a driver with queues of 64. No test framework: what cannot be ends
 * the program.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_BALLOON_RIG_H
#define ARCVISOR_TESTS_VIRTIO_BALLOON_RIG_H

#include "driver.h"
#include "virtio/balloon_internal.h"

#define BALLOON_RIG_DATA (DRIVER_RAM_BASE + 0x100000u) /* free guest memory from here on */
#define BALLOON_RIG_PFN	 ((uint32_t)(BALLOON_RIG_DATA >> 12) + 0x40) /* and pages to give away */

struct balloon_rig {
	struct gmem mem;
	uint64_t page; /* 0, or the host's page size that is acted */
	struct vballoon_config config;
	struct irq_line line;
	_Atomic unsigned int edges;
	struct vballoon *balloon;
	struct virtio_mmio *mmio;
	struct driver_queue drivers[VBALLOON_NR_QUEUES];
};

void balloon_rig_init(struct balloon_rig *rig);
void balloon_rig_fini(struct balloon_rig *rig);

/* From reset to DRIVER_OK with all features but @without. */
void balloon_rig_start(struct balloon_rig *rig, uint64_t without);

uint32_t balloon_rig_get(struct balloon_rig *rig, uint64_t reg);
void balloon_rig_put(struct balloon_rig *rig, uint64_t reg, uint32_t val);

void *balloon_rig_host(struct balloon_rig *rig, gpa_t gpa);

/* Offers @nr page numbers on @queue; they stand at BALLOON_RIG_DATA + @at. */
void balloon_rig_pages(struct balloon_rig *rig, unsigned int queue, gpa_t at, const uint32_t *pfns,
		       unsigned int nr);

/* How many buffers came back on @queue. */
unsigned int balloon_rig_used(struct balloon_rig *rig, unsigned int queue);

#endif
