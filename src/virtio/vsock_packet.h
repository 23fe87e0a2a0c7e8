/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/virtio: headers of the socket device's packets, and whether one can be. */
#ifndef ARCVISOR_VIRTIO_VSOCK_PACKET_H
#define ARCVISOR_VIRTIO_VSOCK_PACKET_H

#include <stdint.h>

#define VVSOCK_CID_HOST	   2u /* section 5.10.4 */
#define VVSOCK_TYPE_STREAM 1u

/* Section 5.10.6. */
enum vvsock_op {
	VVSOCK_OP_REQUEST = 1,
	VVSOCK_OP_RESPONSE = 2,
	VVSOCK_OP_RST = 3,
	VVSOCK_OP_SHUTDOWN = 4,
	VVSOCK_OP_RW = 5,
	VVSOCK_OP_CREDIT_UPDATE = 6,
	VVSOCK_OP_CREDIT_REQUEST = 7,
};

/* Flags of VVSOCK_OP_SHUTDOWN: who sends it will not ... any more. */
#define VVSOCK_SHUT_RECEIVE 0x1u
#define VVSOCK_SHUT_SEND    0x2u
#define VVSOCK_SHUT_BOTH    0x3u

struct vvsock_header {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len;
	uint16_t type, op;
	uint32_t flags;
	uint32_t buf_alloc, fwd_cnt;
} __attribute__((packed));

_Static_assert(sizeof(struct vvsock_header) == 44, "virtio 1.2 section 5.10.6");

enum vvsock_verdict {
	VVSOCK_TAKE,
	VVSOCK_REFUSE, /* its sender gets a RST */
	VVSOCK_IGNORE,
};

/*
 * Of a packet that the driver of guest @cid sent, with @payload bytes behind @header, which is a
 * copy. One that is taken has a length of at most @payload, 0 where nothing belongs behind it.
 */
enum vvsock_verdict vvsock_packet_check(struct vvsock_header *header, uint64_t cid,
					uint64_t payload);

#endif
