/* SPDX-License-Identifier: Apache-2.0 */
/* The console device with ports: their life by control messages, and one beside the other. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "console_rig.h"

#define NEEDS_RESET 0x40u
#define EVENT_IDX   BIT64(VIRTIO_F_RING_EVENT_IDX)
#define BAD_ID	    UINT32_MAX
#define MESSAGES    0x90000u /* from CONSOLE_RIG_DATA on: room for what the device says */
#define FULL	    0x40000u /* bytes: more than a socket and a ring take */

static struct console_rig rig;
static unsigned int given, heard;

static void init(void)
{
	console_rig_ports(&rig);
	console_rig_run(&rig);
	console_rig_start(&rig, EVENT_IDX);
	given = heard = 0;
}

static void fini(void)
{
	console_rig_fini(&rig);
}

TestSuite(vcon_ports, .init = init, .fini = fini);

static void give(unsigned int nr)
{
	while (nr--)
		console_rig_offer(&rig, VCON_CONTROL_RX, MESSAGES + given++ % 16 * 0x100, 0x100,
				  true);
}

/* The next message is this one, with so much behind it. */
static void expect_message(uint32_t id, uint16_t event, uint16_t value, const char *more)
{
	uint32_t len = console_rig_used(&rig, VCON_CONTROL_RX);
	const uint8_t *bytes =
		console_rig_host(&rig, CONSOLE_RIG_DATA + MESSAGES + heard++ % 16 * 0x100);
	struct vcon_control message;

	memcpy(&message, bytes, sizeof(message));
	cr_expect_eq(message.id, id);
	cr_expect_eq(message.event, event, "event %u", message.event);
	cr_expect_eq(message.value, value);
	cr_expect_eq(len, sizeof(message) + strlen(more));
	cr_expect_eq(memcmp(bytes + sizeof(message), more, strlen(more)), 0);
}

static void expect_silence(void)
{
	uint32_t len;

	cr_expect_not(console_rig_try_used(&rig, VCON_CONTROL_RX, &len));
}

/* As Linux does it, for both ports, which it has open then. */
static void bring_up(void)
{
	static const char *const names[] = { "one", "another" };

	give(8);
	console_rig_control(&rig, BAD_ID, VCON_DEVICE_READY, 1);
	expect_message(1, VCON_PORT_ADD, 1, "");
	expect_message(2, VCON_PORT_ADD, 1, "");
	for (uint32_t id = 1; id <= 2; id++) {
		console_rig_control(&rig, id, VCON_PORT_READY, 1);
		expect_message(id, VCON_PORT_NAME, 1, names[id - 1]);
		expect_message(id, VCON_PORT_OPEN, 0, "");
		console_rig_control(&rig, id, VCON_PORT_OPEN, 1);
	}
	expect_silence();
}

Test(vcon_ports, says_what_it_is)
{
	cr_expect_eq(console_rig_get(&rig, 0x08), 3);
	console_rig_put(&rig, 0x14, 0);
	cr_expect_eq(console_rig_get(&rig, 0x10) & 0x7, BIT(1), "MULTIPORT");
	cr_expect_eq(console_rig_get(&rig, 0x100), 0, "no size");
	cr_expect_eq(console_rig_get(&rig, 0x104), CONSOLE_RIG_PORTS + 1);
	console_rig_put(&rig, 0x30, CONSOLE_RIG_QUEUES);
	cr_expect_eq(console_rig_get(&rig, 0x34), 0);
}

Test(vcon_ports, are_added_named_and_opened)
{
	bring_up();
}

Test(vcon_ports, who_connects_and_goes_is_told)
{
	int fd;

	bring_up();
	give(4);
	fd = console_rig_connect(&rig, 1);
	expect_message(2, VCON_PORT_OPEN, 1, "");
	close(fd);
	expect_message(2, VCON_PORT_OPEN, 0, "");
	fd = console_rig_connect(&rig, 1);
	expect_message(2, VCON_PORT_OPEN, 1, "");
	close(fd);
}

