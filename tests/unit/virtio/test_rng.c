/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy device over its transport, on a host whose bytes and time are the test's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "driver.h"
#include "virtio/rng_internal.h"

#define NEEDS_RESET 0x40u
#define SIZE	    64u
#define DATA	    (DRIVER_RAM_BASE + 0x100000u)
#define S	    1000000000ull

static struct {
	struct loop *loop;
	struct gmem mem;
	struct irq_line line;
	struct vrng *vrng;
	struct virtio_mmio *mmio;
	struct driver_queue queue;
	unsigned int edges, filled, stop_after;
	uint64_t now;
	size_t most;	   /* bytes that the host gives at a time */
	unsigned int intr; /* calls that a signal interrupts */
	int error;
} rig;

static ssize_t fill(void *buf, size_t len)
{
	if (rig.intr) {
		rig.intr--;
		errno = EINTR;
		return -1;
	}
	if (rig.error) {
		errno = rig.error;
		return -1;
	}
	if (len > rig.most)
		len = rig.most;
	rig.filled++;
	memset(buf, 0xa5, len);
	return (ssize_t)len;
}

/* Each look is a nanosecond later. Where the loop runs it is ended by the look that was named. */
static uint64_t now(void)
{
	if (rig.stop_after && !--rig.stop_after)
		loop_stop(rig.loop);
	return rig.now++;
}

static const struct vrng_host host = { .fill = fill, .now = now };

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	rig.edges += level;
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void make(uint64_t rate)
{
	memset(&rig, 0, sizeof(rig));
	rig.now = S;
	rig.most = SIZE_MAX;
	cr_assert_eq(loop_create(&rig.loop), 0);
	gmem_init(&rig.mem);
	cr_assert_eq(gmem_add(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	cr_assert_eq(vrng_create_on(&host, rig.loop, rate, &rig.vrng), 0);
	cr_assert_eq(virtio_mmio_create(vrng_device(rig.vrng), &rig.mem, &rig.line, &rig.mmio), 0);
}

static void start(void)
{
	driver_start(rig.mmio, &rig.mem, &rig.queue, 1, SIZE, BIT64(VIRTIO_F_RING_EVENT_IDX));
}

static void fini(void)
{
	virtio_mmio_destroy(rig.mmio);
	vrng_destroy(rig.vrng);
	gmem_fini(&rig.mem);
	loop_destroy(rig.loop);
}

TestSuite(vrng, .fini = fini);

static void offer(gpa_t at, uint32_t len, bool write)
{
	const struct driver_buf buf = { at, len, write };

	driver_offer(&rig.queue, driver_chain(&rig.queue, &buf, 1));
}

static void ring(void)
{
	virtio_mmio_ops.write(rig.mmio, 0x50, 4, 0);
}

static uint32_t status(void)
{
	return (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x70, 4);
}

/* Runs the loop's callbacks until the device has looked at the clock @looks times. */
static void run(unsigned int looks)
{
	rig.stop_after = looks;
	cr_assert_eq(loop_run(rig.loop), 0);
}

static unsigned int used(uint32_t len)
{
	struct virtq_used_elem elem;
	unsigned int n = 0;

	while (driver_used(&rig.queue, &elem)) {
		cr_expect_eq(elem.len, len);
		n++;
	}
	return n;
}

static bool is_filled(gpa_t at, size_t len)
{
	const uint8_t *bytes = gmem_slice(&rig.mem, at, len);

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0xa5)
			return false;
	return true;
}

Test(vrng, says_what_it_is)
{
	make(0);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x08, 4), 4);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x100, 4), 0, "no configuration");
	virtio_mmio_ops.write(rig.mmio, 0x100, 4, 1);
	virtio_mmio_ops.write(rig.mmio, 0x30, 4, 1);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x34, 4), 0, "one queue");
}

Test(vrng, whoever_rings_gets_what_he_asked_for)
{
	struct vrng_stats stats;

	make(0);
	start();
	offer(DATA, 64, true);
	offer(DATA + 0x1000, 64, true);
	ring();
	cr_expect_eq(used(64), 2);
	cr_expect(is_filled(DATA, 64) && is_filled(DATA + 0x1000, 64));
	cr_expect_not(is_filled(DATA + 64, 1));
	cr_expect_eq(rig.edges, 1, "one interrupt for both");
	vrng_get_stats(rig.vrng, &stats);
	cr_expect_eq(stats.requests, 2);
	cr_expect_eq(stats.bytes, 128);
	cr_expect_eq(stats.held, 0);
}

Test(vrng, a_request_in_pieces_is_filled_in_their_order)
{
	const struct driver_buf bufs[] = {
		{ DATA + 0x100, 10, true },
		{ DATA, 20, true },
		{ DATA + 0x200, 5, true },
	};

	make(0);
	start();
	driver_offer(&rig.queue, driver_indirect(&rig.queue, DATA + 0x8000, bufs, 3));
	ring();
	cr_expect_eq(used(35), 1);
	cr_expect(is_filled(DATA + 0x100, 10) && is_filled(DATA, 20) && is_filled(DATA + 0x200, 5));
}

