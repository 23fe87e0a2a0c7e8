/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop, power states, pause and stop, against scripted vCPUs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "backend/sim.h"
#include "exit/mmio.h"
#include "vcpu/vcpu.h"

#define MAX_VCPUS 4

static const struct gmem no_memory;

struct rig {
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct exit_sink sink;
	struct vcpu_set *set;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ends;
	enum machine_end why;
};

static void rig_end(void *ctx, enum machine_end why)
{
	struct rig *rig = ctx;

	pthread_mutex_lock(&rig->lock);
	rig->ends++;
	rig->why = why;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->lock);
}

static void rig_wait_end(struct rig *rig)
{
	pthread_mutex_lock(&rig->lock);
	while (!rig->ends)
		pthread_cond_wait(&rig->changed, &rig->lock);
	pthread_mutex_unlock(&rig->lock);
}

/* CPU_OFF by a service of the test's own. */
static enum smccc_action cpu_off(void *ctx, struct smccc_call *call)
{
	(void)ctx;
	(void)call;
	return SMCCC_CPU_OFF;
}

#define FN_OFF 0x84000002u

static const struct gmem no_memory;

static int rig_create(struct rig *rig, unsigned int nr_vcpus, bool user_psci)
{
	const struct backend_vm_config vm_config = { 0 };
	struct vcpu_set_config config = {
		.ops = &backend_sim,
		.nr_vcpus = nr_vcpus,
		.user_psci = user_psci,
		.mem = &no_memory,
		.entry = 0x40000000,
		.x0 = 0x48000000,
	};

	*rig = (struct rig){ .lock = PTHREAD_MUTEX_INITIALIZER,
			     .changed = PTHREAD_COND_INITIALIZER };
	rig->sink = (struct exit_sink){ .end = rig_end, .ctx = rig };
	mmio_map_init(&rig->mmio);
	mmio_map_freeze(&rig->mmio);
	smccc_table_init(&rig->smccc);
	cr_assert_eq(smccc_table_add(&rig->smccc, FN_OFF, 1, "off", cpu_off, NULL), 0);
	cr_assert_eq(backend_sim.vm_create(&vm_config, &rig->vm), 0);
	config.vm = rig->vm;
	config.mem = &no_memory;
	config.mmio = &rig->mmio;
	config.smccc = &rig->smccc;
	config.sink = &rig->sink;
	return vcpu_set_create(&config, &rig->set);
}

static void rig_start(struct rig *rig, unsigned int nr_vcpus)
{
	cr_assert_eq(rig_create(rig, nr_vcpus, true), 0);
	cr_assert_eq(vcpu_set_start(rig->set), 0);
}

static void rig_fini(struct rig *rig)
{
	vcpu_set_stop(rig->set);
	vcpu_set_destroy(rig->set);
	backend_sim.vm_destroy(rig->vm);
	cr_expect_eq(sim_nr_vcpus(), 0);
}

static void play_mmio_read(unsigned int index)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_MMIO };

	exit.mmio.addr = 0xdead000;
	exit.mmio.len = 4;
	sim_play(index, &exit);
}

static void play(unsigned int index, enum vcpu_exit_kind kind)
{
	struct vcpu_exit exit = { .kind = kind };

	sim_play(index, &exit);
}

TestSuite(vcpu, .init = sim_init);

Test(vcpu, boot_cpu_starts_at_entry_and_the_others_wait)
{
	struct vcpu_boot boot;
	struct rig rig;

	rig_start(&rig, 3);
	sim_wait_idle(0);
	cr_assert(sim_boot(0, &boot));
	cr_expect_eq(boot.pc, 0x40000000);
	cr_expect_eq(boot.x0, 0x48000000);
	cr_expect_not(boot.powered_off);
	cr_expect_not(sim_boot(1, &boot));
	cr_expect_eq(vcpu_set_power_state(rig.set, 0), VCPU_ON);
	cr_expect_eq(vcpu_set_power_state(rig.set, 1), VCPU_OFF);
	cr_expect_eq(vcpu_set_power_state(rig.set, 2), VCPU_OFF);
	rig_fini(&rig);
}

/* Without the filter the backend holds the others until its own CPU_ON. */
Test(vcpu, secondaries_enter_the_backend_where_it_does_psci)
{
	struct vcpu_boot boot;
	struct rig rig;

	cr_assert_eq(rig_create(&rig, 2, false), 0);
	cr_assert(sim_boot(1, &boot), "off before the boot CPU runs");
	cr_assert_eq(vcpu_set_start(rig.set), 0);
	sim_wait_idle(0);
	sim_wait_idle(1);
	cr_assert(sim_boot(1, &boot));
	cr_expect(boot.powered_off);
	cr_assert(sim_boot(0, &boot));
	cr_expect_not(boot.powered_off);
	rig_fini(&rig);
}

