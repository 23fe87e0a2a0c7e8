/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the network device look at, of the rig that they have. */
#ifndef ARCVISOR_TESTS_VIRTIO_NET_LOOK_H
#define ARCVISOR_TESTS_VIRTIO_NET_LOOK_H

#include <criterion/criterion.h>
#include <string.h>

#include "net_rig.h"

#define FRAME 60u

static const uint8_t to_me[] = { 2, 0, 0, 0, 0, 7 };

static struct net_rig rig;

static inline void init(void)
{
	net_rig_prepare(&rig);
	net_rig_init(&rig);
	net_rig_start(&rig, 0);
}

static inline void fini(void)
{
	net_rig_fini(&rig);
}

static inline struct vnet_stats stats(void)
{
	struct vnet_stats now;

	vnet_get_stats(rig.vnet, &now);
	return now;
}

static inline struct virtq_used_elem used(unsigned int queue)
{
	struct virtq_used_elem elem = { .id = UINT32_MAX };

	cr_assert(driver_used(&rig.drivers[queue], &elem), "queue %u has nothing", queue);
	return elem;
}

static inline bool is_empty(unsigned int queue)
{
	struct virtq_used_elem elem;

	return !driver_used(&rig.drivers[queue], &elem);
}

static inline const uint8_t *data(gpa_t at)
{
	return net_rig_host(&rig, NET_RIG_DATA + at);
}

static inline void expect_frame(gpa_t at, size_t len, uint8_t byte)
{
	cr_expect_eq(memcmp(data(at) + 12, to_me, 6), 0);
	for (size_t i = 6; i < len; i++)
		cr_assert_eq(data(at)[12 + i], byte, "byte %zu is %u", i, data(at)[12 + i]);
}

#endif
