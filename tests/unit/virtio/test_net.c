/* SPDX-License-Identifier: Apache-2.0 */
/* The network device over its transport, on sockets: what it is, packets out, links, resets. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net_look.h"

#define NEEDS_RESET 0x40u
#define EVENT_IDX   BIT64(29)

static const struct vnet_header plain;

static uint8_t got[2 * NET_MAX_FRAME];

TestSuite(vnet, .init = init, .fini = fini);

static uint64_t config(uint64_t offset, unsigned int len)
{
	return virtio_mmio_ops.read(rig.mmio, 0x100 + offset, len);
}

/* ---- what it is ------------------------------------------------------------------------------ */

Test(vnet, says_what_it_is)
{
	cr_expect_eq(net_rig_get(&rig, 0x08), 1);
	for (unsigned int i = 0; i < 6; i++)
		cr_expect_eq(config(i, 1), to_me[i]);
	cr_expect_eq(config(6, 2), 1, "the link is up");
	cr_expect_eq(config(8, 2), NET_RIG_PAIRS);
	cr_expect_eq(config(10, 2), 1500);
	cr_expect_eq(config(12, 4), 0, "nothing behind it");
	virtio_mmio_ops.write(rig.mmio, 0x100, 1, 0x55);
	cr_expect_eq(config(0, 1), 2, "cannot be written");
}

static uint64_t offered(void)
{
	uint64_t features;

	net_rig_put(&rig, 0x14, 0);
	features = net_rig_get(&rig, 0x10);
	net_rig_put(&rig, 0x14, 1);
	return features | (uint64_t)net_rig_get(&rig, 0x10) << 32;
}

#define OFFLOADED                                                                                  \
	(BIT64(0) | BIT64(1) | BIT64(2) | BIT64(7) | BIT64(8) | BIT64(9) | BIT64(10) | BIT64(11) | \
	 BIT64(12) | BIT64(13) | BIT64(14) | BIT64(54) | BIT64(55) | BIT64(56))

Test(vnet, offers_what_the_host_can)
{
	cr_expect_eq(offered() & OFFLOADED, OFFLOADED);
	cr_expect(offered() & BIT64(VNET_F_MQ));
	cr_expect(offered() & BIT64(VNET_F_MTU));
	net_rig_fini(&rig);
	net_rig_prepare(&rig);
	rig.net.offloads = NET_OFFLOAD_CSUM;
	rig.net.nr_queues = 1;
	rig.net.mtu = 0;
	net_rig_init(&rig);
	cr_expect_eq(offered() & OFFLOADED, BIT64(0) | BIT64(1) | BIT64(2));
	cr_expect_not(offered() & (BIT64(VNET_F_MQ) | BIT64(VNET_F_MTU)));
}

Test(vnet, the_host_is_told_what_the_driver_takes)
{
	cr_expect_eq(rig.offloads, NET_RIG_OFFLOADS);
	cr_expect_eq(rig.queues, 1, "one pair until more are asked for");
	net_rig_put(&rig, 0x70, 0);
	cr_expect_eq(rig.offloads, 0);
	net_rig_start(&rig, BIT64(VNET_F_GUEST_CSUM));
	cr_expect_eq(rig.offloads, 0, "nothing without sums");
	net_rig_start(&rig, BIT64(VNET_F_GUEST_TSO4) | BIT64(VNET_F_GUEST_TSO6) |
				    BIT64(VNET_F_GUEST_USO6));
	cr_expect_eq(rig.offloads, NET_OFFLOAD_CSUM | NET_OFFLOAD_UFO);
}

/* ---- out ------------------------------------------------------------------------------------- */

Test(vnet, sends_a_packet)
{
	uint16_t head = net_rig_send(&rig, TX0, &plain, 0, FRAME, 0x5a);

	net_rig_serve(&rig);
	cr_assert_eq(net_rig_sent(&rig, got, sizeof(got)), (ssize_t)(12 + FRAME));
	cr_expect_eq(memcmp(got, &plain, 12), 0);
	for (unsigned int i = 0; i < FRAME; i++)
		cr_assert_eq(got[12 + i], 0x5a);
	cr_expect_eq(used(TX0).id, head);
	cr_expect_eq(stats().tx_packets, 1);
	cr_expect_eq(stats().tx_bytes, FRAME);
}

