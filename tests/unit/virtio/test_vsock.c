/* SPDX-License-Identifier: Apache-2.0 */
/* The socket device over its transport: what it is, connections both ways, their ends, resets. */
#include "vsock_look.h"

#include <poll.h>
#include <sched.h>

#include "base/util.h"

TestSuite(vvsock, .init = init, .fini = fini);

Test(vvsock, says_what_it_is)
{
	cr_expect_eq(vsock_rig_get(&rig, 0x08), 19);
	cr_expect_eq(vsock_rig_get(&rig, 0x100), VSOCK_RIG_CID);
	cr_expect_eq(vsock_rig_get(&rig, 0x104), 0);
	cr_expect_eq(vsock_rig_get(&rig, 0x108), 0, "nothing behind it");
	vsock_rig_put(&rig, 0x100, 7);
	cr_expect_eq(vsock_rig_get(&rig, 0x100), VSOCK_RIG_CID, "cannot be written");
	vsock_rig_put(&rig, 0x14, 0);
	cr_expect_eq(vsock_rig_get(&rig, 0x10) & 0xff, 1, "streams, and nothing else");
}

/* ---- from the guest -------------------------------------------------------------------------- */

Test(vvsock, a_guest_reaches_a_program)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	char got[16] = { 0 };

	guest_sends(GUEST_PORT, HOST_PORT, "hello", 5);
	expect_text(fd, "hello");
	send_text(fd, "world!");
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, got, sizeof(got)));
	cr_expect_eq(header.op, VVSOCK_OP_RW);
	cr_expect_eq(header.len, 6);
	cr_expect_eq(header.fwd_cnt, 5);
	cr_expect_str_eq(got, "world!");
	cr_expect_eq(stats().by_guest, 1);
	cr_expect_eq(stats().connections, 1);
	cr_expect_eq(stats().rx_bytes, 6);
	cr_expect_eq(stats().tx_bytes, 5);
	close(fd);
	close(listener);
}

Test(vvsock, where_nobody_listens_there_is_a_rst)
{
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().refused, 1);
	cr_expect_eq(stats().connections, 0);
	close(vsock_rig_listen(&rig, HOST_PORT));
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_none();
}

/* ---- from the host --------------------------------------------------------------------------- */

Test(vvsock, a_program_reaches_the_guest)
{
	uint32_t host_port;
	int fd = open_by_host(GUEST_PORT, &host_port);

	cr_expect_geq(host_port, 1u << 30);
	guest_sends(GUEST_PORT, host_port, "abc", 3);
	expect_text(fd, "abc");
	cr_expect_eq(stats().by_host, 1);
	close(fd);
}

Test(vvsock, what_follows_the_line_at_once_is_the_guests)
{
	int fd = vsock_rig_connect(&rig);
	char got[16] = { 0 };

	send_text(fd, "CONNECT 7\nearly");
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	expect_none();
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, 7, header.src_port);
	cr_assert(vsock_rig_got(&rig, &header, got, sizeof(got)));
	cr_expect_eq(header.op, VVSOCK_OP_RW);
	cr_expect_str_eq(got, "early");
	close(fd);
}

/* Sent, and gone before the guest had answered. */
Test(vvsock, what_a_program_left_is_the_guests)
{
	int fd = vsock_rig_connect(&rig);
	uint32_t host_port;

	send_text(fd, "CONNECT 7\nlate");
	close(fd);
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	host_port = header.src_port;
	vsock_rig_do(&rig, VVSOCK_OP_RESPONSE, 7, host_port);
	expect_packet(VVSOCK_OP_SHUTDOWN, 7, host_port);
	cr_expect_eq(header.flags, VVSOCK_SHUT_RECEIVE);
	expect_packet(VVSOCK_OP_RW, 7, host_port);
	cr_expect_eq(header.len, 4);
	expect_packet(VVSOCK_OP_SHUTDOWN, 7, host_port);
	cr_expect_eq(header.flags, VVSOCK_SHUT_BOTH);
}

Test(vvsock, a_line_may_come_in_pieces)
{
	int fd = vsock_rig_connect(&rig);

	send_text(fd, "CONN");
	vsock_rig_serve(&rig);
	expect_none();
	send_text(fd, "ECT 9\n");
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	cr_expect_eq(header.op, VVSOCK_OP_REQUEST);
	cr_expect_eq(header.dst_port, 9);
	close(fd);
}

