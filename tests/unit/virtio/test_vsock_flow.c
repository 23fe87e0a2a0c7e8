/* SPDX-License-Identifier: Apache-2.0 */
/* The socket device's flow control: credit both ways, who is stuck, how many there can be. */
#include "vsock_look.h"

TestSuite(vvsock_flow, .init = init, .fini = fini);

static uint8_t bytes[0x10000], got[2 * VVSOCK_BUFFER];

static uint8_t byte_at(uint64_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16);
}

/* The guest sends @len bytes more, which are the stream's from @from on. */
static void guest_streams(uint32_t guest_port, uint64_t from, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = byte_at(from + i);
	guest_sends(guest_port, HOST_PORT, bytes, len);
}

/* As much as the guest may send, in large packets. */
static void fill(uint32_t guest_port, uint64_t from, uint64_t len)
{
	while (len) {
		uint32_t n = len < sizeof(bytes) ? (uint32_t)len : (uint32_t)sizeof(bytes);

		guest_streams(guest_port, from, n);
		from += n;
		len -= n;
	}
}

/* What the host's program reads until there is nothing more, from the stream's @from on. */
static uint64_t drain(int fd, uint64_t from)
{
	uint64_t sum = 0;
	ssize_t n;

	do {
		while ((n = recv(fd, got, sizeof(got), 0)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				cr_assert_eq(got[i], byte_at(from + sum + (uint64_t)i));
			sum += (uint64_t)n;
		}
		vsock_rig_serve(&rig);
		n = recv(fd, got, 1, MSG_PEEK);
	} while (n > 0);
	return sum;
}

/* The latest word of the device about its room, over all packets of it that are there. */
static uint32_t last_fwd(uint32_t guest_port)
{
	uint32_t fwd = 0;

	while (vsock_rig_got(&rig, &header, NULL, 0)) {
		cr_assert_eq(header.dst_port, guest_port);
		cr_assert_eq(header.op, VVSOCK_OP_CREDIT_UPDATE);
		fwd = header.fwd_cnt;
	}
	return fwd;
}

/* ---- out of the guest ------------------------------------------------------------------------ */

/* The socket's own buffer takes some; the rest is the device's, to the last byte of its buffer. */
Test(vvsock_flow, what_a_slow_program_does_not_read_is_kept)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	uint64_t sent = 0, fwd;

	fill(GUEST_PORT, 0, VVSOCK_BUFFER);
	sent = VVSOCK_BUFFER;
	fwd = rig.vvsock->conns[0].fwd;
	cr_assert_lt(fwd, VVSOCK_BUFFER, "a unix socket takes less");
	fill(GUEST_PORT, sent, fwd);
	sent += fwd;
	cr_assert_eq(rig.vvsock->conns[0].held, VVSOCK_BUFFER, "not a byte more fits");
	(void)last_fwd(GUEST_PORT);
	cr_expect_eq(drain(fd, 0), sent);
	cr_expect_lt((uint32_t)sent - last_fwd(GUEST_PORT), VVSOCK_BUFFER / 4, "there is room");
	/* Round its end. */
	fill(GUEST_PORT, sent, VVSOCK_BUFFER);
	cr_expect_eq(drain(fd, sent), VVSOCK_BUFFER);
	cr_expect_eq(stats().tx_overrun, 0);
	close(fd);
	close(listener);
}

Test(vvsock_flow, more_than_it_may_send_is_an_end)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	uint64_t more;

	fill(GUEST_PORT, 0, VVSOCK_BUFFER);
	more = rig.vvsock->conns[0].fwd;
	fill(GUEST_PORT, VVSOCK_BUFFER, more);
	(void)last_fwd(GUEST_PORT);
	guest_streams(GUEST_PORT, 0, 1);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().tx_overrun, 1);
	cr_expect_eq(stats().connections, 0);
	close(fd);
	close(listener);
}

Test(vvsock_flow, room_is_told_when_asked_for)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	guest_sends(GUEST_PORT, HOST_PORT, "abc", 3);
	expect_none();
	vsock_rig_do(&rig, VVSOCK_OP_CREDIT_REQUEST, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_CREDIT_UPDATE, GUEST_PORT, HOST_PORT);
	cr_expect_eq(header.fwd_cnt, 3);
	cr_expect_eq(header.buf_alloc, VVSOCK_BUFFER);
	close(fd);
	close(listener);
}

/* All that was sent reaches a program that reads late, though the guest has closed long ago. */
Test(vvsock_flow, what_was_sent_before_an_end_arrives)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	fill(GUEST_PORT, 0, VVSOCK_BUFFER);
	(void)last_fwd(GUEST_PORT);
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_BOTH);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().connections, 1, "it lingers");
	/* Its ports are free for another one meanwhile. */
	close(open_by_guest(listener, GUEST_PORT));
	vsock_rig_serve(&rig);
	cr_expect_eq(drain(fd, 0), VVSOCK_BUFFER);
	expect_end(fd);
	close(fd);
	close(listener);
}

