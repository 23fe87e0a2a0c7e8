/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of vhost-user: what a back end is told, what it says, and what becomes of one that ends.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "driver.h"
#include "fake_backend.h"
#include "virtio/vhost.h"

#define NEEDS_RESET 0x40u
#define QUEUES	    2u
#define QUEUE_SIZE  64u

static struct fake_backend fake;
static struct vhost_config config;
static struct vhost_end *end;
static struct gmem mem;
static struct irq_line line;
static _Atomic unsigned int edges;
static struct vvhost *vvhost;
static struct virtio_mmio *mmio;
static struct driver_queue drivers[QUEUES];

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void init(void)
{
	fake.features = BIT64(30) | BIT64(32) | BIT64(28) | BIT64(29) | 0x7fff;
	fake.protocol = BIT64(0) | BIT64(3) | BIT64(9) | BIT64(20);
	fake.queues = FAKE_QUEUES;
	for (unsigned int i = 0; i < sizeof(fake.space); i++)
		fake.space[i] = (uint8_t)(i + 1);
	fake_backend_start(&fake);
	config = (struct vhost_config){ .kind = VHOST_FS, .id = "fs0", .tag = "shared" };
	config.socket = fake.path;
}

static void fini(void)
{
	fake_backend_end(&fake);
}

TestSuite(vvhost, .init = init, .fini = fini);

static void make(void)
{
	cr_assert_eq(vhost_open(&config, &end), 0);
	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE), 0);
	irq_line_init(&line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	cr_assert_eq(vvhost_create(end, &mem, &vvhost), 0);
	cr_assert_eq(virtio_mmio_create(vvhost_device(vvhost), &mem, &line, &mmio), 0);
}

static void start(void)
{
	driver_start(mmio, &mem, drivers, vvhost_device(vvhost)->nr_queues, QUEUE_SIZE, 0);
}

static void destroy(void)
{
	vvhost_stop(vvhost);
	virtio_mmio_destroy(mmio);
	vvhost_destroy(vvhost);
	gmem_fini(&mem);
	vhost_close(end);
}

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

static struct vvhost_stats stats(void)
{
	struct vvhost_stats now;

	vvhost_get_stats(vvhost, &now);
	return now;
}

/* ---- what it is ------------------------------------------------------------------------------ */

Test(vvhost, a_folder_says_what_it_is)
{
	char tag[37] = "";

	make();
	cr_expect_eq(get(0x08), 26);
	for (unsigned int i = 0; i < 36; i++)
		tag[i] = (char)virtio_mmio_ops.read(mmio, 0x100 + i, 1);
	cr_expect_str_eq(tag, "shared");
	cr_expect_eq(get(0x124), 1, "one queue of requests");
	cr_expect_eq(get(0x128), 0);
	put(0x124, 9);
	cr_expect_eq(get(0x124), 1);
	cr_expect_eq(offered(), BIT64(32) | BIT64(28) | BIT64(29), "%#lx",
		     (unsigned long)offered());
	destroy();
}

Test(vvhost, a_disk_says_what_its_back_end_says)
{
	config.kind = VHOST_BLK;
	config.queues = 2;
	make();
	cr_expect_eq(get(0x08), 2);
	cr_expect_eq(get(0x100), 0x04030201);
	cr_expect_eq(virtio_mmio_ops.read(mmio, 0x122, 2), 2, "queues are ours to say");
	cr_expect_eq(offered() & BIT64(11), 0, "no configuration that the driver writes");
	cr_expect_neq(offered() & BIT64(9), 0);
	cr_expect_neq(offered() & BIT64(12), 0);
	destroy();
}

/* ---- queues ---------------------------------------------------------------------------------- */

Test(vvhost, a_driver_that_comes_up_hands_all_over)
{
	struct stat ours, theirs;

	make();
	start();
	cr_expect_eq(fake.set_protocol, BIT64(0) | BIT64(3) | BIT64(9));
	cr_expect_eq(fake.set_features, BIT64(30) | BIT64(32) | BIT64(28) | BIT64(29));
	cr_expect_eq(fake.gpa, DRIVER_RAM_BASE);
	cr_expect_eq(fake.size, DRIVER_RAM_SIZE);
	cr_expect_eq(fake.user, (uintptr_t)mem.regions[0].host);
	cr_expect_eq(fstat(atomic_load(&fake.mem_fd), &theirs), 0);
	cr_expect_eq(fstat(mem.regions[0].fd, &ours), 0);
	cr_expect_eq(ours.st_ino, theirs.st_ino);
	for (unsigned int i = 0; i < QUEUES; i++) {
		cr_expect(fake.q[i].enabled);
		cr_expect_eq(fake.q[i].size, QUEUE_SIZE);
		cr_expect_eq(fake.q[i].base, 0);
		cr_expect_eq(fake.q[i].desc, (uintptr_t)drivers[i].desc);
		cr_expect_eq(fake.q[i].avail, (uintptr_t)drivers[i].avail);
		cr_expect_eq(fake.q[i].used, (uintptr_t)drivers[i].used);
	}
	cr_expect(stats().connected && stats().started);
	destroy();
}

Test(vvhost, rings_and_interrupts)
{
	eventfd_t nr = 0;

	make();
	start();
	(void)eventfd_read(fake.q[1].kick, &nr);
	put(0x50, 1);
	cr_expect_eq(eventfd_read(fake.q[1].kick, &nr), 0);
	cr_expect_eq(nr, 1);
	cr_expect_eq(eventfd_write(fake.q[1].call, 1), 0);
	while (!atomic_load(&edges))
		usleep(10);
	cr_expect_eq(get(0x60), 1);
	cr_expect_eq(stats().interrupts, 1);
	destroy();
}

