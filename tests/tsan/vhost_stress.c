/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of vhost-user: its thread, vCPUs' threads that ring and reset, a back end that
 * interrupts and now and then ends, one who looks. The device always comes up again.
 */
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../unit/virtio/driver.c"
#include "../unit/virtio/fake_backend.c"
#include "base/log.h"
#include "base/util.h"
#include "check.h"
#include "virtio/vhost.h"

#define RESETS 300u
#define QUEUES 2u

static struct fake_backend fake;
static struct gmem mem;
static struct vvhost *vvhost;
static struct virtio_mmio *mmio;
static struct driver_queue drivers[QUEUES];
static _Atomic bool done;
static _Atomic unsigned int edges;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&edges, 1);
	return 0;
}

static const struct backend_ops irq_ops = { .irq_set = count_edge };

static void *ringer(void *arg)
{
	(void)arg;
	while (!atomic_load(&done)) {
		virtio_mmio_ops.write(mmio, 0x50, 4, 0);
		virtio_mmio_ops.write(mmio, 0x50, 4, 1);
		(void)virtio_mmio_ops.read(mmio, 0x100, 4);
		sched_yield();
	}
	return NULL;
}

static void *looker(void *arg)
{
	struct vvhost_stats stats;

	(void)arg;
	while (!atomic_load(&done)) {
		vvhost_get_stats(vvhost, &stats);
		CHECK(stats.lost <= RESETS);
		sched_yield();
	}
	return NULL;
}

/* The device's own eventfd: what a back end writes when it has something. */
static void interrupt(void)
{
	unsigned int before = atomic_load(&edges);

	CHECK(eventfd_write(fake.q[1].call, 1) == 0);
	while (atomic_load(&edges) == before)
		sched_yield();
}

static void it_always_comes_up_again(void)
{
	struct vhost_config config = { .kind = VHOST_FS, .id = "fs0", .tag = "stress" };
	struct vvhost_stats stats;
	struct vhost_end *end;
	struct irq_line line;
	pthread_t threads[2];

	fake.features = BIT64(30) | BIT64(32) | BIT64(28) | BIT64(29);
	fake.protocol = BIT64(0) | BIT64(3);
	fake.queues = FAKE_QUEUES;
	fake_backend_start(&fake);
	config.socket = fake.path;
	gmem_init(&mem);
	FAKE_NEED(gmem_add(&mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	FAKE_NEED(vhost_open(&config, &end) == 0);
	FAKE_NEED(vvhost_create(end, &mem, &vvhost) == 0);
	FAKE_NEED(virtio_mmio_create(vvhost_device(vvhost), &mem, &line, &mmio) == 0);
	threads[0] = check_spawn(ringer, NULL);
	threads[1] = check_spawn(looker, NULL);
	for (unsigned int i = 0; i < RESETS; i++) {
		driver_start(mmio, &mem, drivers, QUEUES, 64, 0);
		interrupt();
		if (i % 3 == 0) {
			fake_backend_drop(&fake);
			while (!(virtio_mmio_ops.read(mmio, 0x70, 4) & 0x40))
				sched_yield();
		}
		virtio_mmio_ops.write(mmio, 0x70, 4, 0);
		CHECK(virtio_mmio_ops.read(mmio, 0x70, 4) == 0);
	}
	atomic_store(&done, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	vvhost_get_stats(vvhost, &stats);
	CHECK(stats.lost == RESETS / 3);
	vvhost_stop(vvhost);
	virtio_mmio_destroy(mmio);
	vvhost_destroy(vvhost);
	gmem_fini(&mem);
	vhost_close(end);
	fake_backend_end(&fake);
}

int main(void)
{
	unsigned int passed;

	log_set_level(LOG_LEVEL_ERROR);
	passed = check_run("it always comes up again", it_always_comes_up_again);
	return check_end(passed, 1 - passed);
}