Test(vvsock_flow, half_an_end_waits_for_what_was_sent)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);

	fill(GUEST_PORT, 0, VVSOCK_BUFFER);
	(void)last_fwd(GUEST_PORT);
	guest_shuts(GUEST_PORT, HOST_PORT, VVSOCK_SHUT_SEND);
	cr_expect_eq(drain(fd, 0), VVSOCK_BUFFER);
	expect_end(fd);
	send_text(fd, "thanks");
	vsock_rig_serve(&rig);
	do
		cr_assert(vsock_rig_got(&rig, &header, NULL, 0));
	while (header.op == VVSOCK_OP_CREDIT_UPDATE);
	cr_expect_eq(header.op, VVSOCK_OP_RW);
	cr_expect_eq(header.len, 6);
	close(fd);
	close(listener);
}

/* ---- into the guest -------------------------------------------------------------------------- */

static void give_credit(uint32_t guest_port, uint32_t alloc, uint32_t fwd)
{
	struct vvsock_header packet =
		vsock_rig_packet(VVSOCK_OP_CREDIT_UPDATE, guest_port, HOST_PORT);

	packet.buf_alloc = alloc;
	packet.fwd_cnt = fwd;
	vsock_rig_send(&rig, &packet, NULL, 0);
	vsock_rig_serve(&rig);
}

/* What came into the guest until there is nothing more; a CREDIT_REQUEST in *@asked. */
static uint64_t receive(unsigned int *asked)
{
	uint64_t sum = 0;

	*asked = 0;
	while (vsock_rig_got(&rig, &header, NULL, 0)) {
		if (header.op == VVSOCK_OP_RW)
			sum += header.len;
		*asked += header.op == VVSOCK_OP_CREDIT_REQUEST;
		vsock_rig_serve(&rig);
	}
	return sum;
}

Test(vvsock_flow, no_more_goes_in_than_there_is_room_for)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	unsigned int asked;

	give_credit(GUEST_PORT, 10000, 0);
	cr_assert_eq(send(fd, bytes, 30000, 0), 30000);
	vsock_rig_serve(&rig);
	cr_expect_eq(receive(&asked), 10000);
	cr_expect_eq(asked, 1, "it asks once");
	give_credit(GUEST_PORT, 10000, 0);
	cr_expect_eq(receive(&asked), 0);
	cr_expect_eq(asked, 0, "and not again where the answer is the same");
	give_credit(GUEST_PORT, 10000, 1);
	cr_expect_eq(receive(&asked), 1);
	give_credit(GUEST_PORT, 5000, 10001);
	cr_expect_eq(receive(&asked), 5000, "it may shrink");
	give_credit(GUEST_PORT, 4000, 10001);
	cr_expect_eq(receive(&asked), 0, "also below what is there");
	give_credit(GUEST_PORT, UINT32_MAX, 15001);
	cr_expect_eq(receive(&asked), 30000 - 15001);
	close(fd);
	close(listener);
}

/* Counts of 32 bits wrap in a stream of more. */
Test(vvsock_flow, counts_wrap)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	struct vvsock_conn *conn = &rig.vvsock->conns[0];
	unsigned int asked;

	conn->sent = conn->fwd = conn->told_fwd = UINT32_MAX - 100;
	give_credit(GUEST_PORT, 4000, UINT32_MAX - 100);
	cr_assert_eq(send(fd, bytes, 8000, 0), 8000);
	vsock_rig_serve(&rig);
	cr_expect_eq(receive(&asked), 4000);
	give_credit(GUEST_PORT, 4000, 3899);
	cr_expect_eq(receive(&asked), 4000);
	fill(GUEST_PORT, 0, VVSOCK_BUFFER);
	cr_expect_eq(drain(fd, 0), VVSOCK_BUFFER);
	cr_expect_lt(UINT32_MAX - 100 + VVSOCK_BUFFER - last_fwd(GUEST_PORT), VVSOCK_BUFFER / 4);
	close(fd);
	close(listener);
}

/* A guest that says it took more than it was sent stalls itself alone. */
Test(vvsock_flow, credit_that_cannot_be_is_none)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int fd = open_by_guest(listener, GUEST_PORT);
	unsigned int asked;

	give_credit(GUEST_PORT, 1000, 500);
	send_text(fd, "abc");
	vsock_rig_serve(&rig);
	cr_expect_eq(receive(&asked), 0);
	cr_expect_eq(asked, 1);
	give_credit(GUEST_PORT, 1000, 0);
	cr_expect_eq(receive(&asked), 3);
	close(fd);
	close(listener);
}