/* The framing is the driver's (section 2.7.4.1). */
Test(vnet, sends_in_any_framing)
{
	const struct driver_buf bufs[] = {
		{ NET_RIG_DATA, 5, false },
		{ NET_RIG_DATA + 5, 20, false },
		{ NET_RIG_DATA + 25, 1, false },
		{ NET_RIG_DATA + 26, 46, false },
	};
	uint8_t *bytes = net_rig_host(&rig, NET_RIG_DATA);

	memset(bytes, 0, 12);
	for (unsigned int i = 0; i < FRAME; i++)
		bytes[12 + i] = (uint8_t)i;
	driver_offer(&rig.drivers[TX0],
		     driver_indirect(&rig.drivers[TX0], NET_RIG_DATA + 0x1000, bufs, 4));
	net_rig_serve(&rig);
	cr_assert_eq(net_rig_sent(&rig, got, sizeof(got)), (ssize_t)(12 + FRAME));
	cr_expect_eq(memcmp(got, bytes, 12 + FRAME), 0);
}

static const struct {
	const char *what;
	struct vnet_header header;
	uint32_t len;
	bool ok;
} headers[] = {
	{ "largest", { 0 }, NET_MAX_FRAME, true },
	{ "too large", { 0 }, NET_MAX_FRAME + 1, false },
	{ "smallest", { 0 }, NET_MIN_FRAME, true },
	{ "too small", { 0 }, NET_MIN_FRAME - 1, false },
	{ "nothing", { 0 }, 0, false },
	{ "sum", { .flags = 1, .csum_start = 34, .csum_offset = 16 }, 60, true },
	{ "sum at the end", { .flags = 1, .csum_start = 34, .csum_offset = 24 }, 60, true },
	{ "sum beyond", { .flags = 1, .csum_start = 34, .csum_offset = 25 }, 60, false },
	{ "sum far", { .flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff }, 60, false },
	{ "tso4", { 1, 1, 54, 1448, 34, 16, 0 }, 3000, true },
	{ "tso6", { 1, 4, 74, 1428, 54, 16, 0 }, 3000, true },
	{ "ufo", { 1, 3, 42, 1480, 34, 6, 0 }, 3000, true },
	{ "uso", { 1, 5, 42, 1480, 34, 6, 0 }, 3000, true },
	{ "ecn", { 1, 0x81, 54, 1448, 34, 16, 0 }, 3000, true },
	{ "ecn of udp", { 1, 0x83, 42, 1480, 34, 6, 0 }, 3000, false },
	{ "ecn of nothing", { 1, 0x80, 42, 1480, 34, 6, 0 }, 3000, false },
	{ "no sum", { 0, 1, 54, 1448, 34, 16, 0 }, 3000, false },
	{ "no size", { 1, 1, 54, 0, 34, 16, 0 }, 3000, false },
	{ "headers beyond", { 1, 1, 3001, 1448, 34, 16, 0 }, 3000, false },
	{ "type 2", { 1, 2, 54, 1448, 34, 16, 0 }, 3000, false },
	{ "type 127", { 1, 127, 54, 1448, 34, 16, 0 }, 3000, false },
};

Test(vnet, checks_headers)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		uint64_t bad = stats().tx_bad;
		uint16_t head =
			net_rig_send(&rig, TX0, &headers[i].header, 0, headers[i].len, 0x33);
		ssize_t n;

		net_rig_serve(&rig);
		n = net_rig_sent(&rig, got, sizeof(got));
		cr_expect_eq(n, headers[i].ok ? (ssize_t)headers[i].len + 12 : -1, "%s: %zd",
			     headers[i].what, n);
		cr_expect_eq(stats().tx_bad - bad, !headers[i].ok, "%s", headers[i].what);
		cr_expect_eq(used(TX0).id, head, "%s", headers[i].what);
	}
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf, "a bad packet is no reason for a reset");
	cr_expect_eq(stats().tx_large, 5);
}

