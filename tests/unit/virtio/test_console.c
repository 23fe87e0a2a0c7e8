/* SPDX-License-Identifier: Apache-2.0 */
/* The console device as a terminal: bytes both ways, sizes, what breaks it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/util.h"
#include "console/console_internal.h"
#include "console_rig.h"

#define NEEDS_RESET 0x40u
#define EVENT_IDX   BIT64(VIRTIO_F_RING_EVENT_IDX)
#define RX	    0u
#define TX	    1u

static struct console_rig rig;
static int typing, showing;

/* On pipes, as standard input and output. */
static void init(void)
{
	int in[2], out[2];

	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	typing = in[1];
	showing = out[0];
	cr_assert_eq(dup2(in[0], STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(dup2(out[1], STDOUT_FILENO), STDOUT_FILENO);
	close(in[0]);
	close(out[1]);
	console_rig_terminal(&rig, CONSOLE_STDIO);
}

static void fini(void)
{
	/* Nobody waits for what was not read. */
	close(showing);
	console_rig_fini(&rig);
}

TestSuite(vcon, .init = init, .fini = fini);

static void expect_shown(const char *text)
{
	char got[64] = { 0 };
	size_t have = 0, len = strlen(text);

	while (have < len) {
		ssize_t n = read(showing, got + have, len - have);

		cr_assert_gt(n, 0);
		have += (size_t)n;
	}
	cr_expect_str_eq(got, text);
}

static void say(gpa_t at, const char *text)
{
	memcpy(console_rig_host(&rig, CONSOLE_RIG_DATA + at), text, strlen(text));
	console_rig_offer(&rig, TX, at, (uint32_t)strlen(text), false);
}

Test(vcon, says_what_it_is)
{
	cr_expect_eq(console_rig_get(&rig, 0x08), 3);
	cr_expect_eq(console_rig_get(&rig, 0x10) & 0x7, BIT(0) | BIT(2), "SIZE, EMERG_WRITE");
	console_rig_put(&rig, 0x30, 2);
	cr_expect_eq(console_rig_get(&rig, 0x34), 0, "two queues");
	cr_expect_eq(console_rig_get(&rig, 0x100), 0, "a pipe has no size");
	cr_expect_eq(console_rig_get(&rig, 0x104), 0, "no ports");
	cr_expect_eq(console_rig_get(&rig, 0x10c), 0, "nothing behind it");
}

Test(vcon, what_the_guest_says_is_shown)
{
	struct vcon_stats stats;

	console_rig_run(&rig);
	console_rig_start(&rig, EVENT_IDX);
	say(0, "hello, ");
	say(0x100, "world\r\n");
	cr_expect_eq(console_rig_used(&rig, TX), 0);
	cr_expect_eq(console_rig_used(&rig, TX), 0);
	expect_shown("hello, world\r\n");
	cr_expect_geq(atomic_load(&rig.edges), 1);
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.tx_bytes, 14);
	cr_expect_eq(stats.dropped, 0);
	cr_expect(stats.open);
}

Test(vcon, a_chain_of_pieces_is_one_text)
{
	const struct driver_buf bufs[] = {
		{ CONSOLE_RIG_DATA + 0x200, 3, false },
		{ CONSOLE_RIG_DATA, 4, false },
	};

	console_rig_run(&rig);
	console_rig_start(&rig, EVENT_IDX);
	memcpy(console_rig_host(&rig, bufs[0].addr), "one", 3);
	memcpy(console_rig_host(&rig, bufs[1].addr), "more", 4);
	driver_offer(&rig.drivers[TX], driver_chain(&rig.drivers[TX], bufs, 2));
	console_rig_put(&rig, 0x50, TX);
	expect_shown("onemore");
}

Test(vcon, what_is_typed_fills_the_guest_s_buffers_in_order)
{
	struct vcon_stats stats;

	console_rig_run(&rig);
	cr_assert_eq(write(typing, "abcdefgh", 8), 8);
	console_rig_start(&rig, EVENT_IDX);
	console_rig_offer(&rig, RX, 0, 3, true);
	cr_expect_eq(console_rig_used(&rig, RX), 3);
	console_rig_offer(&rig, RX, 0x100, 100, true);
	cr_expect_eq(console_rig_used(&rig, RX), 5);
	cr_expect_eq(memcmp(console_rig_host(&rig, CONSOLE_RIG_DATA), "abc", 3), 0);
	cr_expect_eq(memcmp(console_rig_host(&rig, CONSOLE_RIG_DATA + 0x100), "defgh", 5), 0);
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.rx_bytes, 8);
}

