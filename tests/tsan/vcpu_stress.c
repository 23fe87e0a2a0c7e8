/* SPDX-License-Identifier: Apache-2.0 */
/* vCPUs play exits while other threads pause, resume, power on and stop them. */
#include <sched.h>

#include "backend/sim.h"
#include "check.h"
#include "vcpu/vcpu.h"

#define VCPUS  3u
#define EXITS  4000u
#define CYCLES 300u
#define FN_OFF 0x84000002u
#define DEVICE 0x9000000u
#define TARGET (VCPUS - 1) /* is powered off and on */

static struct {
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct exit_sink sink;
	struct vcpu_set *set;
	_Atomic unsigned int ends, accesses, in_device;
	_Atomic bool paused, done;
} rig;

static void count_end(void *ctx, enum machine_end why)
{
	(void)ctx;
	(void)why;
	atomic_fetch_add(&rig.ends, 1);
}

static enum smccc_action cpu_off(void *ctx, struct smccc_call *call)
{
	(void)ctx;
	CHECK(call->vcpu == TARGET);
	return SMCCC_CPU_OFF;
}

/* No vCPU is in here while the set is paused. */
static uint64_t dev_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	(void)len;
	atomic_fetch_add(&rig.in_device, 1);
	CHECK(!atomic_load(&rig.paused));
	atomic_fetch_add(&rig.accesses, 1);
	atomic_fetch_sub(&rig.in_device, 1);
	return offset;
}

static void dev_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	(void)dev;
	(void)offset;
	(void)len;
	(void)val;
}

static const struct mmio_ops dev_ops = { .read = dev_read, .write = dev_write };

static void rig_init(void)
{
	const struct backend_vm_config vm_config = { 0 };
	struct vcpu_set_config config = {
		.ops = &backend_sim,
		.nr_vcpus = VCPUS,
		.user_psci = true,
		.mmio = &rig.mmio,
		.smccc = &rig.smccc,
		.sink = &rig.sink,
		.entry = 0x40000000,
	};

	sim_init();
	atomic_store(&rig.ends, 0);
	atomic_store(&rig.accesses, 0);
	atomic_store(&rig.done, false);
	rig.sink = (struct exit_sink){ .end = count_end };
	mmio_map_init(&rig.mmio);
	NEED(mmio_map_add(&rig.mmio, DEVICE, 0x1000, "probe", &dev_ops, NULL) == 0);
	mmio_map_freeze(&rig.mmio);
	smccc_table_init(&rig.smccc);
	NEED(smccc_table_add(&rig.smccc, FN_OFF, 1, "off", cpu_off, NULL) == 0);
	NEED(backend_sim.vm_create(&vm_config, &rig.vm) == 0);
	config.vm = rig.vm;
	NEED(vcpu_set_create(&config, &rig.set) == 0);
}

static void rig_fini(void)
{
	vcpu_set_stop(rig.set);
	vcpu_set_destroy(rig.set);
	backend_sim.vm_destroy(rig.vm);
	CHECK(sim_nr_vcpus() == 0);
	CHECK(atomic_load(&rig.in_device) == 0);
	sim_init();
}

static void play_reads(unsigned int index, unsigned int count)
{
	const struct vcpu_exit exit = {
		.kind = VCPU_EXIT_MMIO,
		.mmio = { .addr = DEVICE + 4 * index, .len = 4 },
	};

	for (unsigned int i = 0; i < count; i++)
		sim_play(index, &exit);
}

static void *pauser(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < CYCLES; i++) {
		vcpu_set_pause(rig.set);
		atomic_store(&rig.paused, true);
		CHECK(atomic_load(&rig.in_device) == 0);
		sched_yield();
		atomic_store(&rig.paused, false);
		vcpu_set_resume(rig.set);
		sched_yield();
	}
	return NULL;
}

/* Looks at all that may be asked of a set while it runs. */
static void *watcher(void *arg)
{
	(void)arg;
	while (!atomic_load(&rig.done)) {
		for (unsigned int i = 0; i < VCPUS; i++)
			vcpu_set_power_state(rig.set, i);
		vcpu_set_exits(rig.set, VCPU_EXIT_MMIO);
		sched_yield();
	}
	return NULL;
}

/* On from two threads at once: one of them turns it on. */
static void *power_on_once(void *arg)
{
	_Atomic unsigned int *winners = arg;

	if (vcpu_set_power_on(rig.set, TARGET, 0x41000000, 7) == VCPU_OFF)
		atomic_fetch_add(winners, 1);
	return NULL;
}

static void cycle_power(void)
{
	_Atomic unsigned int winners = 0;
	pthread_t rival = check_spawn(power_on_once, &winners);

	power_on_once(&winners);
	pthread_join(rival, NULL);
	CHECK(atomic_load(&winners) == 1);
	play_reads(TARGET, 1);
	sim_play_call(TARGET, false, FN_OFF, 0, NULL);
	while (vcpu_set_power_state(rig.set, TARGET) != VCPU_OFF)
		sched_yield();
}

static void pauses_and_power_cycles_lose_no_exit(void)
{
	pthread_t pausing, watching;

	rig_init();
	for (unsigned int i = 0; i < TARGET; i++)
		play_reads(i, EXITS);
	NEED(vcpu_set_start(rig.set) == 0);
	CHECK(vcpu_set_power_on(rig.set, 1, 0x41000000, 0) == VCPU_OFF);
	pausing = check_spawn(pauser, NULL);
	watching = check_spawn(watcher, NULL);
	for (unsigned int i = 0; i < CYCLES; i++)
		cycle_power();
	pthread_join(pausing, NULL);
	for (unsigned int i = 0; i < TARGET; i++) {
		sim_wait_idle(i);
		CHECK(sim_nr_replies(i) == EXITS);
	}
	atomic_store(&rig.done, true);
	pthread_join(watching, NULL);
	CHECK(sim_nr_replies(TARGET) == CYCLES);
	CHECK(atomic_load(&rig.accesses) == TARGET * EXITS + CYCLES);
	CHECK(atomic_load(&rig.ends) == 0);
	rig_fini();
}

/* A stop that meets exits, waits, pauses and starts, in whatever order. */
static void a_stop_ends_everything_at_any_time(void)
{
	for (unsigned int i = 0; i < 50; i++) {
		pthread_t watching;

		rig_init();
		for (unsigned int v = 0; v < VCPUS; v++)
			play_reads(v, 50);
		NEED(vcpu_set_start(rig.set) == 0);
		watching = check_spawn(watcher, NULL);
		vcpu_set_power_on(rig.set, 1, 0x41000000, 0);
		if (i % 3 == 0)
			vcpu_set_pause(rig.set);
		for (unsigned int n = 0; n < i; n++)
			sched_yield();
		vcpu_set_stop(rig.set);
		atomic_store(&rig.done, true);
		pthread_join(watching, NULL);
		rig_fini();
	}
}

int main(void)
{
	unsigned int passed = 0;

	passed += check_run("pauses and power cycles lose no exit",
			    pauses_and_power_cycles_lose_no_exit);
	passed +=
		check_run("a stop ends everything at any time", a_stop_ends_everything_at_any_time);
	return check_end(passed, 2 - passed);
}
