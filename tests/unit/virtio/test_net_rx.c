/* SPDX-License-Identifier: Apache-2.0 */
/* Packets into the guest: buffers that merge, that are too few, that come later; who is told. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net_look.h"

TestSuite(vnet_receive, .init = init, .fini = fini);

Test(vnet_receive, receives_a_packet)
{
	uint16_t head = net_rig_give(&rig, RX0, 0, 2048);
	struct virtq_used_elem elem;

	net_rig_arrive(&rig, to_me, FRAME, 0x41);
	net_rig_serve(&rig);
	elem = used(RX0);
	cr_expect_eq(elem.id, head);
	cr_expect_eq(elem.len, 12 + FRAME);
	cr_expect_eq(data(0)[10], 1, "num_buffers");
	cr_expect_eq(data(0)[11], 0);
	expect_frame(0, FRAME, 0x41);
	cr_expect_eq(stats().rx_packets, 1);
	cr_expect_eq(stats().rx_bytes, FRAME);
}

Test(vnet_receive, a_packet_takes_as_many_buffers_as_it_needs)
{
	static const uint32_t lens[] = { 1024, 1024, 164 };

	for (gpa_t i = 0; i < 60; i++)
		net_rig_give(&rig, RX0, i * 1024, 1024);
	net_rig_arrive(&rig, to_me, 2200, 0x42);
	net_rig_arrive(&rig, to_me, 500, 0x43);
	net_rig_serve(&rig);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(used(RX0).len, lens[i]);
	cr_expect_eq(used(RX0).len, 512);
	cr_expect(is_empty(RX0));
	cr_expect_eq(data(0)[10], 3);
	expect_frame(0, 2200, 0x42);
	expect_frame(3 * 1024, 500, 0x43);
	cr_expect_eq(data(3 * 1024)[10], 1);
	cr_expect_eq(stats().rx_large, 1);
}

static void arrive_in_order(size_t len)
{
	static uint8_t packet[12 + 20000];

	memcpy(packet + 12, to_me, sizeof(to_me));
	for (size_t i = sizeof(to_me); i < len; i++)
		packet[12 + i] = (uint8_t)(i % 251);
	cr_assert_eq(send(rig.wire[0], packet, 12 + len, 0), (ssize_t)(12 + len));
}

static void expect_in_order(gpa_t at, size_t len)
{
	for (size_t i = sizeof(to_me); i < len; i++)
		cr_assert_eq(data(at)[12 + i], (uint8_t)(i % 251), "byte %zu of %zu", i, len);
}

/* Which of the room is offered depends on what came before; where a packet lies does not. */
Test(vnet_receive, large_packets_among_small_ones)
{
	static const size_t lens[] = { 5000, 60, 1514, 1526, 1527, 15000, 2036, 2037, 60, 20000 };

	for (unsigned int round = 0; round < ARRAY_SIZE(lens); round++) {
		size_t len = lens[round], left = 12 + len;

		for (unsigned int i = 0; i < 70; i++) {
			net_rig_give(&rig, RX0, 0, 1024);
			net_rig_arrive(&rig, to_me, FRAME, 0x47);
			net_rig_serve(&rig);
			cr_assert_eq(used(RX0).len, 12 + FRAME);
		}
		for (gpa_t i = 0; i < 40; i++)
			net_rig_give(&rig, RX0, i * 1024, 1024);
		arrive_in_order(len);
		arrive_in_order(len);
		net_rig_serve(&rig);
		for (unsigned int twice = 0; twice < 2; twice++, left = 12 + len)
			for (; left; left -= left < 1024 ? left : 1024)
				cr_assert_eq(used(RX0).len, left < 1024 ? left : 1024);
		cr_assert(is_empty(RX0));
		expect_in_order(0, len);
		expect_in_order((12 + len + 1023) / 1024 * 1024, len);
		net_rig_start(&rig, 0);
	}
	cr_expect_eq(stats().rx_dropped, 0);
}

/* The ring goes round and chains have many parts, so that what waits is moved to the front. */
Test(vnet_receive, buffers_of_many_parts)
{
	struct driver_buf bufs[40];
	size_t len = 1000;

	for (unsigned int i = 0; i < 40; i++)
		bufs[i] = (struct driver_buf){ NET_RIG_DATA + 0x10000 + i * 25, 25, true };
	for (unsigned int round = 0; round < 200; round++) {
		gpa_t table = NET_RIG_DATA + 0x8000 + (round % 4) * 0x400;

		for (unsigned int i = 0; i < 4; i++)
			driver_offer(&rig.drivers[RX0],
				     driver_indirect(&rig.drivers[RX0], table, bufs, 40));
		net_rig_arrive(&rig, to_me, len + 1500, (uint8_t)round);
		net_rig_arrive(&rig, to_me, len - 12, (uint8_t)~round);
		net_rig_serve(&rig);
		cr_expect_eq(used(RX0).len, 1000);
		cr_expect_eq(used(RX0).len, 1000);
		cr_expect_eq(used(RX0).len, 512);
		cr_expect_eq(used(RX0).len, 1000);
		cr_assert(is_empty(RX0));
		expect_frame(0x10000, len - 12, (uint8_t)~round);
	}
}

