/* SPDX-License-Identifier: Apache-2.0 */
/* The network device's control queue: which packets are wanted, pairs, offloads, announcements. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/util.h"
#include "net_rig.h"

enum { RX = 0, MAC = 1, VLAN = 2, ANNOUNCE = 3, MQ = 4, OFFLOADS = 5 };
enum { OK = 0, ERR = 1, NOTHING = 0xff };

static const uint8_t me[] = { 2, 0, 0, 0, 0, 7 };
static const uint8_t other[] = { 2, 0, 0, 0, 0, 8 };
static const uint8_t group[] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t all[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static struct net_rig rig;

static void init(void)
{
	net_rig_prepare(&rig);
	net_rig_init(&rig);
	net_rig_start(&rig, 0);
}

static void fini(void)
{
	net_rig_fini(&rig);
}

TestSuite(vnet_control, .init = init, .fini = fini);

static void set(uint8_t cmd, uint8_t on)
{
	cr_assert_eq(net_rig_control(&rig, RX, cmd, &on, 1), OK);
}

/* Whether a packet to @dest comes through. */
static bool comes(const uint8_t *dest)
{
	struct virtq_used_elem elem;

	net_rig_give(&rig, RX0, 0, 4096);
	net_rig_arrive(&rig, dest, 60, 0);
	net_rig_serve(&rig);
	return driver_used(&rig.drivers[RX0], &elem);
}

Test(vnet_control, everything_comes_until_the_driver_says_otherwise)
{
	cr_expect(comes(me) && comes(other) && comes(group) && comes(all));
}

Test(vnet_control, modes)
{
	set(0, 0);
	cr_expect(comes(me) && comes(all) && !comes(other) && !comes(group));
	set(1, 1);
	cr_expect(comes(group) && !comes(other));
	set(2, 1);
	cr_expect(comes(other));
	set(3, 1);
	cr_expect(!comes(group) && comes(all));
	set(4, 1);
	cr_expect(!comes(me) && !comes(other));
	set(5, 1);
	cr_expect(!comes(all));
	set(0, 1);
	cr_expect(comes(me) && comes(other) && comes(group) && comes(all));
	net_rig_start(&rig, 0);
	cr_expect(comes(other), "a reset forgets it");
}

struct tables {
	uint8_t bytes[4 + 70 * 6 + 4 + 70 * 6];
	uint32_t len;
};

static void add_table(struct tables *tables, uint32_t nr, const uint8_t *mac)
{
	memcpy(tables->bytes + tables->len, &nr, 4);
	tables->len += 4;
	for (uint32_t i = 0; i < nr; i++, tables->len += 6) {
		memcpy(tables->bytes + tables->len, mac, 6);
		tables->bytes[tables->len + 5] = (uint8_t)(mac[5] + nr - 1 - i);
	}
}

static uint8_t set_tables(uint32_t uni, uint32_t multi)
{
	struct tables tables = { .len = 0 };

	add_table(&tables, uni, other);
	add_table(&tables, multi, group);
	return net_rig_control(&rig, MAC, 0, tables.bytes, tables.len);
}

Test(vnet_control, tables_of_addresses)
{
	set(0, 0);
	cr_expect_eq(set_tables(1, 1), OK);
	cr_expect(comes(me) && comes(other) && comes(group));
	cr_expect_eq(set_tables(0, 64), OK);
	cr_expect(comes(me) && !comes(other) && comes(group));
	cr_expect_eq(set_tables(65, 0), OK, "too many to look at: all of them");
	cr_expect(comes(other) && !comes(group));
	cr_expect_eq(set_tables(0, 0), OK);
	cr_expect(comes(me) && !comes(other) && !comes(group));
}

Test(vnet_control, the_address)
{
	set(0, 0);
	cr_expect_eq(net_rig_control(&rig, MAC, 1, other, 6), OK);
	cr_expect(comes(other) && !comes(me));
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x105, 1), 8);
	net_rig_start(&rig, 0);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x105, 1), 7, "a reset forgets it");
}

Test(vnet_control, pairs)
{
	const uint16_t none = 0, one = 1, two = 2, three = 3;

	cr_expect_eq(net_rig_control(&rig, MQ, 0, &two, 2), OK);
	cr_expect_eq(rig.queues, 2);
	cr_expect_eq(net_rig_control(&rig, MQ, 0, &three, 2), ERR);
	cr_expect_eq(net_rig_control(&rig, MQ, 0, &none, 2), ERR);
	cr_expect_eq(net_rig_control(&rig, MQ, 0, &one, 1), ERR, "half a number");
	cr_expect_eq(net_rig_control(&rig, MQ, 1, &one, 2), ERR, "RSS");
	cr_expect_eq(rig.queues, 2);
	cr_expect_eq(net_rig_control(&rig, MQ, 0, &one, 2), OK);
	cr_expect_eq(rig.queues, 1);
}

