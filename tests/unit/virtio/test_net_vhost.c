/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network device whose pairs of queues somebody else serves, who is a script here: when they
 * are handed over and taken back, how far they were then, and what comes of a refusal.
 * tests/integration/test_net.c has a kernel that serves them.
 */
#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/util.h"
#include "net_look.h"

#define NEEDS_RESET 0x40u
#define MRG_RXBUF   BIT64(15)
#define MQ	    BIT64(22)
#define INDIRECT    BIT64(28)
#define EVENT_IDX   BIT64(29)
#define VERSION_1   BIT64(32)
#define RING_RESET  BIT64(40)
#define MQ_CLASS    4

static struct {
	bool served[NET_RIG_PAIRS];
	unsigned int starts, stops;
	uint64_t features;
	const struct gmem *mem;
	struct vhost_queue queues[NET_RIG_PAIRS][2];
	int refuse; /* what start() says, or 0 */
	_Atomic bool changed;
	struct net_counts counts;
	unsigned int active; /* that the host end had when a pair was taken back */
} kernel;

static int start(struct net *net, unsigned int pair, uint64_t features, const struct gmem *mem,
		 const struct vhost_queue *queues)
{
	(void)net;
	cr_assert_lt(pair, NET_RIG_PAIRS);
	cr_assert_not(kernel.served[pair]);
	kernel.starts++;
	kernel.features = features;
	kernel.mem = mem;
	memcpy(kernel.queues[pair], queues, sizeof(kernel.queues[pair]));
	kernel.served[pair] = !kernel.refuse;
	return kernel.refuse;
}

static void stop(struct net *net, unsigned int pair, uint16_t *bases)
{
	(void)net;
	cr_assert(kernel.served[pair]);
	kernel.stops++;
	kernel.served[pair] = false;
	kernel.active = rig.queues;
	bases[0] = (uint16_t)(10 + pair);
	bases[1] = (uint16_t)(20 + pair);
}

static bool changed(struct net *net)
{
	(void)net;
	return atomic_exchange(&kernel.changed, false);
}

static int get_counts(const struct net *net, struct net_counts *counts)
{
	(void)net;
	*counts = kernel.counts;
	return 0;
}

static const struct net_vhost_ops kernel_ops = {
	.start = start,
	.stop = stop,
	.changed = changed,
	.get_counts = get_counts,
};

static void make(uint64_t features)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.counts = (struct net_counts){ 100, 1000, 1, 200, 2000, 2, 3 };
	net_rig_prepare(&rig);
	rig.net.vhost = &kernel_ops;
	rig.net.vhost_features = features;
	rig.net.watch = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	net_rig_init(&rig);
}

static void init_vhost(void)
{
	make(MRG_RXBUF | INDIRECT | EVENT_IDX | VERSION_1);
	net_rig_start(&rig, 0);
}

static void fini_vhost(void)
{
	int watch = rig.net.watch;

	net_rig_fini(&rig);
	cr_expect_not(kernel.served[0] || kernel.served[1]);
	close(watch);
}

TestSuite(vnet_vhost, .init = init_vhost, .fini = fini_vhost);

static uint64_t offered(void)
{
	uint64_t features;

	net_rig_put(&rig, 0x14, 0);
	features = net_rig_get(&rig, 0x10);
	net_rig_put(&rig, 0x14, 1);
	return features | (uint64_t)net_rig_get(&rig, 0x10) << 32;
}

static uint8_t set_pairs(uint16_t pairs)
{
	return net_rig_control(&rig, MQ_CLASS, 0, &pairs, sizeof(pairs));
}

static uint64_t bell(unsigned int queue)
{
	eventfd_t nr = 0;

	(void)eventfd_read(vnet_doorbell(rig.vnet, queue), &nr);
	return nr;
}

Test(vnet_vhost, offers_what_the_kernel_can)
{
	const uint64_t kernels = MRG_RXBUF | INDIRECT | EVENT_IDX | VERSION_1 | RING_RESET;

	cr_expect_eq(offered() & kernels, MRG_RXBUF | INDIRECT | EVENT_IDX | VERSION_1,
		     "no queue is reset by itself");
	cr_expect(offered() & BIT64(11), "the tap's offloads");
	fini_vhost();
	make(VERSION_1);
	cr_expect_eq(offered() & kernels, VERSION_1);
}