/* An interrupt controller that is made at the first entry of all is whole before any other. */
Test(vcpu, secondaries_enter_the_backend_after_the_boot_cpu)
{
	struct rig rig;

	sim_fail(SIM_VCPU_SETTLE, 1, EIO);
	cr_assert_eq(rig_create(&rig, 4, false), 0);
	cr_assert_eq(vcpu_set_start(rig.set), 0);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_CRASH);
	cr_expect_eq(sim_calls(SIM_VCPU_RUN), 0, "somebody did not wait for it");
	rig_fini(&rig);
}

Test(vcpu, cpu_on_starts_a_secondary_once)
{
	struct vcpu_boot boot;
	struct rig rig;

	rig_start(&rig, 2);
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x41000000, 77), VCPU_OFF);
	sim_wait_idle(1);
	cr_assert(sim_boot(1, &boot));
	cr_expect_eq(boot.pc, 0x41000000);
	cr_expect_eq(boot.x0, 77);
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x42000000, 78), VCPU_ON);
	cr_expect_eq(vcpu_set_power_state(rig.set, 1), VCPU_ON);
	rig_fini(&rig);
}

Test(vcpu, cpu_on_while_paused_stays_pending)
{
	struct vcpu_boot boot;
	struct rig rig;

	rig_start(&rig, 2);
	vcpu_set_pause(rig.set);
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x41000000, 1), VCPU_OFF);
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x42000000, 2), VCPU_ON_PENDING);
	cr_expect_not(sim_boot(1, &boot));
	vcpu_set_resume(rig.set);
	sim_wait_idle(1);
	cr_assert(sim_boot(1, &boot));
	cr_expect_eq(boot.pc, 0x41000000, "the first CPU_ON counts");
	rig_fini(&rig);
}

Test(vcpu, cpu_off_and_on_again_starts_from_reset)
{
	struct vcpu_boot boot;
	struct rig rig;

	rig_start(&rig, 2);
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x41000000, 1), VCPU_OFF);
	sim_play_call(1, false, FN_OFF, 0, NULL);
	while (vcpu_set_power_state(rig.set, 1) != VCPU_OFF)
		sched_yield();
	cr_expect_eq(sim_nr_replies(1), 0, "CPU_OFF does not return");
	cr_expect_eq(vcpu_set_power_on(rig.set, 1, 0x42000000, 2), VCPU_OFF);
	sim_wait_idle(0);
	sim_wait_idle(1);
	cr_assert(sim_boot(1, &boot));
	cr_expect_eq(boot.pc, 0x42000000);
	cr_expect_eq(sim_calls(SIM_VCPU_RESET), 3);
	rig_fini(&rig);
}

Test(vcpu, each_exit_gets_its_reply)
{
	struct vcpu_exit reply;
	struct rig rig;

	for (int i = 0; i < 100; i++)
		play_mmio_read(0);
	rig_start(&rig, 1);
	sim_wait_idle(0);
	cr_expect_eq(sim_nr_replies(0), 100);
	cr_assert(sim_reply(0, 99, &reply));
	cr_expect_eq(reply.mmio.data, 0);
	cr_expect_eq(vcpu_set_exits(rig.set, VCPU_EXIT_MMIO), 100);
	rig_fini(&rig);
}

/* However a pause falls into a run of exits, every one is answered and answered once. */
Test(vcpu, pause_and_resume_lose_no_reply)
{
	struct rig rig;

	for (unsigned int v = 0; v < 2; v++)
		for (int i = 0; i < 20000; i++)
			play_mmio_read(v);
	rig_start(&rig, 2);
	vcpu_set_power_on(rig.set, 1, 0x41000000, 0);
	for (int i = 0; i < 200; i++) {
		vcpu_set_pause(rig.set);
		vcpu_set_resume(rig.set);
	}
	sim_wait_idle(0);
	sim_wait_idle(1);
	cr_expect_eq(sim_nr_replies(0), 20000);
	cr_expect_eq(sim_nr_replies(1), 20000);
	rig_fini(&rig);
}

Test(vcpu, nothing_runs_while_paused)
{
	struct rig rig;
	unsigned int runs;

	rig_start(&rig, 1);
	sim_wait_idle(0);
	vcpu_set_pause(rig.set);
	runs = sim_calls(SIM_VCPU_RUN);
	play_mmio_read(0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	cr_expect_eq(sim_calls(SIM_VCPU_RUN), runs);
	cr_expect_eq(sim_nr_replies(0), 0);
	vcpu_set_resume(rig.set);
	sim_wait_idle(0);
	cr_expect_eq(sim_nr_replies(0), 1);
	rig_fini(&rig);
}

/* Registers of a paused vCPU hold the last exit's reply. */
Test(vcpu, pause_settles_every_running_vcpu)
{
	struct rig rig;

	rig_start(&rig, 2);
	sim_wait_idle(0);
	vcpu_set_pause(rig.set);
	cr_expect_eq(sim_calls(SIM_VCPU_SETTLE), 1, "the vCPU that is off has nothing to settle");
	vcpu_set_pause(rig.set);
	cr_expect_eq(sim_calls(SIM_VCPU_SETTLE), 1, "a second pause finds nothing to do");
	rig_fini(&rig);
}

Test(vcpu, stop_ends_vcpus_that_run_wait_and_pause)
{
	struct rig rig;

	rig_start(&rig, 3);
	vcpu_set_power_on(rig.set, 1, 0x41000000, 0);
	sim_wait_idle(1);
	vcpu_set_pause(rig.set);
	vcpu_set_stop(rig.set);
	vcpu_set_stop(rig.set);
	rig_fini(&rig);
}

Test(vcpu, a_fatal_exit_ends_the_machine_as_a_crash)
{
	struct rig rig;

	play(0, VCPU_EXIT_INTERNAL_ERROR);
	rig_start(&rig, 1);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_CRASH);
	vcpu_set_stop(rig.set);
	cr_expect_eq(rig.ends, 1);
	cr_expect_eq(sim_calls(SIM_VCPU_RUN), 1, "it is not entered again");
	rig_fini(&rig);
}