/* The loop does not run, so nothing is written: the ring is full after 64 KiB. */
Test(vcon, a_terminal_drops_what_there_is_no_room_for)
{
	struct vcon_stats stats;

	console_rig_start(&rig, EVENT_IDX);
	for (unsigned int i = 0; i < 5; i++) {
		console_rig_offer(&rig, TX, 0, 16384, false);
		cr_expect_eq(console_rig_used(&rig, TX), 0, "the guest does not wait");
	}
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.tx_bytes, 5 * 16384);
	cr_expect_eq(stats.dropped, 16384);
}

/* A vCPU is not kept for as long as a driver likes: the loop goes on with it. */
Test(vcon, a_long_chain_goes_piece_by_piece)
{
	struct vcon_stats stats;
	uint32_t len;

	console_rig_start(&rig, EVENT_IDX);
	console_rig_offer(&rig, TX, 0, 3 * VCON_AT_ONCE, false);
	cr_expect_not(console_rig_try_used(&rig, TX, &len));
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.tx_bytes, VCON_AT_ONCE);
	console_rig_run(&rig);
	cr_expect_eq(console_rig_used(&rig, TX), 0);
	vcon_get_stats(rig.vcon, 0, &stats);
	cr_expect_eq(stats.tx_bytes, 3 * VCON_AT_ONCE);
}

Test(vcon, a_character_in_an_emergency)
{
	console_rig_run(&rig);
	virtio_mmio_ops.write(rig.mmio, 0x108, 4, '!');
	virtio_mmio_ops.write(rig.mmio, 0x108, 1, '?');
	virtio_mmio_ops.write(rig.mmio, 0x100, 4, 'x');
	virtio_mmio_ops.write(rig.mmio, 0x10c, 4, 'x');
	expect_shown("!?");
	cr_expect_eq(console_rig_get(&rig, 0x100), 0);
}

Test(vcon, nothing_is_taken_before_driver_ok)
{
	uint32_t len;

	console_rig_run(&rig);
	console_rig_start(&rig, EVENT_IDX);
	console_rig_put(&rig, 0x70, 0);
	say(0, "x");
	console_rig_offer(&rig, RX, 0x100, 8, true);
	cr_assert_eq(write(typing, "a", 1), 1);
	console_rig_halt(&rig);
	cr_expect_not(console_rig_try_used(&rig, TX, &len));
	cr_expect_not(console_rig_try_used(&rig, RX, &len));
}

static void expect_broken(unsigned int queue, bool write)
{
	console_rig_start(&rig, EVENT_IDX);
	console_rig_offer(&rig, queue, 0, 8, write);
	while (!(console_rig_get(&rig, 0x70) & NEEDS_RESET))
		sched_yield();
	console_rig_start(&rig, EVENT_IDX);
	say(0, "!");
	expect_shown("!");
}

Test(vcon, a_buffer_of_the_wrong_direction_breaks_it_until_a_reset)
{
	console_rig_run(&rig);
	expect_broken(TX, true);
	cr_assert_eq(write(typing, "a", 1), 1);
	expect_broken(RX, false);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void become_pty(uint16_t cols, uint16_t rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };

	console_rig_fini(&rig);
	console_rig_terminal(&rig, CONSOLE_PTY);
	cr_assert_eq(ioctl(rig.consoles[0]->ends.in, TIOCSWINSZ, &size), 0);
}

static void wait_size(uint32_t size)
{
	while (console_rig_get(&rig, 0x100) != size)
		sched_yield();
	while (!(console_rig_get(&rig, 0x60) & 0x2)) /* a change of the configuration */
		sched_yield();
	console_rig_put(&rig, 0x64, 0x2);
}

Test(vcon, the_guest_is_told_of_the_size_and_of_another)
{
	const struct winsize other = { .ws_col = 132, .ws_row = 50 };
	uint32_t generation;

	become_pty(80, 24);
	console_rig_run(&rig);
	console_rig_start(&rig, EVENT_IDX);
	wait_size(24u << 16 | 80);
	generation = console_rig_get(&rig, 0xfc);
	console_rig_halt(&rig);
	cr_assert_eq(ioctl(rig.consoles[0]->ends.in, TIOCSWINSZ, &other), 0);
	cr_expect_eq(console_rig_get(&rig, 0x100), 24u << 16 | 80);
	rig.consoles[0]->sink->resized(rig.consoles[0]->sink->ctx);
	console_rig_run(&rig);
	wait_size(50u << 16 | 132);
	cr_expect_neq(console_rig_get(&rig, 0xfc), generation);
}
