/* SPDX-License-Identifier: Apache-2.0 */
/* The network device on a stream of packets, as passt has it. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_rig.h"

#define FRAME 60u

static const uint8_t me[] = { 2, 0, 0, 0, 0, 7 };
static const struct vnet_header plain;

static struct net_rig rig;
static uint8_t got[1 << 20];

static void init(void)
{
	int size = 1 << 16;

	net_rig_prepare(&rig);
	net_rig_make_stream(&rig);
	cr_assert_eq(setsockopt(rig.net.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	net_rig_init(&rig);
	net_rig_start(&rig, 0);
}

static void fini(void)
{
	net_rig_fini(&rig);
}

TestSuite(vnet_stream, .init = init, .fini = fini);

static struct vnet_stats stats(void)
{
	struct vnet_stats now;

	vnet_get_stats(rig.vnet, &now);
	return now;
}

static uint32_t used(unsigned int queue)
{
	struct virtq_used_elem elem = { .len = UINT32_MAX };

	cr_assert(driver_used(&rig.drivers[queue], &elem), "queue %u has nothing", queue);
	return elem.len;
}

/* A frame as it stands in a stream. */
static size_t put_frame(uint8_t *at, uint32_t len, uint8_t byte)
{
	uint32_t size = htonl(len);

	memcpy(at, &size, 4);
	memset(at + 4, byte, len);
	memcpy(at + 4, me, 6);
	return 4 + len;
}

static void arrive(const uint8_t *bytes, size_t len)
{
	cr_assert_eq(send(rig.wire[0], bytes, len, 0), (ssize_t)len);
}

/* All that comes in the end, while the device goes on. */
static size_t drain(void)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = recv(rig.wire[0], got + len, sizeof(got) - len, 0);
		if (n <= 0)
			return len;
		len += (size_t)n;
		net_rig_serve(&rig);
	}
}

Test(vnet_stream, offers_no_offloads)
{
	net_rig_put(&rig, 0x14, 0);
	cr_expect_eq(net_rig_get(&rig, 0x10) & 0x7f87, 0);
}

Test(vnet_stream, sends_frames_behind_their_lengths)
{
	static const uint8_t length[] = { 0, 0, 0, FRAME };

	net_rig_send(&rig, TX0, &plain, 0, FRAME, 0x5a);
	net_rig_serve(&rig);
	cr_assert_eq(drain(), 4 + FRAME);
	cr_expect_eq(memcmp(got, length, 4), 0);
	cr_expect_eq(got[4], 0x5a);
	cr_expect_eq(got[3 + FRAME], 0x5a);
	used(TX0);
	cr_expect_eq(stats().tx_bytes, FRAME);
}

Test(vnet_stream, receives_frames_wherever_they_are_cut)
{
	static uint8_t bytes[8192];
	size_t len = put_frame(bytes, FRAME, 0x41);

	for (gpa_t i = 0; i < 8; i++)
		net_rig_give(&rig, RX0, i * 2048, 2048);
	len += put_frame(bytes + len, 3000, 0x42);
	for (size_t i = 0; i < len; i += 7) {
		arrive(bytes + i, len - i < 7 ? len - i : 7);
		net_rig_serve(&rig);
	}
	cr_expect_eq(used(RX0), 12 + FRAME);
	cr_expect_eq(used(RX0), 2048);
	cr_expect_eq(used(RX0), 12 + 3000 - 2048);
	cr_expect_eq(((uint8_t *)net_rig_host(&rig, NET_RIG_DATA + 2048))[10], 2, "num_buffers");
	cr_expect_eq(((uint8_t *)net_rig_host(&rig, NET_RIG_DATA + 2048))[12 + 6], 0x42);
	cr_expect_eq(((uint8_t *)net_rig_host(&rig, NET_RIG_DATA + 4096))[963], 0x42);
}

Test(vnet_stream, many_frames_at_once)
{
	static uint8_t bytes[64 * 200];
	size_t len = 0;

	for (unsigned int i = 0; i < 50; i++) {
		net_rig_give(&rig, RX0, i * 2048, 2048);
		len += put_frame(bytes + len, FRAME + i, (uint8_t)i);
	}
	arrive(bytes, len);
	net_rig_serve(&rig);
	for (unsigned int i = 0; i < 50; i++) {
		cr_expect_eq(used(RX0), 12 + FRAME + i);
		cr_expect_eq(((uint8_t *)net_rig_host(&rig, NET_RIG_DATA + i * 2048))[12 + 6], i);
	}
}

