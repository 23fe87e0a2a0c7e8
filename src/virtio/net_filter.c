/* SPDX-License-Identifier: Apache-2.0 */
/* Which packets a driver wants (virtio 1.2 section 5.1.6.5.1 and 5.1.6.5.2). */
#include <string.h>

#include "net_internal.h"

static const uint8_t broadcast[NET_MAC_SIZE] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void vnet_filter_init(struct vnet_filter *filter, const uint8_t *mac)
{
	*filter = (struct vnet_filter){ .promisc = true };
	memcpy(filter->mac, mac, NET_MAC_SIZE);
}

static bool is_in(const uint8_t macs[][NET_MAC_SIZE], unsigned int nr, const uint8_t *mac)
{
	if (nr > VNET_FILTER_MACS)
		return true;
	for (unsigned int i = 0; i < nr; i++)
		if (memcmp(macs[i], mac, NET_MAC_SIZE) == 0)
			return true;
	return false;
}

bool vnet_filter_takes(const struct vnet_filter *filter, const uint8_t *dest)
{
	if (filter->promisc)
		return true;
	if (memcmp(dest, broadcast, NET_MAC_SIZE) == 0)
		return !filter->no_broadcast;
	if (dest[0] & 1)
		return !filter->no_multi &&
		       (filter->all_multi || is_in(filter->multi, filter->nr_multi, dest));
	return !filter->no_uni &&
	       (filter->all_uni || memcmp(dest, filter->mac, NET_MAC_SIZE) == 0 ||
		is_in(filter->uni, filter->nr_uni, dest));
}
