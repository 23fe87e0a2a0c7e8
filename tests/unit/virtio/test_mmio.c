/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-mmio transport: registers, negotiation, status, interrupts; with a device of ours. */
#include <criterion/criterion.h>
#include <string.h>

#include "driver.h"
#include "virtio/mmio.h"

#define QUEUES	   3u
#define QUEUE_BASE DRIVER_RAM_BASE
#define FEATURE	   5u /* of the device */

enum {
	MAGIC = 0x00,
	VERSION = 0x04,
	DEVICE_ID = 0x08,
	DEVICE_FEATURES = 0x10,
	DEVICE_FEATURES_SEL = 0x14,
	DRIVER_FEATURES = 0x20,
	DRIVER_FEATURES_SEL = 0x24,
	QUEUE_SEL = 0x30,
	QUEUE_NUM_MAX = 0x34,
	QUEUE_NUM = 0x38,
	QUEUE_READY = 0x44,
	QUEUE_NOTIFY = 0x50,
	INTERRUPT_STATUS = 0x60,
	INTERRUPT_ACK = 0x64,
	STATUS = 0x70,
	QUEUE_DESC = 0x80,
	QUEUE_DRIVER = 0x90,
	QUEUE_DEVICE = 0xa0,
	SHM_SEL = 0xac,
	SHM_LEN = 0xb0,
	SHM_BASE = 0xb8,
	QUEUE_RESET = 0xc0,
	CONFIG_GENERATION = 0xfc,
	CONFIG = 0x100,
};

static struct gmem mem;
static struct irq_line line;
static struct virtio_mmio *mmio;
static unsigned int edges;

static struct {
	struct virtio_device dev;
	unsigned int started, stopped, kicks[QUEUES], queue_stops[QUEUES];
	uint64_t features;
	uint8_t config[8];
} device;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	edges += level;
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void on_attached(struct virtio_device *dev)
{
	cr_assert_not_null(dev->queues);
}

static void on_start(struct virtio_device *dev, uint64_t features)
{
	(void)dev;
	device.started++;
	device.features = features;
}

static void on_stop(struct virtio_device *dev)
{
	(void)dev;
	device.stopped++;
}

static void on_queue_stop(struct virtio_device *dev, unsigned int queue)
{
	cr_assert_not(dev->queues[queue].ready);
	device.queue_stops[queue]++;
}

static void on_kick(struct virtio_device *dev, unsigned int queue)
{
	(void)dev;
	device.kicks[queue]++;
}

static void on_read_config(struct virtio_device *dev, uint32_t offset, void *buf, uint32_t len)
{
	(void)dev;
	if (offset + len <= sizeof(device.config))
		memcpy(buf, device.config + offset, len);
}

static void on_write_config(struct virtio_device *dev, uint32_t offset, const void *buf,
			    uint32_t len)
{
	(void)dev;
	if (offset + len <= sizeof(device.config))
		memcpy(device.config + offset, buf, len);
}

static const struct virtio_device_ops device_ops = {
	.attached = on_attached,
	.start = on_start,
	.stop = on_stop,
	.queue_stop = on_queue_stop,
	.kick = on_kick,
	.read_config = on_read_config,
	.write_config = on_write_config,
};