/* Also one that came before the driver was ready is there then. */
Test(vcon_ports, who_was_there_before_is_told_with_the_name)
{
	int fd = console_rig_connect(&rig, 0);
	char byte = 0;

	give(8);
	console_rig_control(&rig, BAD_ID, VCON_DEVICE_READY, 1);
	expect_message(1, VCON_PORT_ADD, 1, "");
	expect_message(2, VCON_PORT_ADD, 1, "");
	/* When this has come back, the loop has taken the connection. */
	cr_assert_eq(send(fd, "x", 1, 0), 1);
	console_rig_control(&rig, 1, VCON_PORT_OPEN, 1);
	console_rig_offer(&rig, vcon_rx_queue(1), 0, 1, true);
	cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(1)), 1);
	byte = *(char *)console_rig_host(&rig, CONSOLE_RIG_DATA);
	cr_expect_eq(byte, 'x');
	console_rig_control(&rig, 1, VCON_PORT_READY, 1);
	expect_message(1, VCON_PORT_NAME, 1, "one");
	expect_message(1, VCON_PORT_OPEN, 1, "");
	close(fd);
}

Test(vcon_ports, messages_wait_for_room)
{
	give(1);
	console_rig_control(&rig, BAD_ID, VCON_DEVICE_READY, 1);
	expect_message(1, VCON_PORT_ADD, 1, "");
	expect_silence();
	console_rig_control(&rig, 1, VCON_PORT_READY, 1);
	expect_silence();
	give(2);
	expect_message(1, VCON_PORT_NAME, 1, "one");
	expect_message(1, VCON_PORT_OPEN, 0, "");
	give(1);
	expect_message(2, VCON_PORT_ADD, 1, "");
}

Test(vcon_ports, messages_of_no_port_or_without_a_meaning_are_nothing)
{
	bring_up();
	give(4);
	console_rig_control(&rig, 0, VCON_PORT_READY, 1);
	console_rig_control(&rig, 3, VCON_PORT_READY, 1);
	console_rig_control(&rig, BAD_ID, VCON_PORT_OPEN, 1);
	console_rig_control(&rig, 1, VCON_PORT_READY, 0);
	console_rig_control(&rig, 1, 0x1234, 1);
	console_rig_control(&rig, BAD_ID, VCON_DEVICE_READY, 0);
	console_rig_offer(&rig, VCON_CONTROL_TX, 0, 7, false);
	cr_expect_eq(console_rig_used(&rig, VCON_CONTROL_TX), 0);
	expect_silence();
	cr_expect_eq(console_rig_get(&rig, 0x70) & NEEDS_RESET, 0);
}

Test(vcon_ports, room_that_is_too_small_breaks_the_device)
{
	console_rig_offer(&rig, VCON_CONTROL_RX, 0, 7, true);
	console_rig_control(&rig, BAD_ID, VCON_DEVICE_READY, 1);
	cr_expect(console_rig_get(&rig, 0x70) & NEEDS_RESET);
	console_rig_start(&rig, EVENT_IDX);
	given = heard = 0;
	bring_up();
}

Test(vcon_ports, bytes_go_both_ways)
{
	char got[5] = { 0 };
	int fd;

	bring_up();
	fd = console_rig_connect(&rig, 0);
	give(1);
	expect_message(1, VCON_PORT_OPEN, 1, "");
	memcpy(console_rig_host(&rig, CONSOLE_RIG_DATA), "ping", 4);
	console_rig_offer(&rig, vcon_rx_queue(1) + 1, 0, 4, false);
	cr_expect_eq(recv(fd, got, 4, MSG_WAITALL), 4);
	cr_expect_str_eq(got, "ping");
	cr_assert_eq(send(fd, "pong", 4, 0), 4);
	console_rig_offer(&rig, vcon_rx_queue(1), 0x100, 64, true);
	cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(1)), 4);
	cr_expect_eq(memcmp(console_rig_host(&rig, CONSOLE_RIG_DATA + 0x100), "pong", 4), 0);
	close(fd);
}

