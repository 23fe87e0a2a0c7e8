/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause and resume on real KVM, through the library: a guest that counts by MMIO loses no reply
 * however often it is paused, wherever each pause hits it.
 */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "boot/layout.h"
#include "exit/mmio.h"
#include "mem/gmem.h"
#include "vcpu/vcpu.h"

#define DEVICE_BASE 0x0a000000u
#define NR_VCPUS    2
#define PAUSES	    2000

/*
 * Each vCPU: X1 is its device register. Loads the next number, stores it back, for ever:
 *
 *	mov	x1, x0
 * 1:	ldr	x2, [x1]
 *	str	x2, [x1, #8]
 *	b	1b
 */
static const uint32_t guest_code[] = { 0xaa0003e1, 0xf9400022, 0xf9000422, 0x17fffffe };

/* A device a vCPU: gives number after number, and wants each back exactly once and in order. */
struct counter {
	uint64_t given;
	uint64_t taken;
	_Atomic uint64_t errors;
};

static uint64_t counter_read(void *dev, uint64_t offset, unsigned int len)
{
	struct counter *counter = dev;

	(void)offset;
	(void)len;
	return ++counter->given;
}

static void counter_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	struct counter *counter = dev;

	if (offset != 8 || len != 8 || val != counter->taken + 1 || val != counter->given)
		counter->errors++;
	counter->taken = val;
}

static const struct mmio_ops counter_ops = { .read = counter_read, .write = counter_write };

struct rig {
	struct gmem mem;
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct exit_sink sink;
	struct counter counters[NR_VCPUS];
	struct vcpu_set *vcpus;
	_Atomic int ends;
	_Atomic enum machine_end why; /* the last of them */
};

static void rig_end(void *ctx, enum machine_end why)
{
	struct rig *rig = ctx;

	rig->why = why;
	rig->ends++;
}

/* No guest here ends by itself, and nothing that one is waited for would come after that. */
static void still_runs(const struct rig *rig)
{
	cr_assert_eq(rig->ends, 0, "the guest has ended: %d", (int)rig->why);
}

static void rig_start(struct rig *rig, const void *code, size_t size)
{
	const struct backend_vm_config vm_config = { 0 };
	const struct backend_gic_config gic = {
		.nr_irqs = 64,
		.dist_base = LAYOUT_GICD_BASE,
		.nr_redist_regions = 1,
		.redist[0] = { LAYOUT_GICR_BASE, NR_VCPUS },
	};

	memset(rig, 0, sizeof(*rig));
	rig->sink = (struct exit_sink){ .end = rig_end, .ctx = rig };
	cr_assert_eq(backend_kvm.vm_create(&vm_config, &rig->vm), 0);
	gmem_init(&rig->mem);
	cr_assert_eq(gmem_add(&rig->mem, LAYOUT_RAM_BASE, 0x200000), 0);
	cr_assert_eq(gmem_write(&rig->mem, LAYOUT_RAM_BASE, code, size), 0);
	cr_assert_eq(
		backend_kvm.mem_map(rig->vm, LAYOUT_RAM_BASE, rig->mem.regions[0].host, 0x200000),
		0);
	mmio_map_init(&rig->mmio);
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		cr_assert_eq(mmio_map_add(&rig->mmio, DEVICE_BASE + i * 0x1000, 0x1000, "counter",
					  &counter_ops, &rig->counters[i]),
			     0);
	mmio_map_freeze(&rig->mmio);
	smccc_table_init(&rig->smccc);

	const struct vcpu_set_config config = {
		.ops = &backend_kvm,
		.vm = rig->vm,
		.nr_vcpus = NR_VCPUS,
		.user_psci = true,
		.mem = &rig->mem,
		.mmio = &rig->mmio,
		.smccc = &rig->smccc,
		.sink = &rig->sink,
		.entry = LAYOUT_RAM_BASE,
		.x0 = DEVICE_BASE,
	};
	cr_assert_eq(vcpu_set_create(&config, &rig->vcpus), 0);
	cr_assert_eq(backend_kvm.gic_create(rig->vm, &gic), 0);
	cr_assert_eq(vcpu_set_start(rig->vcpus), 0);
	for (unsigned int i = 1; i < NR_VCPUS; i++)
		cr_assert_eq(
			vcpu_set_power_on(rig->vcpus, i, LAYOUT_RAM_BASE, DEVICE_BASE + i * 0x1000),
			VCPU_OFF);
}

static void rig_init(struct rig *rig)
{
	rig_start(rig, guest_code, sizeof(guest_code));
}

