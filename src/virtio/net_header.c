/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a packet that a driver sends (virtio 1.2 section 5.1.6.2). The host's kernel looks
 * at it too; here it is held to what was negotiated and to the packet's length.
 */
#include "net_internal.h"

/* The feature that lets a driver send such packets; -1: there is no such type. */
static int feature_of(uint8_t gso_type)
{
	switch (gso_type) {
	case VNET_GSO_TCPV4:
		return VNET_F_HOST_TSO4;
	case VNET_GSO_TCPV6:
		return VNET_F_HOST_TSO6;
	case VNET_GSO_UDP:
		return VNET_F_HOST_UFO;
	case VNET_GSO_UDP_L4:
		return VNET_F_HOST_USO;
	default:
		return -1;
	}
}

static bool gso_ok(const struct vnet *vnet, const struct vnet_header *header, uint64_t len)
{
	uint8_t type = header->gso_type & (uint8_t)~VNET_GSO_ECN;
	bool ecn = header->gso_type & VNET_GSO_ECN;
	int feature = feature_of(type);

	if (feature < 0 || !vnet_has(vnet, (unsigned int)feature))
		return false;
	if (ecn && ((type != VNET_GSO_TCPV4 && type != VNET_GSO_TCPV6) ||
		    !vnet_has(vnet, VNET_F_HOST_ECN)))
		return false;
	/* Pieces get sums of their own. hdr_len is a hint, but none beyond the packet. */
	return (header->flags & VNET_HDR_NEEDS_CSUM) && header->gso_size && header->hdr_len <= len;
}

bool vnet_header_ok(const struct vnet *vnet, struct vnet_header *header, uint64_t len)
{
	if (len < NET_MIN_FRAME || len > NET_MAX_FRAME)
		return false;
	header->flags &= VNET_HDR_NEEDS_CSUM;
	header->num_buffers = 0;
	if (header->flags) {
		if (!vnet_has(vnet, VNET_F_CSUM) ||
		    (uint64_t)header->csum_start + header->csum_offset + 2 > len)
			return false;
	} else {
		header->csum_start = header->csum_offset = 0;
	}
	if (header->gso_type != VNET_GSO_NONE)
		return gso_ok(vnet, header, len);
	header->gso_size = header->hdr_len = 0;
	return true;
}
