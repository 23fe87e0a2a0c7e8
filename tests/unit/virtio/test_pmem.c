/* SPDX-License-Identifier: Apache-2.0 */
/* The pmem device over its transport; what it flushes is the test's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "base/util.h"
#include "driver.h"
#include "virtio/pmem_internal.h"

#define NEEDS_RESET 0x40u
#define SIZE	    64u
#define DATA	    (DRIVER_RAM_BASE + 0x100000u)
#define WINDOW	    0x180000000ull
#define WINDOW_SIZE 0x600000ull

static struct {
	struct gmem mem;
	struct irq_line line;
	struct vpmem *vpmem;
	struct virtio_mmio *mmio;
	struct driver_queue queue;
	unsigned int flushes;
	int error;
	sem_t edge, flushing, go;
	bool slow;
} rig;

static int flush(void *ctx)
{
	cr_assert_eq(ctx, &rig);
	rig.flushes++;
	if (rig.slow) {
		sem_post(&rig.flushing);
		sem_wait(&rig.go);
	}
	return rig.error;
}

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		sem_post(&rig.edge);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void make(bool writable)
{
	const struct vpmem_config config = {
		.id = "pmem0",
		.base = WINDOW,
		.size = WINDOW_SIZE,
		.flush = writable ? flush : NULL,
		.ctx = &rig,
	};

	memset(&rig, 0, sizeof(rig));
	sem_init(&rig.edge, 0, 0);
	sem_init(&rig.flushing, 0, 0);
	sem_init(&rig.go, 0, 0);
	gmem_init(&rig.mem);
	cr_assert_eq(gmem_add(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	cr_assert_eq(vpmem_create(&config, &rig.vpmem), 0);
	cr_assert_eq(virtio_mmio_create(vpmem_device(rig.vpmem), &rig.mem, &rig.line, &rig.mmio),
		     0);
}

static void start(void)
{
	driver_start(rig.mmio, &rig.mem, &rig.queue, 1, SIZE, BIT64(VIRTIO_F_RING_EVENT_IDX));
}

static void fini(void)
{
	vpmem_stop(rig.vpmem);
	virtio_mmio_destroy(rig.mmio);
	vpmem_destroy(rig.vpmem);
	gmem_fini(&rig.mem);
}

TestSuite(vpmem, .fini = fini);

static void offer(const struct driver_buf *bufs, unsigned int nr)
{
	driver_offer(&rig.queue, driver_chain(&rig.queue, bufs, nr));
}

/* A request of @type, whose answer goes to @at + 8. */
static void request(uint32_t type, gpa_t at)
{
	const struct driver_buf bufs[] = { { at, 4, false }, { at + 8, 4, true } };

	cr_assert_eq(gmem_write32(&rig.mem, at, type), 0);
	cr_assert_eq(gmem_write32(&rig.mem, at + 8, 0x55555555), 0);
	offer(bufs, 2);
}

static uint32_t answer(gpa_t at)
{
	uint32_t val = 0;

	cr_assert_eq(gmem_read32(&rig.mem, at + 8, &val), 0);
	return val;
}

static void ring(void)
{
	virtio_mmio_ops.write(rig.mmio, 0x50, 4, 0);
}

static uint32_t status(void)
{
	return (uint32_t)virtio_mmio_ops.read(rig.mmio, 0x70, 4);
}

static unsigned int used(void)
{
	struct virtq_used_elem elem;
	unsigned int n = 0;

	while (driver_used(&rig.queue, &elem)) {
		cr_expect_eq(elem.len, 4);
		n++;
	}
	return n;
}

static struct vpmem_stats stats(void)
{
	struct vpmem_stats out;

	vpmem_get_stats(rig.vpmem, &out);
	return out;
}

Test(vpmem, says_what_it_is_and_where_its_window_is)
{
	make(true);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x08, 4), 27);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x100, 4), WINDOW & UINT32_MAX);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x104, 4), WINDOW >> 32);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x108, 4), WINDOW_SIZE);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x10c, 4), 0);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x110, 4), 0);
	virtio_mmio_ops.write(rig.mmio, 0x100, 4, 1);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x100, 4), WINDOW & UINT32_MAX);
	virtio_mmio_ops.write(rig.mmio, 0x30, 4, 1);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x34, 4), 0, "one queue");
	virtio_mmio_ops.write(rig.mmio, 0x14, 4, 0);
	cr_expect_eq(virtio_mmio_ops.read(rig.mmio, 0x10, 4) & 0xffffff, 0, "no features");
}

Test(vpmem, flushes_once_a_request)
{
	make(true);
	start();
	request(VPMEM_FLUSH, DATA);
	request(VPMEM_FLUSH, DATA + 16);
	cr_expect(vpmem_serve(rig.vpmem));
	cr_expect_eq(used(), 2);
	cr_expect_eq(answer(DATA), VPMEM_OK);
	cr_expect_eq(answer(DATA + 16), VPMEM_OK);
	cr_expect_eq(rig.flushes, 2);
	cr_expect_not(vpmem_serve(rig.vpmem));
	cr_expect_eq(stats().flushes, 2);
	cr_expect_eq(stats().errors, 0);
}