Test(vvsock_flow, a_driver_without_buffers_holds_up_nothing_it_sends)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT), fds[2], i = 0;

	vsock_rig_start(&rig, 0);
	for (uint32_t port = 1; port <= 2; port++) {
		vsock_rig_do(&rig, VVSOCK_OP_REQUEST, port, HOST_PORT);
		fds[i++] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	guest_sends(1, HOST_PORT, "one", 3);
	guest_sends(2, HOST_PORT, "two", 3);
	expect_text(fds[0], "one");
	expect_text(fds[1], "two");
	expect_none();
	vsock_rig_give(&rig, 0);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RESPONSE, 1, HOST_PORT);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RESPONSE, 2, HOST_PORT);
	close(fds[0]);
	close(fds[1]);
	close(listener);
}

/* Who asks for buffers is asked to ring for them, others are not. */
Test(vvsock_flow, rings_are_wanted_where_something_waits)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);

	vsock_rig_start(&rig, 0);
	cr_expect_not(vvsock_rings(rig.vvsock, true));
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	vsock_rig_give(&rig, 0);
	cr_expect(vvsock_rings(rig.vvsock, true), "a buffer came before it asked");
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	cr_expect_not(vvsock_rings(rig.vvsock, true));
	close(listener);
}

/* ---- several --------------------------------------------------------------------------------- */

Test(vvsock_flow, those_that_are_stuck_hold_up_nobody)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int deaf = open_by_guest(listener, 1), stuck = open_by_guest(listener, 2);
	int flowing = open_by_guest(listener, 3);
	char text[8] = { 0 };

	give_credit(2, 0, 0);
	fill(1, 0, VVSOCK_BUFFER);
	cr_assert_eq(send(stuck, bytes, 10000, 0), 10000);
	vsock_rig_serve(&rig);
	while (vsock_rig_got(&rig, &header, NULL, 0))
		cr_assert_neq(header.op, VVSOCK_OP_RW);
	for (unsigned int i = 0; i < 100; i++) {
		guest_sends(3, HOST_PORT, "ping", 4);
		expect_text(flowing, "ping");
		send_text(flowing, "pong");
		give_credit(3, VSOCK_RIG_ALLOC, 4 * i);
		cr_assert(vsock_rig_got(&rig, &header, text, sizeof(text)));
		cr_assert_str_eq(text, "pong");
		cr_assert_eq(header.dst_port, 3);
	}
	close(deaf);
	close(stuck);
	close(flowing);
	close(listener);
}

/* A packet each in turn, however much one has. */
Test(vvsock_flow, a_busy_one_leaves_turns_to_others)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT);
	int busy = open_by_guest(listener, 1), quiet = open_by_guest(listener, 2);
	unsigned int before = 0;

	cr_assert_eq(send(busy, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	send_text(quiet, "me too");
	vsock_rig_serve(&rig);
	while (vsock_rig_got(&rig, &header, NULL, 0) && header.dst_port == 1)
		before++;
	cr_expect_leq(before, 1);
	cr_expect_eq(header.dst_port, 2);
	close(busy);
	close(quiet);
	close(listener);
}

Test(vvsock_flow, there_are_so_many_and_no_more)
{
	int listener = vsock_rig_listen(&rig, HOST_PORT), fds[VSOCK_RIG_CONNS], fd;

	for (uint32_t i = 0; i < VSOCK_RIG_CONNS; i++)
		fds[i] = open_by_guest(listener, i);
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_RST, GUEST_PORT, HOST_PORT);
	fd = vsock_rig_connect(&rig);
	vsock_rig_serve(&rig);
	expect_end(fd);
	close(fd);
	cr_expect_eq(stats().refused, 2);
	cr_expect_eq(stats().connections, VSOCK_RIG_CONNS);
	/* One that is over for the host makes room, whether the guest has said so or not. */
	fd = accept(listener, NULL, NULL); /* that was refused */
	close(fd);
	close(fds[0]);
	vsock_rig_serve(&rig);
	expect_packet(VVSOCK_OP_SHUTDOWN, 0, HOST_PORT);
	vsock_rig_do(&rig, VVSOCK_OP_REQUEST, GUEST_PORT, HOST_PORT);
	expect_packet(VVSOCK_OP_RST, 0, HOST_PORT);
	expect_packet(VVSOCK_OP_RESPONSE, GUEST_PORT, HOST_PORT);
	cr_expect_eq(stats().connections, VSOCK_RIG_CONNS);
	for (uint32_t i = 1; i < VSOCK_RIG_CONNS; i++)
		close(fds[i]);
	close(listener);
}

/* Those who say nothing have few places, and the latest comers have them. */
Test(vvsock_flow, programs_that_say_nothing_take_no_places_for_long)
{
	int fds[VVSOCK_HELLOS + 1];

	for (unsigned int i = 0; i <= VVSOCK_HELLOS; i++) {
		fds[i] = vsock_rig_connect(&rig);
		vsock_rig_serve(&rig);
	}
	cr_expect_eq(stats().connections, VVSOCK_HELLOS);
	expect_end(fds[0]);
	expect_quiet(fds[1]);
	for (unsigned int i = 0; i <= VVSOCK_HELLOS; i++)
		close(fds[i]);
}