/* Frames that the host takes in parts go on where they were. */
Test(vnet_stream, waits_for_the_host)
{
	size_t len;

	for (unsigned int i = 0; i < 30; i++)
		net_rig_send(&rig, TX0, &plain, i * 0x8000, 0x7000, (uint8_t)i);
	net_rig_serve(&rig);
	cr_assert(rig.vnet->pairs[0].tx.held, "the wire takes all of it");
	len = drain();
	cr_assert_eq(len, 30 * (4 + 0x7000));
	for (unsigned int i = 0; i < 30; i++) {
		const uint8_t *frame = got + i * (4 + 0x7000);

		cr_expect_eq(memcmp(frame, "\0\0\x70\0", 4), 0);
		cr_expect_eq(frame[4], i);
		cr_expect_eq(frame[3 + 0x7000], i);
		used(TX0);
	}
}

/* The other side still finds whole frames. */
Test(vnet_stream, what_was_begun_is_ended_after_a_reset)
{
	size_t len, at = 0;

	for (unsigned int i = 0; i < 30; i++)
		net_rig_send(&rig, TX0, &plain, i * 0x8000, 0x7000, 0x66);
	net_rig_serve(&rig);
	cr_assert(rig.vnet->pairs[0].tx.held);
	net_rig_put(&rig, 0x70, 0);
	memset(net_rig_host(&rig, NET_RIG_DATA), 0xee, 30 * 0x8000);
	net_rig_start(&rig, 0);
	net_rig_send(&rig, TX0, &plain, 0, FRAME, 0x77);
	net_rig_serve(&rig);
	len = drain();
	while (at + 4 + 0x7000 <= len) {
		cr_assert_eq(memcmp(got + at, "\0\0\x70\0", 4), 0);
		for (unsigned int i = 4; i < 4 + 0x7000; i++)
			cr_assert_eq(got[at + i], 0x66, "of the memory after the reset");
		at += 4 + 0x7000;
	}
	cr_expect_eq(len - at, 4 + FRAME);
	cr_expect_eq(got[len - 1], 0x77);
}

/* The next guest's device goes on where the stream is. */
Test(vnet_stream, half_a_frame_outlives_the_device)
{
	uint8_t bytes[4 + FRAME];

	put_frame(bytes, FRAME, 0x43);
	net_rig_give(&rig, RX0, 0, 2048);
	arrive(bytes, 10);
	net_rig_serve(&rig);
	net_rig_remake(&rig);
	net_rig_give(&rig, RX0, 0, 2048);
	arrive(bytes + 10, sizeof(bytes) - 10);
	net_rig_serve(&rig);
	cr_expect_eq(used(RX0), 12 + FRAME);
	cr_expect_eq(((uint8_t *)net_rig_host(&rig, NET_RIG_DATA))[12 + FRAME - 1], 0x43);
}

static void is_no_stream(uint32_t length)
{
	uint32_t size = htonl(length);

	net_rig_give(&rig, RX0, 0, 2048);
	atomic_store(&rig.cut, true);
	arrive((const uint8_t *)&size, 4);
	net_rig_serve(&rig);
	cr_expect_not(stats().link);
	cr_expect_eq(stats().rx_packets, 0);
	cr_expect_eq(recv(rig.wire[0], got, sizeof(got), 0), 0, "the stream has ended");
}

Test(vnet_stream, a_length_that_is_none)
{
	is_no_stream(13);
}

Test(vnet_stream, a_length_beyond_any_frame)
{
	is_no_stream(NET_MAX_FRAME + 1);
}

Test(vnet_stream, a_length_of_the_largest_number)
{
	is_no_stream(UINT32_MAX);
}

Test(vnet_stream, an_end_that_closed)
{
	net_rig_give(&rig, RX0, 0, 2048);
	atomic_store(&rig.cut, true);
	close(rig.wire[0]);
	rig.wire[0] = -1;
	net_rig_serve(&rig);
	cr_expect_not(stats().link);
	net_rig_send(&rig, TX0, &plain, 0, FRAME, 0);
	net_rig_serve(&rig);
	used(TX0);
	cr_expect_eq(stats().tx_dropped, 1);
}