Test(vcon_ports, what_nobody_is_there_for_vanishes)
{
	struct vcon_stats stats;

	bring_up();
	console_rig_offer(&rig, vcon_rx_queue(1) + 1, 0, 4, false);
	cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(1) + 1), 0);
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.tx_bytes, 4);
	cr_expect(stats.open);
}

/* A host end that nobody reads keeps its own driver's buffers, and nobody else's. */
Test(vcon_ports, one_that_is_full_stops_no_other)
{
	static uint8_t bytes[FULL];
	struct vcon_stats stats;
	char got[6] = { 0 };
	int full, other;
	uint32_t len;

	bring_up();
	give(2);
	full = console_rig_connect(&rig, 0);
	expect_message(1, VCON_PORT_OPEN, 1, "");
	other = console_rig_connect(&rig, 1);
	expect_message(2, VCON_PORT_OPEN, 1, "");
	for (unsigned int i = 0; i < 8; i++)
		console_rig_offer(&rig, vcon_rx_queue(1) + 1, 0, FULL, false);
	memcpy(console_rig_host(&rig, CONSOLE_RIG_DATA + FULL), "other", 5);
	console_rig_offer(&rig, vcon_rx_queue(2) + 1, FULL, 5, false);
	cr_expect_eq(recv(other, got, 5, MSG_WAITALL), 5);
	cr_expect_str_eq(got, "other");
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_lt(stats.tx_bytes, 8 * FULL);
	for (unsigned int i = 0; i < 8; i++)
		cr_assert_eq(recv(full, bytes, FULL, MSG_WAITALL), FULL);
	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(1) + 1), 0);
	cr_expect_not(console_rig_try_used(&rig, vcon_rx_queue(1) + 1, &len));
	close(full);
	close(other);
}

/* Who goes takes what he did not read with him. */
Test(vcon_ports, one_that_is_full_and_left_is_free)
{
	int fd;

	bring_up();
	give(2);
	fd = console_rig_connect(&rig, 0);
	expect_message(1, VCON_PORT_OPEN, 1, "");
	for (unsigned int i = 0; i < 8; i++)
		console_rig_offer(&rig, vcon_rx_queue(1) + 1, 0, FULL, false);
	close(fd);
	for (unsigned int i = 0; i < 8; i++)
		cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(1) + 1), 0);
	expect_message(1, VCON_PORT_OPEN, 0, "");
}

Test(vcon_ports, input_waits_until_the_guest_opens)
{
	uint32_t len;
	int fd;

	bring_up();
	console_rig_control(&rig, 2, VCON_PORT_OPEN, 0);
	fd = console_rig_connect(&rig, 1);
	console_rig_offer(&rig, vcon_rx_queue(2), 0, 64, true);
	cr_assert_eq(send(fd, "later", 5, 0), 5);
	give(1);
	expect_message(2, VCON_PORT_OPEN, 1, "");
	cr_expect_not(console_rig_try_used(&rig, vcon_rx_queue(2), &len));
	console_rig_control(&rig, 2, VCON_PORT_OPEN, 1);
	cr_expect_eq(console_rig_used(&rig, vcon_rx_queue(2)), 5);
	close(fd);
}

Test(vcon_ports, a_reset_closes_all_and_begins_anew)
{
	struct vcon_stats stats;

	bring_up();
	console_rig_put(&rig, 0x70, 0);
	vcon_get_stats(rig.vcon, 1, &stats);
	cr_expect_not(stats.open);
	console_rig_start(&rig, EVENT_IDX);
	given = heard = 0;
	bring_up();
}

/* A driver without MULTIPORT has port 0 alone, and nobody is there. */
Test(vcon_ports, a_driver_that_knows_of_none)
{
	console_rig_start(&rig, EVENT_IDX | BIT64(VCON_F_MULTIPORT));
	console_rig_offer(&rig, 1, 0, 4, false);
	cr_expect_eq(console_rig_used(&rig, 1), 0);
	console_rig_offer(&rig, VCON_CONTROL_RX, 0, 64, true);
	console_rig_offer(&rig, VCON_CONTROL_TX, 0x100, 8, false);
	expect_silence();
}
