/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entropy device: vCPUs' threads that ring, the loop's thread that fills what the rate held
 * back, one that resets it, and one that looks. After a reset nobody touches what was the driver's.
 */
#include <sched.h>
#include <string.h>

#include "../unit/virtio/driver.c"
#include "base/util.h"
#include "check.h"
#include "virtio/rng.h"

#define SIZE	 64u
#define RESETS	 300u
#define REQUESTS 20000u
#define DATA	 (DRIVER_RAM_BASE + 0x100000u)

static struct {
	struct loop *loop;
	struct gmem mem;
	struct irq_line line;
	struct vrng *vrng;
	struct virtio_mmio *mmio;
	struct driver_queue queue;
	_Atomic unsigned int edges;
	_Atomic bool done;
} rig;

static int count_edge(struct backend_vm *vm, unsigned int intid, bool level)
{
	(void)vm;
	(void)intid;
	if (level)
		atomic_fetch_add(&rig.edges, 1);
	return 0;
}

static void make(uint64_t rate)
{
	static const struct backend_ops irq_ops = { .irq_set = count_edge };

	memset(&rig, 0, sizeof(rig));
	NEED(loop_create(&rig.loop) == 0);
	gmem_init(&rig.mem);
	NEED(gmem_add(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	irq_line_init(&rig.line, &irq_ops, NULL, 48, IRQ_EDGE_RISING);
	NEED(vrng_create(rig.loop, rate, &rig.vrng) == 0);
	NEED(virtio_mmio_create(vrng_device(rig.vrng), &rig.mem, &rig.line, &rig.mmio) == 0);
}

static void destroy(void)
{
	virtio_mmio_destroy(rig.mmio);
	vrng_destroy(rig.vrng);
	gmem_fini(&rig.mem);
	loop_destroy(rig.loop);
}

static void *run_loop(void *arg)
{
	(void)arg;
	NEED(loop_run(rig.loop) == 0);
	return NULL;
}

static void ring(void)
{
	virtio_mmio_ops.write(rig.mmio, 0x50, 4, 0);
}

static void *ringer(void *arg)
{
	struct vrng_stats stats;

	(void)arg;
	while (!atomic_load(&rig.done)) {
		ring();
		vrng_get_stats(rig.vrng, &stats);
	}
	return NULL;
}

static void offer(unsigned int slot)
{
	const struct driver_buf buf = { DATA + slot % SIZE * 4096, 4096, true };

	driver_offer(&rig.queue, driver_chain(&rig.queue, &buf, 1));
}

/* As fast as the rate lets it: some by vCPUs, some by the loop. */
static void no_request_is_lost(void)
{
	pthread_t threads[3];
	struct vrng_stats stats;
	struct virtq_used_elem elem;
	unsigned int sent = 0, got = 0;

	make(200u << 20);
	driver_start(rig.mmio, &rig.mem, &rig.queue, 1, SIZE, 0);
	threads[0] = check_spawn(run_loop, NULL);
	threads[1] = check_spawn(ringer, NULL);
	threads[2] = check_spawn(ringer, NULL);
	while (got < REQUESTS) {
		while (sent < REQUESTS && sent - got < SIZE)
			offer(sent++);
		while (driver_used(&rig.queue, &elem)) {
			CHECK(elem.len == 4096);
			got++;
		}
		sched_yield();
	}
	atomic_store(&rig.done, true);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	loop_stop(rig.loop);
	pthread_join(threads[0], NULL);
	vrng_get_stats(rig.vrng, &stats);
	CHECK(stats.requests == REQUESTS);
	CHECK(stats.bytes == REQUESTS * 4096ull);
	destroy();
}

static void a_reset_waits_for_what_is_under_way(void)
{
	pthread_t threads[2];

	make(1u << 20);
	threads[0] = check_spawn(run_loop, NULL);
	threads[1] = check_spawn(ringer, NULL);
	for (unsigned int i = 0; i < RESETS; i++) {
		driver_start(rig.mmio, &rig.mem, &rig.queue, 1, SIZE, 0);
		for (unsigned int slot = 0; slot < SIZE; slot++)
			offer(slot);
		ring();
		virtio_mmio_ops.write(rig.mmio, 0x70, 4, 0);
		CHECK(virtio_mmio_ops.read(rig.mmio, 0x70, 4) == 0);
		/* The driver's again: a thread that still filled it would race with this. */
		NEED(gmem_zero(&rig.mem, DRIVER_RAM_BASE, DRIVER_RAM_SIZE) == 0);
	}
	atomic_store(&rig.done, true);
	pthread_join(threads[1], NULL);
	loop_stop(rig.loop);
	pthread_join(threads[0], NULL);
	destroy();
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("no request is lost", no_request_is_lost);
	passed += check_run("a reset waits for what is under way",
			    a_reset_waits_for_what_is_under_way);
	return check_end(passed, 2 - passed);
}