static void rig_fini(struct rig *rig)
{
	vcpu_set_stop(rig->vcpus);
	vcpu_set_destroy(rig->vcpus);
	backend_kvm.vm_destroy(rig->vm);
	gmem_fini(&rig->mem);
}

/*
 * How long pauses took to stop all, for people to read (docs/benchmarks.md, "Pause"): by the clock
 * that counts instructions it says how much there is to do, by any other how busy the machine was.
 */
struct lengths {
	unsigned int count;
	uint64_t sum, longest;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void timed_pause(struct vcpu_set *vcpus, struct lengths *lengths)
{
	uint64_t length = now_ns();

	vcpu_set_pause(vcpus);
	length = now_ns() - length;
	lengths->count++;
	lengths->sum += length;
	if (length > lengths->longest)
		lengths->longest = length;
}

static void tell(const struct lengths *lengths)
{
	printf("# %u pauses: %llu ns each, the longest %llu ns\n", lengths->count,
	       (unsigned long long)(lengths->sum / lengths->count),
	       (unsigned long long)lengths->longest);
}

Test(pause, loses_no_reply)
{
	struct lengths lengths = { 0 };
	struct rig rig;

	rig_init(&rig);
	for (int i = 0; i < PAUSES; i++) {
		uint64_t exits = vcpu_set_exits(rig.vcpus, VCPU_EXIT_MMIO);

		timed_pause(rig.vcpus, &lengths);
		vcpu_set_resume(rig.vcpus);
		/* Most pauses come as fast as they can; some after the guest has run. */
		while (i % 16 == 0 && vcpu_set_exits(rig.vcpus, VCPU_EXIT_MMIO) < exits + 8) {
			still_runs(&rig);
			sched_yield();
		}
	}
	vcpu_set_pause(rig.vcpus);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		cr_expect_eq(rig.counters[i].errors, 0, "vCPU %u", i);
		cr_expect_gt(rig.counters[i].taken, 0, "vCPU %u never ran", i);
	}
	still_runs(&rig);
	tell(&lengths);
	rig_fini(&rig);
}

/* While paused nothing moves, and after it everything does. */
Test(pause, stops_every_vcpu)
{
	struct rig rig;

	rig_init(&rig);
	for (int round = 0; round < 100; round++) {
		uint64_t exits, again;

		vcpu_set_pause(rig.vcpus);
		exits = vcpu_set_exits(rig.vcpus, VCPU_EXIT_MMIO);
		for (int i = 0; i < 1000; i++)
			atomic_signal_fence(memory_order_seq_cst);
		again = vcpu_set_exits(rig.vcpus, VCPU_EXIT_MMIO);
		cr_expect_eq(exits, again);
		vcpu_set_resume(rig.vcpus);
		while (vcpu_set_exits(rig.vcpus, VCPU_EXIT_MMIO) == exits) {
			still_runs(&rig);
			sched_yield();
		}
	}
	rig_fini(&rig);
}

/* Time for the vCPUs to get into the guest: what is paused there shows in the exits' counts. */
static void let_run(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	nanosleep(&moment, NULL);
}

/* @code never leaves the guest: only pauses make it do so. */
static void pause_within(const uint32_t *code, size_t size)
{
	struct lengths lengths = { 0 };
	struct vcpu_regs regs;
	struct rig rig;

	rig_start(&rig, code, size);
	while (lengths.count < 100 ||
	       vcpu_set_exits(rig.vcpus, VCPU_EXIT_INTERRUPTED) < 100 * NR_VCPUS) {
		still_runs(&rig);
		let_run();
		timed_pause(rig.vcpus, &lengths);
		for (unsigned int i = 0; i < NR_VCPUS; i++) {
			cr_assert_eq(vcpu_set_get_regs(rig.vcpus, i, &regs), 0);
			/* Paused before it had ever run, it is not reset yet. */
			if (vcpu_set_power_state(rig.vcpus, i) != VCPU_ON)
				continue;
			cr_assert_lt(regs.pc - LAYOUT_RAM_BASE, size);
		}
		vcpu_set_resume(rig.vcpus);
	}
	tell(&lengths);
	rig_fini(&rig);
}

Test(pause, stops_vcpus_that_spin)
{
	static const uint32_t code[] = { 0x14000000 }; /* b . */

	pause_within(code, sizeof(code));
}

Test(pause, stops_vcpus_that_sleep)
{
	static const uint32_t code[] = { 0xd503207f, 0x17ffffff }; /* wfi; b .-4 */

	pause_within(code, sizeof(code));
}