Test(vnet_vhost, the_first_pair_is_handed_over)
{
	const struct vhost_queue *rx = &kernel.queues[0][0], *tx = &kernel.queues[0][1];

	cr_expect(kernel.served[0]);
	cr_expect_not(kernel.served[1], "until the driver asks for more");
	cr_expect_eq(kernel.features, offered());
	cr_expect_eq(kernel.mem, &rig.mem);
	cr_expect_eq(rx->size, NET_RIG_QUEUE_SIZE);
	cr_expect_eq(rx->desc, rig.drivers[RX0].desc);
	cr_expect_eq(rx->avail, rig.drivers[RX0].avail);
	cr_expect_eq(rx->used, rig.drivers[RX0].used);
	cr_expect_eq(tx->desc, rig.drivers[TX0].desc);
	cr_expect_eq(rx->base, 0);
	cr_expect_eq(tx->base, 0);
	cr_expect_eq(rx->kick, vnet_doorbell(rig.vnet, RX0));
	cr_expect_eq(tx->kick, vnet_doorbell(rig.vnet, TX0));
	cr_expect_neq(rx->kick, tx->kick);
	cr_expect_eq(bell(RX0), 1, "what the driver rang for before is seen");
	cr_expect_eq(bell(TX0), 1);
	cr_expect_eq(rig.offloads, NET_RIG_OFFLOADS);
	cr_expect_eq(vnet_doorbell(rig.vnet, CONTROL), -1, "that queue is ours");
}

Test(vnet_vhost, doorbells_without_kvm)
{
	bell(TX0);
	net_rig_put(&rig, 0x50, TX0);
	cr_expect_eq(bell(TX0), 1);
	net_rig_put(&rig, 0x50, TX1);
	cr_expect_eq(bell(TX1), 1);
}

Test(vnet_vhost, pairs_come_and_go)
{
	cr_expect_eq(set_pairs(2), 0);
	cr_expect(kernel.served[0] && kernel.served[1]);
	cr_expect_eq(kernel.queues[1][1].desc, rig.drivers[TX1].desc);
	cr_expect_eq(kernel.starts, 2);
	cr_expect_eq(rig.queues, 2);
	cr_expect_eq(set_pairs(1), 0);
	cr_expect_not(kernel.served[1]);
	cr_expect_eq(kernel.active, 2, "before the tap's queue is off");
	cr_expect_eq(rig.queues, 1);
	cr_expect_eq(set_pairs(2), 0);
	cr_expect_eq(kernel.queues[1][0].base, 11, "it goes on where it was");
	cr_expect_eq(kernel.queues[1][1].base, 21);
	cr_expect_eq(set_pairs(3), 1);
	cr_expect_eq(kernel.starts, 3);
	cr_expect_eq(stats().active, 2);
}

Test(vnet_vhost, a_pair_that_is_refused_is_an_error_of_the_command)
{
	kernel.refuse = -EFAULT;
	cr_expect_eq(set_pairs(2), 1);
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf);
	kernel.refuse = 0;
	cr_expect_eq(set_pairs(2), 0);
	cr_expect(kernel.served[1]);
}

/* As net_rig_start(), also where that fails: @nr queues. */
static void start_anyhow(unsigned int nr)
{
	net_rig_put(&rig, 0x70, 0);
	net_rig_put(&rig, 0x70, 3);
	net_rig_put(&rig, 0x24, 1);
	net_rig_put(&rig, 0x20, 1);
	net_rig_put(&rig, 0x70, 0xb);
	for (unsigned int i = 0; i < nr; i++) {
		struct virtqueue_setup setup;

		driver_setup(&rig.drivers[i], &setup);
		net_rig_put(&rig, 0x30, i);
		net_rig_put(&rig, 0x38, NET_RIG_QUEUE_SIZE);
		net_rig_put(&rig, 0x80, (uint32_t)setup.desc);
		net_rig_put(&rig, 0x90, (uint32_t)setup.avail);
		net_rig_put(&rig, 0xa0, (uint32_t)setup.used);
		net_rig_put(&rig, 0x44, 1);
	}
	net_rig_put(&rig, 0x70, 0xf);
}

Test(vnet_vhost, a_kernel_that_refuses_is_a_device_that_needs_a_reset)
{
	kernel.refuse = -ENOTTY;
	for (unsigned int i = 0; i < 2; i++) {
		start_anyhow(NET_RIG_QUEUES);
		cr_expect(net_rig_get(&rig, 0x70) & NEEDS_RESET);
		cr_expect_not(stats().served);
	}
	kernel.refuse = 0;
	net_rig_start(&rig, 0);
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf);
	cr_expect(kernel.served[0]);
}

Test(vnet_vhost, a_tap_that_is_gone_is_no_refusal)
{
	kernel.refuse = -EINVAL;
	atomic_store(&rig.cut, true);
	net_rig_start(&rig, 0);
	cr_expect_eq(net_rig_get(&rig, 0x70), 0xf);
	cr_expect_not(kernel.served[0]);
}

Test(vnet_vhost, a_queue_that_ends_takes_its_pair_back)
{
	net_rig_put(&rig, 0x30, TX0);
	net_rig_put(&rig, 0x44, 0);
	cr_expect_not(kernel.served[0]);
	cr_expect_eq(kernel.stops, 1);
	cr_expect_eq(set_pairs(1), 1, "half a pair");
	net_rig_put(&rig, 0x44, 1);
	cr_expect_eq(set_pairs(1), 0);
	cr_expect_eq(kernel.queues[0][0].base, 10, "the other goes on");
	cr_expect_eq(kernel.queues[0][1].base, 0);
	net_rig_put(&rig, 0x70, 0);
	cr_expect_eq(kernel.stops, 2);
	cr_expect_eq(rig.offloads, 0);
	net_rig_start(&rig, 0);
	cr_expect_eq(kernel.queues[0][0].base, 0, "a driver begins anew");
	cr_expect_eq(kernel.queues[0][1].base, 0);
}