Test(vnet_control, offloads_can_be_taken_back)
{
	uint64_t wanted = BIT64(VNET_F_GUEST_CSUM) | BIT64(VNET_F_GUEST_TSO4);
	const uint64_t none = 0, foreign = BIT64(VNET_F_MAC);

	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &wanted, 8), OK);
	cr_expect_eq(rig.offloads, NET_OFFLOAD_CSUM | NET_OFFLOAD_TSO4);
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &none, 8), OK);
	cr_expect_eq(rig.offloads, 0);
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &foreign, 8), ERR);
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &wanted, 7), ERR);
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 1, &wanted, 8), ERR);
	wanted |= BIT64(VNET_F_GUEST_UFO);
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &wanted, 8), OK);
	net_rig_start(&rig, BIT64(VNET_F_GUEST_UFO));
	cr_expect_eq(net_rig_control(&rig, OFFLOADS, 0, &wanted, 8), ERR, "was not negotiated");
}

Test(vnet_control, announcements)
{
	unsigned int before = rig.edges;

	vnet_announce(rig.vnet);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x106, 2), 3);
	cr_expect_eq(rig.edges - before, 1);
	cr_expect_eq(net_rig_control(&rig, ANNOUNCE, 0, NULL, 0), OK);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x106, 2), 1);
	net_rig_start(&rig, BIT64(VNET_F_GUEST_ANNOUNCE));
	vnet_announce(rig.vnet);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x106, 2), 1, "it could not");
}

Test(vnet_control, what_it_does_not_know_is_refused)
{
	static const uint8_t zeroes[70000];
	const uint32_t many[3] = { UINT32_MAX, 0, 0 };

	cr_expect_eq(net_rig_control(&rig, VLAN, 0, zeroes, 2), ERR);
	cr_expect_eq(net_rig_control(&rig, 6, 0, zeroes, 2), ERR);
	cr_expect_eq(net_rig_control(&rig, 255, 255, NULL, 0), ERR);
	cr_expect_eq(net_rig_control(&rig, RX, 6, zeroes, 1), ERR);
	cr_expect_eq(net_rig_control(&rig, RX, 0, NULL, 0), ERR);
	cr_expect_eq(net_rig_control(&rig, MAC, 0, many, 12), ERR);
	cr_expect_eq(net_rig_control(&rig, MAC, 0, zeroes, 4), ERR, "one table");
	cr_expect_eq(net_rig_control(&rig, MAC, 0, zeroes, 70000), ERR, "longer than any");
	cr_expect_eq(net_rig_control(&rig, MAC, 1, zeroes, 5), ERR);
	cr_expect_eq(net_rig_control(&rig, MAC, 2, zeroes, 6), ERR);
	cr_expect_eq(net_rig_control(&rig, ANNOUNCE, 1, NULL, 0), ERR);
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf);
	cr_expect(comes(other), "and changes nothing");
}

static void breaks(const struct driver_buf *bufs, unsigned int nr)
{
	struct driver_queue *queue = &rig.drivers[CONTROL];

	net_rig_start(&rig, 0);
	driver_offer(queue, driver_chain(queue, bufs, nr));
	net_rig_put(&rig, 0x50, CONTROL);
	cr_expect(net_rig_get(&rig, 0x70) & 0x40);
}

Test(vnet_control, commands_that_are_none)
{
	const struct driver_buf no_ack[] = { { NET_RIG_DATA, 3, false } };
	const struct driver_buf no_command[] = { { NET_RIG_DATA, 1, false },
						 { NET_RIG_DATA + 8, 1, true } };
	const struct driver_buf nothing[] = { { NET_RIG_DATA, 1, true } };

	breaks(no_ack, 1);
	breaks(no_command, 2);
	breaks(nothing, 1);
}

/* Without MQ the control queue is the third (section 5.1.2). */
Test(vnet_control, without_pairs_it_is_the_third_queue)
{
	struct driver_queue *queue = &rig.drivers[2];
	const struct driver_buf bufs[] = { { NET_RIG_DATA, 3, false },
					   { NET_RIG_DATA + 8, 1, true } };
	struct virtq_used_elem elem;

	net_rig_start(&rig, BIT64(VNET_F_MQ));
	memset(net_rig_host(&rig, NET_RIG_DATA), 0, 8);
	driver_offer(queue, driver_chain(queue, bufs, 2));
	net_rig_put(&rig, 0x50, 2);
	cr_assert(driver_used(queue, &elem));
	cr_expect_not(comes(other), "promiscuous mode is off");
	cr_expect_eq(vnet_start(rig.vnet), 0);
	driver_offer(queue, driver_chain(queue, bufs, 2));
	eventfd_write(vnet_doorbell(rig.vnet, 2), 1);
	while (!driver_used(queue, &elem))
		sched_yield();
}

/* Both pairs move packets, each on its own thread and wire. */
Test(vnet_control, two_pairs_at_once)
{
	static const struct vnet_header plain;
	const uint16_t two = 2;
	uint8_t got[128];
	struct pollfd wires[2] = { { .fd = rig.wire[0], .events = POLLIN },
				   { .fd = rig.wire[1], .events = POLLIN } };

	cr_assert_eq(vnet_start(rig.vnet), 0);
	cr_assert_eq(net_rig_control(&rig, MQ, 0, &two, 2), OK);
	for (unsigned int i = 0; i < 2; i++) {
		net_rig_send(&rig, i ? TX1 : TX0, &plain, i * 4096, 60, (uint8_t)(0x10 + i));
		net_rig_put(&rig, 0x50, i ? TX1 : TX0);
		cr_assert_eq(poll(&wires[i], 1, -1), 1);
		cr_expect_eq(recv(rig.wire[i], got, sizeof(got), 0), 72);
		cr_expect_eq(got[12], 0x10 + i);
	}
}