Test(vvsock, a_guest_that_refuses_ends_the_program_s_connection)
{
	int fd = vsock_rig_connect(&rig);

	send_text(fd, "CONNECT 7\n");
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	vsock_rig_do(&rig, VVSOCK_OP_RST, 7, header.src_port);
	expect_end(fd);
	cr_expect_eq(stats().refused, 1);
	cr_expect_eq(stats().connections, 0);
	expect_none();
	close(fd);
}

Test(vvsock, other_lines_are_refused)
{
	static const char *const lines[] = {
		"CONNECT\n",	 "CONNECT \n",
		"CONNECT x\n",	 "CONNECT 4294967296\n",
		"CONNECT -1\n",	 "CONNECT 1 \n",
		"HELLO 1\n",	 "\n",
		"CONNECT 1\r\n", "CONNECT 00000000000000000000000000000001\n",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		int fd = vsock_rig_connect(&rig);

		send_text(fd, lines[i]);
		vsock_rig_serve(&rig);
		cr_expect_lt(recv(fd, &header, 1, 0), 1, "%s", lines[i]);
		cr_expect_neq(errno, EAGAIN, "%s", lines[i]);
		close(fd);
	}
	vsock_rig_serve(&rig);
	expect_none();
	cr_expect_eq(stats().connections, 0);
	cr_expect_eq(stats().refused, ARRAY_SIZE(lines));
}

Test(vvsock, one_that_goes_before_its_line_leaves_nothing)
{
	int fd = vsock_rig_connect(&rig);

	vsock_rig_serve(&rig);
	cr_expect_eq(stats().connections, 1);
	close(fd);
	vsock_rig_serve(&rig);
	cr_expect_eq(stats().connections, 0);
}

/* ---- ends ------------------------------------------------------------------------------------ */

Test(vvsock, a_guest_that_closes_gets_a_rst)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	guest_sends(GUEST_PORT, HOST_PORT, "last", 4);
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_BOTH);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_text(fd, "last");
	expect_end(fd);
	cr_expect_eq(stats().connections, 0);
	cr_expect_eq(stats().reset, 0, "an orderly end");
	vsock_rig_do(&rig, VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_none();
	close(fd);
	close(listener);
}

Test(vvsock, a_program_that_closes_is_told_of_behind_its_bytes)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	send_text(fd, "bye");
	close(fd);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	cr_expect_eq(header.flags, VVSOCK_SHUT_BOTH);
	guest_sends(GUEST_PORT, HOST_PORT, "too late", 8);
	expect_none();
	vsock_rig_do(&rig, VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().connections, 0);
	close(listener);
}

Test(vvsock, a_guest_may_close_its_direction_first)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	guest_sends(GUEST_PORT, HOST_PORT, "question", 8);
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_SEND);
	expect_text(fd, "question");
	expect_end(fd);
	send_text(fd, "answer");
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	close(fd);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	cr_expect_eq(header.flags, VVSOCK_SHUT_BOTH);
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_BOTH);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().connections, 0);
	close(listener);
}

Test(vvsock, a_program_may_close_its_direction_first)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	send_text(fd, "question");
	shutdown(fd, SHUT_WR);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	cr_expect_eq(header.flags, VVSOCK_SHUT_SEND);
	guest_sends(GUEST_PORT, HOST_PORT, "answer", 6);
	expect_text(fd, "answer");
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_BOTH);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	close(fd);
	close(listener);
}

Test(vvsock, a_guest_that_takes_no_more_is_an_error_to_the_program)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_RECEIVE);
	cr_expect_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	cr_expect_eq(errno, EPIPE);
	guest_sends(GUEST_PORT, HOST_PORT, "still", 5);
	expect_text(fd, "still");
	close(fd);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_SHUTDOWN, GUEST_PORT, HOST_PORT);
	cr_expect_eq(header.flags, VVSOCK_SHUT_BOTH);
	close(listener);
}

Test(vvsock, a_program_that_leaves_bytes_unread_resets)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	guest_sends(GUEST_PORT, HOST_PORT, "unread", 6);
	close(fd);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().reset, 1);
	cr_expect_eq(stats().connections, 0);
	close(listener);
}

Test(vvsock, a_rst_of_the_guest_ends_it_at_once)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	vsock_rig_do(&rig, VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	expect_end(fd);
	expect_none();
	cr_expect_eq(stats().connections, 0);
	/* Its ports can be used again. */
	close(open_by_guest(listener, GUEST_PORT));
	close(fd);
	close(listener);
}

/* ---- resets ---------------------------------------------------------------------------------- */