Test(vnet_vhost, a_driver_with_half_a_pair_is_refused)
{
	start_anyhow(1);
	cr_expect(net_rig_get(&rig, 0x70) & NEEDS_RESET);
	cr_expect_eq(kernel.starts, 1);
}

Test(vnet_vhost, a_pause_takes_pairs_back_and_gives_them_again)
{
	cr_expect_eq(set_pairs(2), 0);
	vnet_pause(rig.vnet);
	cr_expect_not(kernel.served[0] || kernel.served[1]);
	cr_expect_not(stats().served);
	bell(TX0);
	vnet_resume(rig.vnet);
	cr_expect(kernel.served[0] && kernel.served[1]);
	cr_expect_eq(kernel.queues[0][0].base, 10);
	cr_expect_eq(kernel.queues[0][1].base, 20);
	cr_expect_eq(kernel.queues[1][1].base, 21);
	cr_expect_eq(bell(TX0), 1);
	kernel.refuse = -EIO;
	vnet_pause(rig.vnet);
	vnet_resume(rig.vnet);
	cr_expect(net_rig_get(&rig, 0x70) & NEEDS_RESET);
	net_rig_put(&rig, 0x70, 0);
	vnet_pause(rig.vnet);
	vnet_resume(rig.vnet);
	cr_expect_eq(kernel.starts, 5, "nothing without a driver");
}

Test(vnet_vhost, counts_as_the_interface_does)
{
	struct vnet_stats now;

	cr_expect_eq(stats().tx_packets, 0, "from when the device was made");
	kernel.counts = (struct net_counts){ 105, 1500, 2, 207, 2700, 6, 3 };
	now = stats();
	cr_expect(now.in_kernel && now.served && now.link);
	cr_expect_eq(now.rx_packets, 5);
	cr_expect_eq(now.rx_bytes, 500);
	cr_expect_eq(now.rx_dropped, 1);
	cr_expect_eq(now.tx_packets, 7);
	cr_expect_eq(now.tx_bytes, 700);
	cr_expect_eq(now.tx_dropped, 4);
	cr_expect_eq(now.tx_bad, 0);
}

/* ---- its thread ------------------------------------------------------------------------------ */

static void wait_for(uint64_t reg, uint32_t mask, uint32_t value)
{
	while ((net_rig_get(&rig, reg) & mask) != value)
		sched_yield();
}

Test(vnet_vhost, the_kernel_interrupts_where_it_cannot_by_itself)
{
	cr_assert_eq(vnet_start(rig.vnet), 0);
	cr_expect_eq(net_rig_get(&rig, 0x60), 0);
	cr_assert_eq(eventfd_write(kernel.queues[0][0].call, 1), 0);
	wait_for(0x60, 1, 1);
}

Test(vnet_vhost, a_driver_that_breaks_the_rules_needs_a_reset)
{
	cr_assert_eq(vnet_start(rig.vnet), 0);
	cr_assert_eq(eventfd_write(kernel.queues[0][1].err, 1), 0);
	wait_for(0x70, NEEDS_RESET, NEEDS_RESET);
}

Test(vnet_vhost, a_tap_that_goes_is_a_link_that_is_down)
{
	cr_assert_eq(vnet_start(rig.vnet), 0);
	atomic_store(&kernel.changed, true);
	cr_assert_eq(eventfd_write(rig.net.watch, 1), 0);
	while (atomic_load(&kernel.changed))
		sched_yield();
	cr_expect(stats().link, "another interface");
	atomic_store(&rig.cut, true);
	atomic_store(&kernel.changed, true);
	cr_assert_eq(eventfd_write(rig.net.watch, 1), 0);
	while (virtio_mmio_ops.read(rig.mmio, 0x106, 2))
		sched_yield();
	cr_expect_not(stats().link);
}

/* Its control queue is where others have the second pair, whose doorbell KVM rings. */
Test(vnet_vhost, a_driver_without_mq_is_heard)
{
	const gpa_t at = NET_RIG_DATA;
	const struct driver_buf bufs[] = { { at, 3, false }, { at + 8, 1, true } };
	struct driver_queue *queue = &rig.drivers[RX1];
	uint8_t *bytes = net_rig_host(&rig, at);
	struct virtq_used_elem elem;

	net_rig_start(&rig, MQ);
	cr_assert_eq(vnet_start(rig.vnet), 0);
	bytes[0] = 0, bytes[1] = 0, bytes[2] = 0; /* not promiscuous */
	bytes[8] = 0xff;
	driver_offer(queue, driver_chain(queue, bufs, 2));
	cr_assert_eq(eventfd_write(vnet_doorbell(rig.vnet, RX1), 1), 0);
	while (!driver_used(queue, &elem))
		sched_yield();
	cr_expect_eq(bytes[8], 0);
}