Test(vnet, what_was_not_negotiated_is_not_sent)
{
	static const uint64_t of_type[] = { [1] = 11, [3] = 14, [4] = 12, [5] = 56 };

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		uint8_t type = headers[i].header.gso_type & 0x7f;

		if (!headers[i].ok || !headers[i].header.flags)
			continue;
		net_rig_start(&rig, BIT64(type ? of_type[type] : 0));
		net_rig_send(&rig, TX0, &headers[i].header, 0, headers[i].len, 0x33);
		net_rig_serve(&rig);
		cr_expect_eq(net_rig_sent(&rig, got, sizeof(got)), -1, "%s", headers[i].what);
	}
}

/* What is the device's to say, or nobody's, does not reach the host. */
Test(vnet, headers_are_made_anew)
{
	const struct vnet_header odd = { .flags = 0xfe,
					 .hdr_len = 7,
					 .gso_size = 9,
					 .csum_start = 11,
					 .csum_offset = 13,
					 .num_buffers = 15 };

	net_rig_send(&rig, TX0, &odd, 0, FRAME, 0);
	net_rig_serve(&rig);
	cr_assert_eq(net_rig_sent(&rig, got, sizeof(got)), (ssize_t)(12 + FRAME));
	cr_expect_eq(memcmp(got, &plain, 12), 0);
}

static void breaks(unsigned int queue, const struct driver_buf *bufs, unsigned int nr)
{
	net_rig_start(&rig, 0);
	driver_offer(&rig.drivers[queue], driver_chain(&rig.drivers[queue], bufs, nr));
	net_rig_arrive(&rig, to_me, FRAME, 0);
	net_rig_serve(&rig);
	cr_expect(net_rig_get(&rig, 0x70) & NEEDS_RESET);
	cr_expect(is_empty(queue));
}

Test(vnet, chains_that_break_the_rules)
{
	const struct driver_buf cut = { NET_RIG_DATA, 11, false };
	const struct driver_buf small = { NET_RIG_DATA, 11, true };
	const struct driver_buf both[] = { { NET_RIG_DATA, 64, false },
					   { NET_RIG_DATA + 64, 64, true } };

	breaks(TX0, &cut, 1);
	breaks(TX0, both, 2);
	breaks(RX0, &small, 1);
	breaks(RX0, both, 2);
	breaks(RX0, &cut, 1);
}