Test(vvsock, a_reset_ends_all)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT), silent = vsock_rig_connect(&rig);

	vsock_rig_serve(&rig);
	cr_expect_eq(stats().connections, 2);
	vsock_rig_put(&rig, 0x70, 0);
	cr_expect_eq(vsock_rig_get(&rig, 0x70), 0);
	expect_end(fd);
	expect_end(silent);
	cr_expect_eq(stats().connections, 0);
	vsock_rig_start(&rig, VSOCK_RIG_BUFFERS);
	vsock_rig_serve(&rig);
	expect_none();
	close(open_by_guest(listener, GUEST_PORT));
	close(fd);
	close(silent);
	close(listener);
}

Test(vvsock, programs_wait_for_a_driver)
{
	int fd;

	vsock_rig_put(&rig, 0x70, 0);
	fd = vsock_rig_connect(&rig);
	send_text(fd, "CONNECT 7\n");
	vsock_rig_serve(&rig);
	expect_quiet(fd);
	vsock_rig_start(&rig, VSOCK_RIG_BUFFERS);
	vsock_rig_serve(&rig);
	cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	cr_expect_eq(header.op, VVSOCK_OP_REQUEST);
	close(fd);
}

static void give_event_buffer(void)
{
	const struct driver_buf buf = { VSOCK_RIG_SEND - 0x1000, 4, true };

	*(uint32_t *)vsock_rig_host(&rig, buf.addr) = 0xffffffff;
	driver_offer(&rig.drivers[VVSOCK_EVENT], driver_chain(&rig.drivers[VVSOCK_EVENT], &buf, 1));
}

static void expect_event(void)
{
	struct virtq_used_elem elem;

	cr_assert(driver_used(&rig.drivers[VVSOCK_EVENT], &elem), "no event");
	cr_expect_eq(elem.len, 4);
	cr_expect_eq(*(uint32_t *)vsock_rig_host(&rig, VSOCK_RIG_SEND - 0x1000), 0);
	cr_expect_not(driver_used(&rig.drivers[VVSOCK_EVENT], &elem), "one is enough");
}

Test(vvsock, an_interruption_is_told_as_soon_as_it_can_be)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	vvsock_interrupt_all(rig.vvsock);
	vsock_rig_serve(&rig);
	expect_end(fd);
	give_event_buffer();
	vsock_rig_serve(&rig);
	expect_event();
	close(fd);
	close(listener);
}

/* Packets that were in it are gone, so streams would have holes. */
Test(vvsock, a_queue_that_is_reset_ends_all)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	give_event_buffer();
	vsock_rig_put(&rig, 0x30, VVSOCK_RX);
	vsock_rig_put(&rig, 0xc0, 1);
	cr_expect_eq(vsock_rig_get(&rig, 0xc0), 0);
	vsock_rig_serve(&rig);
	expect_end(fd);
	expect_event();
	close(fd);
	close(listener);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void wait_for(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };

	cr_assert_eq(poll(&poller, 1, 60000), 1);
}

Test(vvsock, its_thread_does_all_of_it)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT), fd;
	struct vvsock_header packet = vsock_rig_packet(VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);

	cr_assert_eq(vvsock_start(rig.vvsock), 0);
	vsock_rig_send(&rig, &packet, NULL, 0);
	vsock_rig_put(&rig, 0x50, VVSOCK_TX);
	wait_for(listener, POLLIN);
	fd = accept(listener, NULL, NULL);
	while (!vsock_rig_got(&rig, &header, NULL, 0))
		sched_yield();
	for (unsigned int i = 0; i < 100; i++) {
		char byte = (char)i, got = 0;

		cr_assert_eq(send(fd, &byte, 1, 0), 1);
		while (!vsock_rig_got(&rig, &header, &got, 1))
			sched_yield();
		cr_assert_eq(header.op, VVSOCK_OP_RW);
		cr_assert_eq(got, byte);
		packet = vsock_rig_packet(VVSOCK_OP_RW, GUEST_PORT, HOST_PORT);
		packet.len = 1;
		packet.fwd_cnt = i + 1;
		vsock_rig_send(&rig, &packet, &byte, 1);
		vsock_rig_put(&rig, 0x50, VVSOCK_TX);
		cr_assert_eq(recv(fd, &got, 1, 0), 1);
		cr_assert_eq(got, byte);
	}
	cr_expect_gt(atomic_load(&rig.edges), 0);
	close(fd);
	close(listener);
}
