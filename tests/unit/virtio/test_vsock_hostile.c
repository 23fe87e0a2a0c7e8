/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a driver that lies: each ends its own connection, or nothing. */
#include "vsock_look.h"

#include "base/util.h"

static int listener, fd;

/* One connection is there, which lies about it must not touch. */
static void init_open(void)
{
	init();
	listener = vsock_rig_listen(&rig, HOST_PORT);
	fd = open_by_guest(listener, GUEST_PORT);
}

static void fini_open(void)
{
	close(fd);
	close(listener);
	fini();
}

TestSuite(vvsock_hostile, .init = init_open, .fini = fini_open);

static void expect_alive(void)
{
	guest_sends(GUEST_PORT, HOST_PORT, "alive", 5);
	expect_text(fd, "alive");
	expect_none();
}

static void expect_reset(void)
{
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	expect_none();
	cr_expect_eq(stats().connections, 0);
	cr_expect_eq(stats().reset, 1);
}

static void send_lie(const struct vvsock_header *lie, uint32_t len)
{
	static const char bytes[64] = "lies";

	vsock_rig_send(&rig, lie, bytes, len);
	vsock_rig_serve(&rig);
}

Test(vvsock_hostile, other_addresses_are_nobody)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	static const uint64_t cids[] = { 0,	    1,		VSOCK_RIG_CID,
					 4,	    UINT32_MAX, 1ull << 32 | VVSOCK_CID_HOST,
					 UINT64_MAX };

	for (unsigned int i = 0; i < ARRAY_SIZE(cids); i++) {
		lie.dst_cid = cids[i];
		send_lie(&lie, 4);
	}
	lie.dst_cid = VVSOCK_CID_HOST;
	for (unsigned int i = 0; i < ARRAY_SIZE(cids); i++) {
		lie.src_cid = cids[i] == VSOCK_RIG_CID ? 1ull << 32 | VSOCK_RIG_CID : cids[i];
		send_lie(&lie, 4);
	}
	expect_none();
	cr_expect_eq(stats().tx_bad, 2 * ARRAY_SIZE(cids));
	expect_alive();
}

Test(vvsock_hostile, other_types_get_a_rst_of_theirs)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	static const uint16_t types[] = { 0, 2, 3, 0x100, 0xffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		lie.type = types[i];
		lie.op = VVSOCK_OP_RW;
		send_lie(&lie, 4);
		expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
		cr_expect_eq(header.type, types[i]);
		lie.op = VVSOCK_OP_RST;
		send_lie(&lie, 0);
		expect_none();
	}
	expect_alive();
}

Test(vvsock_hostile, a_length_beyond_the_packet)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);

	lie.len = 5;
	send_lie(&lie, 4);
	expect_reset();
	cr_expect_eq(stats().tx_bad, 1);
}

Test(vvsock_hostile, a_length_that_wraps)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);

	lie.len = UINT32_MAX;
	send_lie(&lie, 4);
	expect_reset();
}

Test(vvsock_hostile, a_length_short_of_the_packet)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);

	lie.len = 3;
	send_lie(&lie, 64);
	expect_text(fd, "lie");
	lie.len = 0;
	send_lie(&lie, 64);
	expect_quiet(fd);
	expect_alive();
}

/* What has no business there is not looked at. */
Test(vvsock_hostile, lengths_where_nothing_belongs)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);

	lie.len = UINT32_MAX;
	send_lie(&lie, 64);
	expect_quiet(fd);
	expect_alive();
}

Test(vvsock_hostile, operations_that_there_are_not)
{
	static const uint16_t ops[] = { 0, 8, 0x105, 0xffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, 7, 7);

		lie.op = ops[i];
		send_lie(&lie, 4);
		expect_packet(VVSOCK_OP_RST, 7, 7);
	}
	cr_expect_eq(stats().tx_bad, ARRAY_SIZE(ops));
	expect_alive();
}

Test(vvsock_hostile, an_operation_that_is_none_ends_its_connection)
{
	struct vvsock_header lie = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);

	lie.op = 8;
	send_lie(&lie, 0);
	expect_reset();
}

