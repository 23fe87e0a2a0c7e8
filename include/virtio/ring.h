/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a split virtqueue looks like in guest memory (virtio 1.2 section 2.7), and the numbers that
 * every device shares. All fields are little-endian, as the hosts that this is for are.
 */
#ifndef ARCVISOR_VIRTIO_RING_H
#define ARCVISOR_VIRTIO_RING_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "guest memory is read as it is: the host must be little-endian"
#endif

/* Feature bits of no device in particular (section 6). */
#define VIRTIO_F_RING_INDIRECT_DESC 28u
#define VIRTIO_F_RING_EVENT_IDX	    29u
#define VIRTIO_F_VERSION_1	    32u
#define VIRTIO_F_RING_RESET	    40u

/* Device status (section 2.1). */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER	  0x02u
#define VIRTIO_STATUS_DRIVER_OK	  0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u
#define VIRTIO_STATUS_FAILED	  0x80u

#define VIRTIO_ID_NET	  1u /* section 5 */
#define VIRTIO_ID_BLOCK	  2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_ENTROPY 4u
#define VIRTIO_ID_BALLOON 5u
#define VIRTIO_ID_FS	  26u
#define VIRTIO_ID_PMEM	  27u
#define VIRTIO_ID_VSOCK	  19u

/* A buffer: section 2.7.5. */
struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

#define VIRTQ_DESC_F_NEXT     0x1u
#define VIRTQ_DESC_F_WRITE    0x2u /* the device writes it; else it reads it */
#define VIRTQ_DESC_F_INDIRECT 0x4u

/* Driver to device: section 2.7.6. ring[size] is used_event, with EVENT_IDX. */
struct virtq_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

#define VIRTQ_AVAIL_F_NO_INTERRUPT 0x1u

struct virtq_used_elem {
	uint32_t id;
	uint32_t len; /* bytes that the device wrote, from the first writable one on */
};

/* Device to driver: section 2.7.8. The uint16_t behind ring[size] is avail_event. */
struct virtq_used {
	uint16_t flags;
	uint16_t idx;
	struct virtq_used_elem ring[];
};

#define VIRTQ_USED_F_NO_NOTIFY 0x1u

/* Bytes of the three areas of a queue of @size, the event words included. */
#define VIRTQ_DESC_BYTES(size)	((uint64_t)(size) * sizeof(struct virtq_desc))
#define VIRTQ_AVAIL_BYTES(size) (6u + 2u * (uint64_t)(size))
#define VIRTQ_USED_BYTES(size)	(6u + 8u * (uint64_t)(size))

#define VIRTQ_MAX_SIZE 1024u /* of any queue of ours; the specification allows 32768 */

_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2 section 2.7.5");
_Static_assert(sizeof(struct virtq_used_elem) == 8, "virtio 1.2 section 2.7.8");

#endif
