/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's side of a split virtqueue, for tests: it makes chains, sees used buffers and says
 * what it wants to be told, by the specification or against it. Plain C without a test framework,
 * so that stress programs and fuzz targets use it too.
 */
#ifndef ARCVISOR_TESTS_VIRTIO_DRIVER_H
#define ARCVISOR_TESTS_VIRTIO_DRIVER_H

#include "virtio/mmio.h"
#include "virtio/queue.h"

#define DRIVER_RAM_BASE 0x40000000u
#define DRIVER_RAM_SIZE (4u << 20)

/* Where a queue of at most 256 lies in guest memory, 64 KiB each. */
#define DRIVER_AREA	    0x10000u
#define DRIVER_DESC_OFFSET  0x0u
#define DRIVER_AVAIL_OFFSET 0x4000u
#define DRIVER_USED_OFFSET  0x8000u

struct driver_queue {
	struct gmem *mem;
	gpa_t base;
	uint16_t size;
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	uint16_t next_desc; /* round and round: a test has few chains out at a time */
	uint16_t avail_idx, seen;
};

/* One buffer of a chain. */
struct driver_buf {
	gpa_t addr;
	uint32_t len;
	bool write; /* by the device */
};

/* An empty queue at @base, of DRIVER_AREA bytes. */
void driver_init(struct driver_queue *queue, struct gmem *mem, gpa_t base, uint16_t size);
void driver_setup(const struct driver_queue *queue, struct virtqueue_setup *setup);

/*
 * From reset to DRIVER_OK over @mmio's registers, with all features but @without: @nr queues of
 * @size at @queues, empty, side by side from DRIVER_RAM_BASE on. Ends the program where the device
 * does not take that.
 */
void driver_start(struct virtio_mmio *mmio, struct gmem *mem, struct driver_queue *queues,
		  unsigned int nr, uint16_t size, uint64_t without);

/* Writes a chain's descriptors; the head. driver_offer() makes it available. */
uint16_t driver_chain(struct driver_queue *queue, const struct driver_buf *bufs, unsigned int nr);

/* The same in an indirect table at @table. */
uint16_t driver_indirect(struct driver_queue *queue, gpa_t table, const struct driver_buf *bufs,
			 unsigned int nr);

/* Makes a head available; visible to the device when this returns. */
void driver_offer(struct driver_queue *queue, uint16_t head);

/* The next used buffer: false where there is none. */
bool driver_used(struct driver_queue *queue, struct virtq_used_elem *elem);

/* With EVENT_IDX: the driver wants an interrupt when used->idx passes @event. */
void driver_want_after(struct driver_queue *queue, uint16_t event);

/* With EVENT_IDX: the index at which the device wants to be rung. */
uint16_t driver_avail_event(const struct driver_queue *queue);

#endif