Test(vvsock_hostile, packets_of_no_connection)
{
	static const enum vvsock_op ops[] = { VVSOCK_OP_RESPONSE, VVSOCK_OP_SHUTDOWN, VVSOCK_OP_RW,
					      VVSOCK_OP_CREDIT_UPDATE, VVSOCK_OP_CREDIT_REQUEST };

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		vsock_rig_do(&rig, ops[i], GUEST_PORT, HOST_PORT + 1);
		expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT + 1);
		vsock_rig_do(&rig, ops[i], GUEST_PORT + 1, HOST_PORT);
		expect_packet(VVSOCK_OP_RST, GUEST_PORT + 1, HOST_PORT);
	}
	vsock_rig_do(&rig, VVSOCK_OP_RST, GUEST_PORT + 1, HOST_PORT);
	expect_none();
	expect_alive();
}

Test(vvsock_hostile, a_request_for_what_is_there)
{
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_reset();
}

Test(vvsock_hostile, an_answer_that_nobody_asked_for)
{
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	expect_reset();
}

Test(vvsock_hostile, bytes_after_the_last)
{
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_SEND);
	expect_none();
	guest_sends(GUEST_PORT, HOST_PORT, "more", 4);
	expect_reset();
}

Test(vvsock_hostile, shutdowns_of_other_flags)
{
	guest_shuts(GUEST_PORT, HOST_PORT, 0);
	guest_shuts(GUEST_PORT, HOST_PORT, ~VVSOCK_SHUT_BOTH);
	expect_alive();
	guest_shuts(GUEST_PORT, HOST_PORT, UINT32_MAX);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
}

/* Before it has answered a program's request, and before that was even sent. */
Test(vvsock_hostile, a_guest_that_does_anything_but_answer)
{
	static const enum vvsock_op ops[] = { VVSOCK_OP_REQUEST, VVSOCK_OP_SHUTDOWN, VVSOCK_OP_RW };

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		int program = vsock_rig_connect(&rig);

		send_text(program, "CONNECT 7\n");
		vsock_rig_serve(&rig);
		cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
		vsock_rig_do(&rig, ops[i], 7, header.src_port);
		cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
		cr_expect_eq(header.op, VVSOCK_OP_RST);
		expect_end(program);
		close(program);
	}
	expect_alive();
}

Test(vvsock_hostile, an_answer_before_the_question)
{
	int program;
	uint32_t port = VVSOCK_FIRST_PORT;

	vsock_rig_start(&rig, 0);
	program = vsock_rig_connect(&rig);
	send_text(program, "CONNECT 7\n");
	vsock_rig_serve(&rig);
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, 7, port);
	expect_end(program);
	vsock_rig_give(&rig, 0);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RST, 7, port);
	close(program);
}

/* Whatever is said about one that a RST is due for, that is its last word. */
Test(vvsock_hostile, nothing_revives_one_that_is_dying)
{
	vsock_rig_start(&rig, 0);
	close(fd);
	fd = accept(listener, NULL, NULL);
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	close(fd);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	for (uint16_t op = 0; op < 10; op++)
		if (op != VVSOCK_OP_RST)
			vsock_rig_do(&rig, (enum vvsock_op)op, GUEST_PORT, HOST_PORT);
	vsock_rig_give(&rig, 0);
	vsock_rig_give(&rig, 1);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_none();
	cr_expect_eq(stats().connections, 0);
}

/* RSTs that find no room are left out, and counted; the queue goes on. */
Test(vvsock_hostile, a_flood_of_strays)
{
	unsigned int nr = 0;

	vsock_rig_start(&rig, 0);
	for (unsigned int i = 0; i < VVSOCK_STRAYS + 100; i++)
		vsock_rig_do(&rig, VVSOCK_OP_RW, i, 1);
	cr_expect_eq(stats().unanswered, 100);
	for (unsigned int i = 0; i < VSOCK_RIG_BUFFERS; i++)
		vsock_rig_give(&rig, i);
	vsock_rig_serve(&rig);
	while (vsock_rig_got(&rig, &header, NULL, 0)) {
		cr_assert_eq(header.op, VVSOCK_OP_RST);
		cr_assert_eq(header.dst_port, nr++);
		vsock_rig_serve(&rig);
	}
	cr_expect_eq(nr, VVSOCK_STRAYS);
}