Test(vvhost, a_reset_takes_the_queues_back)
{
	make();
	start();
	cr_expect_eq(atomic_load(&fake.stops), 0);
	put(0x70, 0);
	cr_expect_eq(get(0x70), 0);
	cr_expect_eq(atomic_load(&fake.stops), QUEUES);
	cr_expect_not(fake.q[0].enabled || fake.q[1].enabled);
	start();
	cr_expect(fake.q[0].enabled && fake.q[1].enabled);
	cr_expect_eq(atomic_load(&fake.connections), 1);
	destroy();
}

/* A machine's reset: the back end has nothing of the old guest, and serves the next. */
Test(vvhost, another_guest_has_another_connection)
{
	make();
	start();
	vvhost_stop(vvhost);
	virtio_mmio_destroy(mmio);
	vvhost_destroy(vvhost);
	cr_expect_eq(end->link.fd, -1);
	cr_assert_eq(vvhost_create(end, &mem, &vvhost), 0);
	cr_assert_eq(virtio_mmio_create(vvhost_device(vvhost), &mem, &line, &mmio), 0);
	start();
	cr_expect_eq(atomic_load(&fake.connections), 2);
	cr_expect(fake.q[0].enabled);
	destroy();
}

/* ---- back ends that end or lie --------------------------------------------------------------- */

static void wait_lost(void)
{
	while (stats().connected)
		usleep(10);
}

Test(vvhost, one_that_ends_is_missed_once_and_comes_back_with_a_reset)
{
	make();
	start();
	fake_backend_drop(&fake);
	wait_lost();
	while (!(get(0x70) & NEEDS_RESET))
		usleep(10);
	put(0x50, 1);
	cr_expect_eq(stats().lost, 1);
	put(0x70, 0);
	cr_expect_eq(get(0x70), 0);
	start();
	cr_expect(stats().connected);
	cr_expect_eq(atomic_load(&fake.connections), 2);
	cr_expect_eq(get(0x70), 0xf);
	destroy();
}

Test(vvhost, none_is_there_when_a_driver_comes_up)
{
	make();
	start();
	unlink(fake.path);
	fake_backend_drop(&fake);
	wait_lost();
	put(0x70, 0);
	put(0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		put(0x14, half);
		put(0x24, half);
		put(0x20, get(0x10));
	}
	put(0x70, 0xb);
	put(0x70, 0xf);
	cr_expect_eq(get(0x70) & NEEDS_RESET, NEEDS_RESET);
	cr_expect_not(stats().connected);
	destroy();
}

static void refused(uint32_t request, int fault)
{
	atomic_store(&fake.fault_at, request);
	atomic_store(&fake.fault, fault);
	cr_expect_lt(vhost_open(&config, &end), 0, "request %u, fault %d", request, fault);
}

Test(vvhost, answers_that_are_none)
{
	for (int fault = FAKE_CLOSES; fault <= FAKE_NO_REPLY; fault++) {
		refused(1, fault);
		refused(15, fault);
		refused(17, fault);
		refused(3, fault);
	}
	refused(3, FAKE_REFUSES);
	config.kind = VHOST_BLK;
	refused(24, FAKE_CLOSES);
	refused(24, FAKE_LONG);
	atomic_store(&fake.fault_at, 0);
	cr_assert_eq(vhost_open(&config, &end), 0);
	vhost_close(end);
}

Test(vvhost, one_that_lacks_what_is_needed)
{
	uint64_t features = fake.features;

	fake.features = features & ~BIT64(32);
	cr_expect_eq(vhost_open(&config, &end), -EOPNOTSUPP);
	fake.features = features & ~BIT64(30);
	cr_expect_eq(vhost_open(&config, &end), -EOPNOTSUPP);
	fake.features = features;
	config.queues = FAKE_QUEUES;
	cr_expect_eq(vhost_open(&config, &end), -EINVAL, "one more is of high priority");
	config.kind = VHOST_BLK;
	cr_expect_eq(vhost_open(&config, &end), 0);
	vhost_close(end);
	fake.protocol &= ~BIT64(9);
	cr_expect_eq(vhost_open(&config, &end), -EOPNOTSUPP);
	config.socket = "/nowhere/at/all";
	cr_expect_eq(vhost_open(&config, &end), -ENOENT);
}

/* Whatever it does with the messages that hand a guest over, the machine goes on. */
Test(vvhost, faults_while_a_driver_comes_up)
{
	static const uint32_t requests[] = { 2, 5, 8, 10, 9, 13, 12, 18 };

	make();
	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
		for (int fault = FAKE_CLOSES; fault <= FAKE_REFUSES; fault++) {
			atomic_store(&fake.fault, fault);
			atomic_store(&fake.fault_at, requests[i]);
			put(0x70, 0);
			put(0x70, 3);
			put(0x14, 1);
			put(0x24, 1);
			put(0x20, 1);
			put(0x70, 0xb);
			put(0x30, 0);
			put(0x38, 8);
			put(0x80, DRIVER_RAM_BASE);
			put(0x90, DRIVER_RAM_BASE + 0x1000);
			put(0xa0, DRIVER_RAM_BASE + 0x2000);
			put(0x44, 1);
			put(0x70, 0xf);
			cr_expect_eq(get(0x70), 0xf | NEEDS_RESET, "request %u, fault %d",
				     requests[i], fault);
			cr_expect_not(stats().connected);
			atomic_store(&fake.fault_at, 0);
		}
	}
	put(0x70, 0);
	start();
	cr_expect(stats().connected);
	destroy();
}
