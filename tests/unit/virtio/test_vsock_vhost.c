/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket device whose queues a kernel serves, without such a kernel: what it is, and what comes
 * of a kernel that refuses. tests/integration/test_vsock.c has a real one.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/util.h"
#include "driver.h"
#include "virtio/vsock_vhost.h"

#define NEEDS_RESET 0x40u

static struct gmem mem;
static struct irq_line line;
static struct vsock host;
static struct vvsock_vhost *vhost;
static struct virtio_mmio *mmio;
static struct driver_queue queues[3];

static int no_irq(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	(void)level;
	return 0;
}

static void init(void)
{
	static const struct backend_ops irq_ops = { .irq_set = no_irq };

	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	irq_line_init(&line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	host = (struct vsock){ .cid = 5, .features = BIT64(1) | BIT64(28) | BIT64(32) };
	host.listener.fd = -1;
	host.vhost = open("/dev/null", O_RDWR | O_CLOEXEC); /* refuses all that it is asked */
	cr_assert_geq(host.vhost, 0);
	cr_assert_eq(vvsock_vhost_create(&host, &mem, &vhost), 0);
	cr_assert_eq(virtio_mmio_create(vvsock_vhost_device(vhost), &mem, &line, &mmio), 0);
}

static void fini(void)
{
	vvsock_vhost_stop(vhost);
	virtio_mmio_destroy(mmio);
	vvsock_vhost_destroy(vhost);
	vsock_vhost_close(&host);
	gmem_fini(&mem);
}

TestSuite(vvsock_vhost, .init = init, .fini = fini);

static uint32_t get(uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(mmio, reg, 4);
}

static void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(mmio, reg, 4, val);
}

static uint64_t offered(void)
{
	uint64_t features;

	put(0x14, 0);
	features = get(0x10);
	put(0x14, 1);
	return features | (uint64_t)get(0x10) << 32;
}

Test(vvsock_vhost, offers_what_the_kernel_can)
{
	cr_expect_eq(get(0x08), 19);
	cr_expect_eq(get(0x100), 5);
	cr_expect_eq(get(0x104), 0);
	cr_expect_eq(get(0x108), 0);
	cr_expect_eq(offered(), BIT64(1) | BIT64(28) | BIT64(32), "no queue is reset by itself");
}

Test(vvsock_vhost, doorbells_are_of_packets)
{
	cr_expect_geq(vvsock_vhost_doorbell(vhost, 0), 0);
	cr_expect_geq(vvsock_vhost_doorbell(vhost, 1), 0);
	cr_expect_neq(vvsock_vhost_doorbell(vhost, 0), vvsock_vhost_doorbell(vhost, 1));
	cr_expect_eq(vvsock_vhost_doorbell(vhost, 2), -1);
}

static void up(unsigned int nr)
{
	put(0x70, 0);
	put(0x70, 3);
	put(0x24, 1);
	put(0x20, 1);
	put(0x70, 0xb);
	for (unsigned int i = 0; i < nr; i++) {
		struct virtqueue_setup setup;

		driver_init(&queues[i], &mem, DRIVER_RAM_BASE + i * DRIVER_AREA, 64);
		driver_setup(&queues[i], &setup);
		put(0x30, i);
		put(0x38, 64);
		put(0x80, (uint32_t)setup.desc);
		put(0x90, (uint32_t)setup.avail);
		put(0xa0, (uint32_t)setup.used);
		put(0x44, 1);
	}
	put(0x70, 0xf);
}

Test(vvsock_vhost, a_kernel_that_refuses_is_a_device_that_needs_a_reset)
{
	cr_assert_eq(vvsock_vhost_start(vhost), 0);
	for (unsigned int i = 0; i < 2; i++) {
		up(3);
		cr_expect(get(0x70) & NEEDS_RESET);
		cr_expect_not(vvsock_vhost_is_running(vhost));
		put(0x50, 0);
		put(0x50, 1);
		put(0x50, 2);
		put(0x70, 0);
		cr_expect_eq(get(0x70), 0);
	}
}

Test(vvsock_vhost, a_driver_with_half_of_the_queues_is_refused)
{
	up(1);
	cr_expect(get(0x70) & NEEDS_RESET);
	cr_expect_not(vvsock_vhost_is_running(vhost));
}

Test(vvsock_vhost, no_such_kernel_is_refused_by_name)
{
	struct vsock_config config = { .cid = 5, .vhost = true };
	struct vsock *vsock;

	if (access("/dev/vhost-vsock", F_OK) == 0)
		cr_skip_test("there is one");
	cr_expect_eq(vsock_check(&config), 0);
	cr_expect_eq(vsock_open(&config, &vsock), -ENOENT);
}