/* A packet that the host does not take waits, and those behind it; none is lost. */
Test(vnet, waits_for_the_host)
{
	unsigned int sent = 0, taken = 0;
	int size = 1 << 16;

	cr_assert_eq(setsockopt(rig.net.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	while (sent < 30) {
		net_rig_send(&rig, TX0, &plain, (gpa_t)sent * 0x8000, 0x7000, (uint8_t)sent);
		sent++;
		if (sent % 8 == 0)
			net_rig_serve(&rig);
	}
	net_rig_serve(&rig);
	cr_assert(rig.vnet->pairs[0].tx.held, "the wire takes all of it");
	cr_expect_not(vnet_transmit_rings(&rig.vnet->pairs[0], true), "more is of no help");
	while (taken < sent) {
		cr_assert_eq(net_rig_sent(&rig, got, sizeof(got)), 0x7000 + 12);
		cr_assert_eq(got[12], taken);
		taken++;
		net_rig_serve(&rig);
	}
	for (unsigned int i = 0; i < sent; i++)
		used(TX0);
	cr_expect_eq(stats().tx_packets, sent);
}

/* ---- the link, resets ------------------------------------------------------------------------ */

Test(vnet, a_host_end_that_is_gone_is_a_link_that_is_down)
{
	unsigned int before = rig.edges;
	uint32_t generation = net_rig_get(&rig, 0xfc);

	atomic_store(&rig.cut, true);
	vnet_check_link(&rig.vnet->pairs[0]);
	vnet_check_link(&rig.vnet->pairs[1]);
	cr_expect_eq(config(6, 2), 0);
	cr_expect_eq(rig.edges - before, 1, "told once");
	cr_expect_eq(net_rig_get(&rig, 0xfc), generation + 1);
	cr_expect_not(stats().link);
	net_rig_start(&rig, 0);
	cr_expect_eq(config(6, 2), 0, "also after a reset");
}

Test(vnet, buffers_are_forgotten_in_a_reset)
{
	net_rig_give(&rig, RX0, 0, 1024);
	net_rig_arrive(&rig, to_me, 5000, 0x51);
	net_rig_serve(&rig);
	net_rig_start(&rig, 0);
	memset(net_rig_host(&rig, NET_RIG_DATA), 0, 8192);
	net_rig_give(&rig, RX0, 4096, 1024);
	net_rig_arrive(&rig, to_me, FRAME, 0x52);
	net_rig_serve(&rig);
	cr_expect_eq(used(RX0).len, 12 + FRAME);
	expect_frame(4096, FRAME, 0x52);
	for (unsigned int i = 0; i < 4096; i++)
		cr_assert_eq(data(0)[i], 0, "written after the reset");
}

Test(vnet, one_queue_can_be_reset)
{
	net_rig_give(&rig, RX0, 0, 1024);
	net_rig_serve(&rig);
	net_rig_put(&rig, 0x30, RX0);
	net_rig_put(&rig, 0xc0, 1);
	cr_expect_eq(net_rig_get(&rig, 0x44), 0);
	net_rig_arrive(&rig, to_me, FRAME, 0x53);
	net_rig_serve(&rig);
	cr_expect_eq(data(0)[12], 0);
	net_rig_send(&rig, TX0, &plain, 4096, FRAME, 1);
	net_rig_serve(&rig);
	cr_expect_eq(net_rig_sent(&rig, got, sizeof(got)), (ssize_t)(12 + FRAME));
}

/* ---- threads --------------------------------------------------------------------------------- */

static void wait_used(unsigned int queue)
{
	struct virtq_used_elem elem;

	while (!driver_used(&rig.drivers[queue], &elem))
		sched_yield();
}

Test(vnet, threads_move_packets_both_ways)
{
	struct pollfd wire = { .fd = rig.wire[0], .events = POLLIN };

	cr_assert_eq(vnet_start(rig.vnet), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		net_rig_give(&rig, RX0, (i % 16) * 2048, 2048);
		net_rig_put(&rig, 0x50, RX0);
		net_rig_send(&rig, TX0, &plain, 0x20000, FRAME, (uint8_t)i);
		net_rig_put(&rig, 0x50, TX0);
		cr_assert_eq(poll(&wire, 1, -1), 1);
		cr_assert_eq(net_rig_sent(&rig, got, sizeof(got)), (ssize_t)(12 + FRAME));
		cr_assert_eq(got[12], (uint8_t)i);
		wait_used(TX0);
		net_rig_arrive(&rig, to_me, FRAME, (uint8_t)i);
		wait_used(RX0);
		expect_frame((i % 16) * 2048, FRAME, (uint8_t)i);
	}
	if (stats().rx_packets != 2000)
		cr_expect_eq(stats().rx_packets, 2000);
}

Test(vnet, a_thread_sees_that_the_wire_is_cut)
{
	cr_assert_eq(vnet_start(rig.vnet), 0);
	atomic_store(&rig.cut, true);
	close(rig.wire[0]);
	rig.wire[0] = -1;
	while (config(6, 2))
		sched_yield();
	cr_expect_not(stats().link);
}

Test(vnet, threads_live_through_resets)
{
	cr_assert_eq(vnet_start(rig.vnet), 0);
	for (unsigned int i = 0; i < 300; i++) {
		for (gpa_t k = 0; k < 8; k++)
			net_rig_give(&rig, RX0, k * 2048, 2048);
		net_rig_arrive(&rig, to_me, FRAME, 0);
		net_rig_put(&rig, 0x50, RX0);
		net_rig_send(&rig, TX0, &plain, 0x20000, FRAME, 0);
		net_rig_put(&rig, 0x50, TX0);
		net_rig_start(&rig, i % 2 ? EVENT_IDX : 0);
		while (net_rig_sent(&rig, got, sizeof(got)) > 0)
			;
	}
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf);
}