Test(vnet_receive, a_packet_waits_for_buffers_that_come_later)
{
	struct vnet_pair *pair = &rig.vnet->pairs[0];

	net_rig_give(&rig, RX0, 0, 1024);
	net_rig_arrive(&rig, to_me, 5000, 0x44);
	net_rig_serve(&rig);
	cr_assert(is_empty(RX0));
	cr_expect_not(vnet_receive_rings(pair, true));
	cr_expect(pair->rx.starved);
	for (gpa_t i = 1; i < 5; i++) {
		net_rig_give(&rig, RX0, i * 1024, 1024);
		cr_expect(vnet_receive_rings(pair, true), "it was asked to ring");
		net_rig_serve(&rig);
	}
	for (unsigned int i = 0; i < 4; i++)
		cr_expect_eq(used(RX0).len, 1024);
	cr_expect_eq(used(RX0).len, 12 + 5000 - 4096);
	cr_expect_eq(data(0)[10], 5);
	expect_frame(0, 5000, 0x44);
	cr_expect_eq(stats().rx_dropped, 0);
}

/* 64 buffers of 64 bytes are all that a driver can give. */
Test(vnet_receive, a_packet_that_never_fits_is_dropped)
{
	for (gpa_t i = 0; i < NET_RIG_QUEUE_SIZE; i++)
		net_rig_give(&rig, RX0, i * 64, 64);
	net_rig_arrive(&rig, to_me, 5000, 0x45);
	net_rig_arrive(&rig, to_me, 50, 0x46);
	net_rig_serve(&rig);
	cr_expect_eq(stats().rx_dropped, 1);
	cr_expect_eq(used(RX0).len, 62);
	expect_frame(0, 50, 0x46);
}

Test(vnet_receive, without_merging_a_packet_has_one_buffer)
{
	net_rig_start(&rig, BIT64(VNET_F_MRG_RXBUF));
	net_rig_give(&rig, RX0, 0, 1024);
	net_rig_give(&rig, RX0, 1024, 1024);
	net_rig_arrive(&rig, to_me, 1013, 0x47);
	net_rig_arrive(&rig, to_me, 1012, 0x48);
	net_rig_serve(&rig);
	cr_expect_eq(stats().rx_dropped, 1, "one byte too long");
	cr_expect_eq(used(RX0).len, 1024);
	cr_expect_eq(data(0)[10], 1);
	expect_frame(0, 1012, 0x48);
}

Test(vnet_receive, what_is_no_packet_is_dropped)
{
	static uint8_t large[12 + NET_MAX_FRAME + 1];

	for (gpa_t i = 0; i < 64; i++)
		net_rig_give(&rig, RX0, i * 2048, 2048);
	cr_assert_eq(write(rig.wire[0], large, 25), 25);
	cr_assert_eq(write(rig.wire[0], large, sizeof(large)), (ssize_t)sizeof(large));
	net_rig_arrive(&rig, to_me, FRAME, 0x49);
	net_rig_serve(&rig);
	cr_expect_eq(stats().rx_dropped, 2);
	cr_expect_eq(used(RX0).len, 12 + FRAME);
	expect_frame(0, FRAME, 0x49);
}

Test(vnet_receive, the_largest_packet)
{
	for (gpa_t i = 0; i < 64; i++)
		net_rig_give(&rig, RX0, i * 2048, 2048);
	net_rig_arrive(&rig, to_me, NET_MAX_FRAME, 0x50);
	net_rig_serve(&rig);
	for (unsigned int i = 0; i < 33; i++)
		used(RX0);
	cr_expect(is_empty(RX0));
	expect_frame(0, NET_MAX_FRAME, 0x50);
}

/* ---- rings and interrupts -------------------------------------------------------------------- */

Test(vnet_receive, one_interrupt_for_many)
{
	unsigned int before = rig.edges;

	for (gpa_t i = 0; i < 40; i++)
		net_rig_give(&rig, RX0, i * 2048, 2048);
	for (unsigned int i = 0; i < 10; i++)
		net_rig_arrive(&rig, to_me, FRAME, 0);
	net_rig_serve(&rig);
	cr_expect_eq(rig.edges - before, 1);
	driver_want_after(&rig.drivers[RX0], 30);
	for (unsigned int i = 0; i < 10; i++)
		net_rig_arrive(&rig, to_me, FRAME, 0);
	net_rig_serve(&rig);
	cr_expect_eq(rig.edges - before, 1, "not before the 31st");
}

Test(vnet_receive, a_driver_that_fills_up_need_not_ring)
{
	struct vnet_pair *pair = &rig.vnet->pairs[0];

	net_rig_give(&rig, RX0, 0, 4096);
	net_rig_serve(&rig);
	vnet_receive_rings(pair, true);
	cr_expect_eq(driver_avail_event(&rig.drivers[RX0]), 0, "there is a buffer");
	net_rig_arrive(&rig, to_me, FRAME, 0);
	net_rig_serve(&rig);
	vnet_receive_rings(pair, true);
	cr_expect_eq(driver_avail_event(&rig.drivers[RX0]), 1, "there is none");
}