Test(vrng, a_long_request_gets_some)
{
	make(0);
	start();
	offer(DATA, VRNG_MOST + 1, true);
	ring();
	cr_expect_eq(used(VRNG_MOST), 1);
	cr_expect(is_filled(DATA, VRNG_MOST));
	cr_expect_not(is_filled(DATA + VRNG_MOST, 1));
}

Test(vrng, a_host_that_gives_little_is_asked_again)
{
	make(0);
	start();
	rig.most = 100;
	rig.intr = 3;
	offer(DATA, 1024, true);
	ring();
	cr_expect_eq(used(1024), 1);
	cr_expect(is_filled(DATA, 1024));
	cr_expect_eq(rig.filled, 11);
}

Test(vrng, a_host_that_gives_none_breaks_the_device)
{
	make(0);
	start();
	rig.error = EIO;
	offer(DATA, 64, true);
	ring();
	cr_expect(status() & NEEDS_RESET);
	cr_expect_eq(used(64), 0);
	rig.error = 0;
	start();
	offer(DATA, 64, true);
	ring();
	cr_expect_eq(used(64), 1);
}

/* Section 5.4.6.1. */
Test(vrng, nothing_is_read_from_the_driver)
{
	make(0);
	start();
	offer(DATA, 64, false);
	ring();
	cr_expect(status() & NEEDS_RESET);
	cr_expect_eq(used(0), 0);
	start();
	offer(DATA, 64, true);
	ring();
	cr_expect_eq(used(64), 1);
}

Test(vrng, nothing_happens_before_driver_ok)
{
	make(0);
	ring();
	start();
	virtio_mmio_ops.write(rig.mmio, 0x70, 4, 0);
	offer(DATA, 64, true);
	ring();
	cr_expect_eq(used(64), 0);
}

/* The vCPU goes back to its guest after so many bytes; the loop goes on with the rest. */
Test(vrng, a_vcpu_fills_so_much_and_no_more)
{
	const unsigned int at_once = VRNG_AT_ONCE / VRNG_MOST;

	make(0);
	start();
	for (unsigned int i = 0; i < at_once + 2; i++)
		offer(DATA + i * VRNG_MOST, VRNG_MOST, true);
	ring();
	cr_expect_eq(used(VRNG_MOST), at_once);
	run(2);
	cr_expect_eq(used(VRNG_MOST), 2);
	cr_expect_eq(rig.edges, 2);
}

Test(vrng, the_rate_holds_requests_back)
{
	struct vrng_stats stats;

	make(1000);
	start();
	for (unsigned int i = 0; i < 4; i++)
		offer(DATA, 500, true);
	ring();
	cr_expect_eq(used(500), 2, "a second's worth at once");
	ring();
	cr_expect_eq(used(500), 0, "the next is due in half a second");
	vrng_get_stats(rig.vrng, &stats);
	cr_expect_eq(stats.held, 1, "once, however often it rings");
	rig.now += S / 2;
	ring();
	cr_expect_eq(used(500), 1);
	rig.now += S / 2;
	ring();
	cr_expect_eq(used(500), 1);
	vrng_get_stats(rig.vrng, &stats);
	cr_expect_eq(stats.held, 2);
	cr_expect_eq(stats.requests, 4);
	cr_expect_eq(stats.bytes, 2000);
}

/* By the clock of the host, whose timer it is. */
Test(vrng, what_was_held_back_comes_without_a_ring)
{
	make(100000);
	start();
	for (unsigned int i = 0; i < 25; i++)
		offer(DATA, 4096, true);
	ring();
	cr_expect_eq(used(4096), 16, "no more than that on a vCPU");
	run(9); /* some may go, and then one may not */
	cr_expect_eq(used(4096), 8);
	rig.now += S;
	run(1);
	cr_expect_eq(used(4096), 1);
}

Test(vrng, a_reset_forgets_what_is_held)
{
	make(1000);
	start();
	offer(DATA, 1000, true);
	offer(DATA + 0x1000, 1000, true);
	ring();
	cr_expect_eq(used(1000), 1);
	virtio_mmio_ops.write(rig.mmio, 0x70, 4, 0);
	rig.now += 5 * S;
	start();
	ring();
	cr_expect_eq(used(1000), 0);
	cr_expect_not(is_filled(DATA + 0x1000, 1));
	offer(DATA, 1000, true);
	ring();
	cr_expect_eq(used(1000), 1);
}

Test(vrng, the_kernel_s_bytes_differ)
{
	uint8_t bytes[2][32] = { { 0 } };
	uint64_t before = vrng_host.now();

	make(0);
	for (unsigned int i = 0; i < 2; i++)
		cr_expect_eq(vrng_host.fill(bytes[i], 32), 32);
	cr_expect_neq(memcmp(bytes[0], bytes[1], 32), 0);
	cr_expect_geq(vrng_host.now(), before);
}