Test(vpmem, a_flush_that_fails_is_said)
{
	make(true);
	start();
	rig.error = -EIO;
	request(VPMEM_FLUSH, DATA);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(used(), 1);
	cr_expect_eq(answer(DATA), VPMEM_ERROR);
	cr_expect_not(status() & NEEDS_RESET);
	rig.error = 0;
	request(VPMEM_FLUSH, DATA);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(answer(DATA), VPMEM_OK);
	cr_expect_eq(stats().flushes, 2);
	cr_expect_eq(stats().errors, 1);
}

Test(vpmem, what_is_never_written_is_flushed)
{
	make(false);
	start();
	request(VPMEM_FLUSH, DATA);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(used(), 1);
	cr_expect_eq(answer(DATA), VPMEM_OK);
	cr_expect_eq(stats().flushes, 1);
}

Test(vpmem, another_type_is_an_error)
{
	make(true);
	start();
	request(1, DATA);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(used(), 1);
	cr_expect_eq(answer(DATA), VPMEM_ERROR);
	cr_expect_eq(rig.flushes, 0);
}

/* Section 2.7.4.1: where descriptors begin and end is the driver's. */
Test(vpmem, a_request_in_pieces)
{
	const struct driver_buf bufs[] = {
		{ DATA, 1, false },	    { DATA + 0x1001, 3, false }, { DATA + 0x2000, 1, true },
		{ DATA + 0x2101, 1, true }, { DATA + 0x2202, 2, true },
	};

	make(true);
	start();
	cr_assert_eq(gmem_write32(&rig.mem, DATA + 0x2000, UINT32_MAX), 0);
	offer(bufs, 5);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(used(), 1);
	cr_expect_eq(rig.flushes, 1);
	cr_expect_eq(answer(DATA + 0x2000 - 8), 0xffffff00, "one byte of it");
}

static void expect_broken(const struct driver_buf *bufs, unsigned int nr)
{
	start();
	offer(bufs, nr);
	vpmem_serve(rig.vpmem);
	cr_expect(status() & NEEDS_RESET);
	cr_expect_eq(used(), 0);
}

Test(vpmem, chains_that_break_the_rules)
{
	const struct driver_buf no_answer = { DATA, 4, false };
	const struct driver_buf no_request = { DATA, 4, true };
	const struct driver_buf shorter[] = { { DATA, 3, false }, { DATA + 8, 4, true } };
	const struct driver_buf longer[] = { { DATA, 5, false }, { DATA + 8, 4, true } };
	const struct driver_buf no_room[] = { { DATA, 4, false }, { DATA + 8, 3, true } };
	const struct driver_buf in_window[] = { { DATA, 4, false }, { WINDOW, 4, true } };

	make(true);
	expect_broken(&no_answer, 1);
	expect_broken(&no_request, 1);
	expect_broken(shorter, 2);
	expect_broken(longer, 2);
	expect_broken(no_room, 2);
	expect_broken(in_window, 2);
	cr_expect_eq(rig.flushes, 0);
	start();
	request(VPMEM_FLUSH, DATA);
	vpmem_serve(rig.vpmem);
	cr_expect_eq(used(), 1, "a reset repairs it");
}

Test(vpmem, nothing_happens_before_driver_ok)
{
	make(true);
	cr_expect_not(vpmem_serve(rig.vpmem));
	start();
	virtio_mmio_ops.write(rig.mmio, 0x70, 4, 0);
	request(VPMEM_FLUSH, DATA);
	cr_expect_not(vpmem_serve(rig.vpmem));
	cr_expect_eq(used(), 0);
}

/* Who rings does not wait for the disk; who resets does. */
Test(vpmem, its_thread_flushes)
{
	make(true);
	cr_assert_eq(vpmem_start(rig.vpmem), 0);
	start();
	rig.slow = true;
	request(VPMEM_FLUSH, DATA);
	ring();
	sem_wait(&rig.flushing);
	cr_expect_eq(used(), 0);
	request(VPMEM_FLUSH, DATA + 16);
	ring();
	sem_post(&rig.go);
	sem_post(&rig.go);
	virtio_mmio_ops.write(rig.mmio, 0x70, 4, 0);
	cr_expect_eq(answer(DATA), VPMEM_OK, "a reset comes after it");
	rig.slow = false;
	start();
	while (sem_trywait(&rig.edge) == 0)
		;
	request(VPMEM_FLUSH, DATA);
	ring();
	sem_wait(&rig.edge);
	cr_expect_eq(used(), 1);
}

Test(vpmem, stores_to_the_window_are_dropped_and_counted)
{
	make(false);
	for (unsigned int len = 1; len <= 8; len *= 2)
		vpmem_window_ops.write(rig.vpmem, WINDOW_SIZE - len, len, UINT64_MAX);
	cr_expect_eq(vpmem_window_ops.read(rig.vpmem, 0, 8), 0);
	cr_expect_eq(stats().dropped, 4);
}
