/* SPDX-License-Identifier: Apache-2.0 */
#include "vsock_packet.h"

/* Section 5.10.6.4.1: who is meant does not exist, so nobody answers. */
static int is_addressed(const struct vvsock_header *header, uint64_t cid)
{
	return header->src_cid == cid && header->dst_cid == VVSOCK_CID_HOST;
}

enum vvsock_verdict vvsock_packet_check(struct vvsock_header *header, uint64_t cid,
					uint64_t payload)
{
	if (!is_addressed(header, cid))
		return VVSOCK_IGNORE;
	/* Section 5.10.6.4.2: an unknown type gets a RST, and a RST never does. */
	if (header->type != VVSOCK_TYPE_STREAM)
		return header->op == VVSOCK_OP_RST ? VVSOCK_IGNORE : VVSOCK_REFUSE;
	if (header->op < VVSOCK_OP_REQUEST || header->op > VVSOCK_OP_CREDIT_REQUEST)
		return VVSOCK_REFUSE;
	if (header->op != VVSOCK_OP_RW) {
		header->len = 0;
		return VVSOCK_TAKE;
	}
	return header->len <= payload ? VVSOCK_TAKE : VVSOCK_REFUSE;
}