Test(vcpu, a_run_that_fails_is_a_crash)
{
	struct rig rig;

	sim_play_error(0, EFAULT);
	rig_start(&rig, 1);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_CRASH);
	rig_fini(&rig);
}

Test(vcpu, a_reset_that_fails_is_a_crash)
{
	struct rig rig;

	sim_fail(SIM_VCPU_RESET, 1, EIO);
	rig_start(&rig, 1);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_CRASH);
	rig_fini(&rig);
}

Test(vcpu, a_reply_that_fails_is_a_crash)
{
	struct rig rig;

	sim_fail(SIM_VCPU_REPLY, 1, EIO);
	play_mmio_read(0);
	rig_start(&rig, 1);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_CRASH);
	rig_fini(&rig);
}

Test(vcpu, creation_that_fails_leaves_nothing)
{
	struct rig rig;

	for (unsigned int nth = 1; nth <= MAX_VCPUS; nth++) {
		sim_init();
		sim_fail(SIM_VCPU_CREATE, nth, ENOMEM);
		cr_expect_eq(rig_create(&rig, MAX_VCPUS, true), -ENOMEM);
		cr_expect_eq(sim_nr_vcpus(), 0);
		backend_sim.vm_destroy(rig.vm);
	}
}

Test(vcpu, a_secondary_that_cannot_be_put_off_leaves_nothing)
{
	struct rig rig;

	sim_fail(SIM_VCPU_RESET, 1, EIO);
	cr_expect_eq(rig_create(&rig, 2, false), -EIO);
	cr_expect_eq(sim_nr_vcpus(), 0);
	backend_sim.vm_destroy(rig.vm);
}

/* Off, reset: the sink is told once, by the vCPU that asked. */
Test(vcpu, a_system_event_ends_the_machine)
{
	struct vcpu_exit off = { .kind = VCPU_EXIT_SYSTEM_EVENT };
	struct rig rig;

	off.system.event = VCPU_SYSTEM_OFF;
	sim_play(0, &off);
	rig_start(&rig, 1);
	rig_wait_end(&rig);
	cr_expect_eq(rig.why, MACHINE_OFF);
	rig_fini(&rig);
}

/* However long it lasts, and however often it is asked for, the counter is where it was. */
Test(vcpu, a_pause_stops_the_counter)
{
	struct rig rig;

	rig_start(&rig, 2);
	sim_set_counter(100);
	vcpu_set_pause(rig.set);
	cr_expect(vcpu_set_is_paused(rig.set));
	sim_set_counter(200);
	vcpu_set_pause(rig.set);
	sim_set_counter(300);
	vcpu_set_resume(rig.set);
	cr_expect_not(vcpu_set_is_paused(rig.set));
	cr_expect_eq(sim_counter(), 100);
	sim_set_counter(400);
	vcpu_set_resume(rig.set);
	cr_expect_eq(sim_counter(), 400);
	rig_fini(&rig);
}

/* A host that cannot stop the clock can pause all the same. */
Test(vcpu, a_pause_without_a_counter_to_stop)
{
	struct rig rig;

	rig_start(&rig, 1);
	sim_set_counter(100);
	sim_fail(SIM_VCPU_GET_COUNTER, 1, ENOTSUP);
	vcpu_set_pause(rig.set);
	sim_set_counter(200);
	vcpu_set_resume(rig.set);
	cr_expect_eq(sim_counter(), 200);
	cr_expect_eq(sim_calls(SIM_VCPU_SET_COUNTER), 0);
	rig_fini(&rig);
}

Test(vcpu, registers_are_a_paused_vcpu_s)
{
	struct vcpu_regs regs = { 0 };
	struct rig rig;

	rig_start(&rig, 2);
	sim_wait_idle(0);
	cr_expect_eq(vcpu_set_get_regs(rig.set, 0, &regs), -EBUSY);
	vcpu_set_pause(rig.set);
	cr_expect_eq(vcpu_set_get_regs(rig.set, 0, &regs), 0);
	cr_expect_eq(vcpu_set_get_regs(rig.set, 1, &regs), 0);
	cr_expect_eq(regs.mpidr_el1 & 0xff, 1);
	vcpu_set_resume(rig.set);
	rig_fini(&rig);
}