/* ---- chains ---------------------------------------------------------------------------------- */

#define NEEDS_RESET 0x40u

static void offer(unsigned int queue, const struct driver_buf *bufs, unsigned int nr)
{
	driver_offer(&rig.drivers[queue], driver_chain(&rig.drivers[queue], bufs, nr));
	vsock_rig_serve(&rig);
}

Test(vvsock_hostile, a_packet_without_a_whole_header)
{
	const struct driver_buf buf = { VSOCK_RIG_SEND, 43, false };

	offer(VVSOCK_TX, &buf, 1);
	cr_expect(vsock_rig_get(&rig, 0x70) & NEEDS_RESET);
}

Test(vvsock_hostile, a_packet_that_is_to_be_written)
{
	const struct driver_buf bufs[] = { { VSOCK_RIG_SEND, 44, false },
					   { VSOCK_RIG_SEND + 44, 4, true } };

	offer(VVSOCK_TX, bufs, 2);
	cr_expect(vsock_rig_get(&rig, 0x70) & NEEDS_RESET);
}

Test(vvsock_hostile, buffers_that_are_to_be_read_or_too_small)
{
	const struct driver_buf bufs[] = { { VSOCK_RIG_SEND, 4096, false },
					   { VSOCK_RIG_SEND, 44, true } };

	for (unsigned int i = 0; i < 2; i++) {
		vsock_rig_start(&rig, 0);
		driver_offer(&rig.drivers[VVSOCK_RX],
			     driver_chain(&rig.drivers[VVSOCK_RX], &bufs[i], 1));
		vsock_rig_do(&rig, VVSOCK_OP_RW, 1, 1);
		cr_expect(vsock_rig_get(&rig, 0x70) & NEEDS_RESET, "%u", i);
	}
}

/* The framing is the driver's (section 2.7.4.1). */
Test(vvsock_hostile, packets_in_any_framing)
{
	struct vvsock_header packet = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	const struct driver_buf out[] = { { VSOCK_RIG_SEND, 1, false },
					  { VSOCK_RIG_SEND + 0x1001, 40, false },
					  { VSOCK_RIG_SEND + 0x2029, 5, false },
					  { VSOCK_RIG_SEND + 0x302e, 3, false } };
	const struct driver_buf in[] = { { VSOCK_RIG_DATA, 43, true },
					 { VSOCK_RIG_DATA + 0x1000, 3, true },
					 { VSOCK_RIG_DATA + 0x2000, 100, true } };
	struct virtq_used_elem elem;
	uint8_t bytes[49];

	vsock_rig_start(&rig, 1);
	close(fd);
	fd = open_by_guest(listener, GUEST_PORT);
	while (vsock_rig_got(&rig, &header, NULL, 0))
		;
	packet.len = 5;
	memcpy(bytes, &packet, 44);
	memcpy(bytes + 44, "12345", 5);
	for (unsigned int i = 0, at = 0; i < 4; at += out[i++].len)
		memcpy(vsock_rig_host(&rig, out[i].addr), bytes + at, out[i].len);
	offer(VVSOCK_TX, out, 4);
	expect_text(fd, "12345");
	driver_offer(&rig.drivers[VVSOCK_RX], driver_chain(&rig.drivers[VVSOCK_RX], in, 3));
	send_text(fd, "abcdefghij");
	vsock_rig_serve(&rig);
	send_text(fd, "abcdefghij");
	vsock_rig_serve(&rig);
	cr_assert(driver_used(&rig.drivers[VVSOCK_RX], &elem));
	cr_assert(driver_used(&rig.drivers[VVSOCK_RX], &elem));
	cr_expect_eq(elem.len, 54);
	cr_expect_eq(memcmp(vsock_rig_host(&rig, in[1].addr + 1), "ab", 2), 0);
	cr_expect_eq(memcmp(vsock_rig_host(&rig, in[2].addr), "cdefghij", 8), 0);
}