static void init(void)
{
	memset(&device, 0, sizeof(device));
	edges = 0;
	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	irq_line_init(&line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	device.dev = (struct virtio_device){
		.ops = &device_ops,
		.id = 42,
		.features = BIT64(FEATURE),
		.nr_queues = QUEUES,
		.queue_size = 64,
	};
	cr_assert_eq(virtio_mmio_create(&device.dev, &mem, &line, &mmio), 0);
}

static void fini(void)
{
	virtio_mmio_destroy(mmio);
	gmem_fini(&mem);
}

TestSuite(virtio_mmio, .init = init, .fini = fini);

static uint32_t get(uint64_t reg)
{
	return (uint32_t)virtio_mmio_ops.read(mmio, reg, 4);
}

static void put(uint64_t reg, uint32_t val)
{
	virtio_mmio_ops.write(mmio, reg, 4, val);
}

static void put64(uint64_t reg, uint64_t val)
{
	put(reg, (uint32_t)val);
	put(reg + 4, (uint32_t)(val >> 32));
}

static uint64_t offered(void)
{
	uint64_t low;

	put(DEVICE_FEATURES_SEL, 0);
	low = get(DEVICE_FEATURES);
	put(DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)get(DEVICE_FEATURES) << 32;
}

static void take(uint64_t features)
{
	put(DRIVER_FEATURES_SEL, 0);
	put(DRIVER_FEATURES, (uint32_t)features);
	put(DRIVER_FEATURES_SEL, 1);
	put(DRIVER_FEATURES, (uint32_t)(features >> 32));
}

#define ACK_DRIVER (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)
#define NEGOTIATED (ACK_DRIVER | VIRTIO_STATUS_FEATURES_OK)
#define RUNNING	   (NEGOTIATED | VIRTIO_STATUS_DRIVER_OK)

static void negotiate(uint64_t features)
{
	put(STATUS, 0);
	put(STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	put(STATUS, ACK_DRIVER);
	take(features);
	put(STATUS, NEGOTIATED);
}

static void set_up_queue(unsigned int queue, uint32_t size)
{
	gpa_t base = QUEUE_BASE + queue * DRIVER_AREA;

	put(QUEUE_SEL, queue);
	put(QUEUE_NUM, size);
	put64(QUEUE_DESC, base + DRIVER_DESC_OFFSET);
	put64(QUEUE_DRIVER, base + DRIVER_AVAIL_OFFSET);
	put64(QUEUE_DEVICE, base + DRIVER_USED_OFFSET);
	put(QUEUE_READY, 1);
}

/* As a driver does it, all features and queue 1. */
static void bring_up(void)
{
	negotiate(offered());
	set_up_queue(1, 16);
	put(STATUS, RUNNING);
	cr_assert_eq(get(STATUS), RUNNING);
}

Test(virtio_mmio, says_what_it_is)
{
	cr_expect_eq(get(MAGIC), 0x74726976);
	cr_expect_eq(get(VERSION), 2);
	cr_expect_eq(get(DEVICE_ID), 42);
	cr_expect_eq(get(STATUS), 0);
	cr_expect_eq(get(CONFIG_GENERATION), 0);
	cr_expect_eq(offered(), BIT64(FEATURE) | BIT64(28) | BIT64(29) | BIT64(32) | BIT64(40));
	put(DEVICE_FEATURES_SEL, 2);
	cr_expect_eq(get(DEVICE_FEATURES), 0);
}

Test(virtio_mmio, has_no_shared_memory)
{
	put(SHM_SEL, 0);
	cr_expect_eq(get(SHM_LEN), UINT32_MAX);
	cr_expect_eq(get(SHM_LEN + 4), UINT32_MAX);
	cr_expect_eq(get(SHM_BASE), UINT32_MAX);
	cr_expect_eq(get(SHM_BASE + 4), UINT32_MAX);
}

Test(virtio_mmio, has_registers_of_32_bits_alone)
{
	cr_expect_eq(virtio_mmio_ops.read(mmio, MAGIC, 2), 0);
	cr_expect_eq(virtio_mmio_ops.read(mmio, MAGIC, 8), 0);
	cr_expect_eq(virtio_mmio_ops.read(mmio, MAGIC + 2, 4), 0);
	virtio_mmio_ops.write(mmio, STATUS, 1, 1);
	cr_expect_eq(get(STATUS), 0);
}

Test(virtio_mmio, takes_a_driver_of_version_1)
{
	bring_up();
	cr_expect_eq(device.started, 1);
	cr_expect_eq(device.features, offered());
	cr_expect_eq(get(QUEUE_READY), 1);
	cr_expect(device.dev.queues[1].ready);
	cr_expect(device.dev.queues[1].event_idx);
	cr_expect_not(device.dev.queues[0].ready);
}

Test(virtio_mmio, refuses_a_driver_without_version_1)
{
	negotiate(BIT64(FEATURE));
	cr_expect_eq(get(STATUS), ACK_DRIVER);
	put(STATUS, RUNNING & ~VIRTIO_STATUS_FEATURES_OK);
	cr_expect_eq(device.started, 0);
}

Test(virtio_mmio, refuses_features_that_it_did_not_offer)
{
	negotiate(BIT64(VIRTIO_F_VERSION_1) | BIT64(FEATURE + 1));
	cr_expect_eq(get(STATUS), ACK_DRIVER);
}

Test(virtio_mmio, keeps_features_once_they_are_ok)
{
	negotiate(BIT64(VIRTIO_F_VERSION_1));
	take(~0ull);
	put(STATUS, RUNNING);
	cr_expect_eq(device.features, BIT64(VIRTIO_F_VERSION_1));
}

Test(virtio_mmio, lets_a_driver_clear_no_status_bit)
{
	bring_up();
	put(STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	cr_expect_eq(get(STATUS), RUNNING);
	put(STATUS, RUNNING);
	cr_expect_eq(device.started, 1, "once");
	put(STATUS, RUNNING | VIRTIO_STATUS_FAILED);
	cr_expect_eq(get(STATUS), RUNNING | VIRTIO_STATUS_FAILED);
}

/* ---- doorbells and interrupts ---------------------------------------------------------------- */

Test(virtio_mmio, rings_after_driver_ok)
{
	negotiate(offered());
	set_up_queue(1, 16);
	put(QUEUE_NOTIFY, 1);
	cr_expect_eq(device.kicks[1], 0);
	put(STATUS, RUNNING);
	put(QUEUE_NOTIFY, 1);
	cr_expect_eq(device.kicks[1], 1);
	put(QUEUE_NOTIFY, QUEUES);
	put(QUEUE_NOTIFY, UINT32_MAX);
	put(STATUS, 0);
	put(QUEUE_NOTIFY, 1);
	cr_expect_eq(device.kicks[1], 1);
}

Test(virtio_mmio, interrupts_until_acknowledged)
{
	bring_up();
	cr_expect_eq(get(INTERRUPT_STATUS), 0);
	virtio_interrupt(&device.dev);
	cr_expect_eq(edges, 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	put(INTERRUPT_ACK, 2);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	put(INTERRUPT_ACK, 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 0);
	virtio_interrupt(&device.dev);
	cr_expect_eq(edges, 2, "each is an edge");
}

Test(virtio_mmio, interrupts_until_read_where_others_take_acknowledgements)
{
	virtio_mmio_acked_elsewhere(mmio);
	bring_up();
	virtio_interrupt(&device.dev);
	virtio_interrupt(&device.dev);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 0);
	virtio_interrupt(&device.dev);
	cr_expect_eq(edges, 3, "each is an edge");
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
}

static int bind_nothing(struct backend_vm *vm, int eventfd, unsigned int intid)
{
	(void)vm;
	(void)eventfd;
	(void)intid;
	return 0;
}

/* A write of theirs cannot be seen from here, so the driver has to look after each interrupt. */
Test(virtio_mmio, others_may_interrupt_until_a_reset)
{
	static const struct backend_ops ops = {
		.irq_set = count_edge,
		.irqfd_bind = bind_nothing,
		.irqfd_unbind = bind_nothing,
	};

	bring_up();
	cr_expect_eq(virtio_interrupt_fd(&device.dev), -1);
	virtio_interrupt(&device.dev);
	put(INTERRUPT_ACK, 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 0, "as if nobody had asked");
	line.ops = &ops;
	cr_assert_eq(irq_line_bind_eventfd(&line), 0);
	cr_expect_eq(virtio_interrupt_fd(&device.dev), line.eventfd);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	device.dev.port->config_begin(device.dev.port_ctx);
	device.dev.port->config_end(device.dev.port_ctx);
	cr_expect_eq(get(INTERRUPT_STATUS), 3);
	put(INTERRUPT_ACK, 3);
	cr_expect_eq(get(INTERRUPT_STATUS), 1);
	put(STATUS, 0);
	cr_expect_eq(get(INTERRUPT_STATUS), 0);
	irq_line_fini(&line);
}

Test(virtio_mmio, tells_of_a_new_configuration)
{
	bring_up();
	device.dev.port->config_begin(device.dev.port_ctx);
	device.dev.port->config_end(device.dev.port_ctx);
	cr_expect_eq(get(CONFIG_GENERATION), 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 2);
	cr_expect_eq(edges, 1);
}

Test(virtio_mmio, keeps_a_new_configuration_from_a_driver_that_is_not_up)
{
	device.dev.port->config_begin(device.dev.port_ctx);
	device.dev.port->config_end(device.dev.port_ctx);
	cr_expect_eq(get(CONFIG_GENERATION), 1);
	cr_expect_eq(edges, 0);
}

Test(virtio_mmio, needs_a_reset_once)
{
	bring_up();
	virtio_needs_reset(&device.dev);
	virtio_needs_reset(&device.dev);
	cr_expect_eq(get(STATUS), RUNNING | VIRTIO_STATUS_NEEDS_RESET);
	cr_expect_eq(get(INTERRUPT_STATUS), 2);
	cr_expect_eq(edges, 1);
	put(STATUS, 0);
	cr_expect_eq(get(STATUS), 0);
}

Test(virtio_mmio, hands_the_configuration_to_the_device)
{
	const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	memcpy(device.config, bytes, sizeof(bytes));
	cr_expect_eq(virtio_mmio_ops.read(mmio, CONFIG, 8), 0x0807060504030201);
	cr_expect_eq(virtio_mmio_ops.read(mmio, CONFIG + 3, 1), 4);
	cr_expect_eq(virtio_mmio_ops.read(mmio, CONFIG + 2, 2), 0x0403);
	cr_expect_eq(virtio_mmio_ops.read(mmio, CONFIG + 8, 8), 0);
	virtio_mmio_ops.write(mmio, CONFIG + 1, 1, 0x77);
	cr_expect_eq(device.config[1], 0x77);
}

/* ---- queues ---------------------------------------------------------------------------------- */

Test(virtio_mmio, has_no_queue_beyond_the_last)
{
	put(QUEUE_SEL, QUEUES - 1);
	cr_expect_eq(get(QUEUE_NUM_MAX), 64);
	put(QUEUE_SEL, QUEUES);
	cr_expect_eq(get(QUEUE_NUM_MAX), 0);
	put(QUEUE_READY, 1);
	cr_expect_eq(get(QUEUE_READY), 0);
	put(QUEUE_SEL, UINT32_MAX);
	cr_expect_eq(get(QUEUE_NUM_MAX), 0);
}

static void expect_bad_queue(uint32_t size, gpa_t desc)
{
	negotiate(offered());
	put(QUEUE_SEL, 0);
	put(QUEUE_NUM, size);
	put64(QUEUE_DESC, desc);
	put64(QUEUE_DRIVER, QUEUE_BASE + DRIVER_AVAIL_OFFSET);
	put64(QUEUE_DEVICE, QUEUE_BASE + DRIVER_USED_OFFSET);
	put(QUEUE_READY, 1);
	cr_expect_eq(get(QUEUE_READY), 0);
	cr_expect(get(STATUS) & VIRTIO_STATUS_NEEDS_RESET);
}

Test(virtio_mmio, needs_a_reset_after_a_queue_that_cannot_be)
{
	expect_bad_queue(0, QUEUE_BASE);
	expect_bad_queue(3, QUEUE_BASE);
	expect_bad_queue(128, QUEUE_BASE);
	expect_bad_queue(65536 + 16, QUEUE_BASE);
	expect_bad_queue(16, QUEUE_BASE + 8);
	expect_bad_queue(16, 0x1000);
	expect_bad_queue(16, ~(gpa_t)15);
	negotiate(offered());
	cr_expect_eq(get(STATUS), NEGOTIATED, "a reset helps");
}

Test(virtio_mmio, keeps_a_queue_as_it_is_while_in_use)
{
	const struct virtq_desc *desc;

	bring_up();
	desc = device.dev.queues[1].desc;
	put64(QUEUE_DESC, 0);
	put(QUEUE_NUM, 1);
	put(QUEUE_READY, 1);
	cr_expect_eq(device.dev.queues[1].desc, desc);
	cr_expect_eq(device.dev.queues[1].size, 16);
}

Test(virtio_mmio, stops_a_queue_that_is_not_ready_any_more)
{
	bring_up();
	put(QUEUE_READY, 0);
	cr_expect_eq(device.queue_stops[1], 1);
	cr_expect_eq(get(QUEUE_READY), 0);
	put(QUEUE_READY, 1);
	cr_expect_eq(get(QUEUE_READY), 1, "with what was set before");
}

Test(virtio_mmio, resets_one_queue)
{
	bring_up();
	put(QUEUE_RESET, 1);
	cr_expect_eq(device.queue_stops[1], 1);
	cr_expect_eq(get(QUEUE_RESET), 0);
	cr_expect_eq(get(QUEUE_READY), 0);
	cr_expect_eq(get(STATUS), RUNNING);
	set_up_queue(1, 32);
	cr_expect_eq(device.dev.queues[1].size, 32);
}

Test(virtio_mmio, resets_no_queue_where_that_was_not_negotiated)
{
	negotiate(BIT64(VIRTIO_F_VERSION_1));
	set_up_queue(1, 16);
	put(STATUS, RUNNING);
	put(QUEUE_RESET, 1);
	cr_expect_eq(get(QUEUE_READY), 1);
}

Test(virtio_mmio, forgets_everything_at_a_reset)
{
	bring_up();
	set_up_queue(2, 16);
	virtio_interrupt(&device.dev);
	put(STATUS, 0);
	cr_expect_eq(get(STATUS), 0);
	cr_expect_eq(device.stopped, 2);
	cr_expect_eq(device.queue_stops[0], 0);
	cr_expect_eq(device.queue_stops[1], 1);
	cr_expect_eq(device.queue_stops[2], 1);
	cr_expect_eq(get(INTERRUPT_STATUS), 0);
	for (unsigned int i = 0; i < QUEUES; i++) {
		put(QUEUE_SEL, i);
		cr_expect_eq(get(QUEUE_READY), 0);
	}
	bring_up();
	cr_expect_eq(device.started, 2);
}
