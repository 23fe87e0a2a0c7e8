/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks on a vCPU's own thread: when each is called, and by which thread. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/sim.h"
#include "vcpu/vcpu.h"

struct hooked {
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct exit_sink sink;
	struct vcpu_set *set;
	_Atomic int starts, interrupts, entries, parks, ends, machine_ends;
	int start_answer;
	pthread_t thread;
	bool elsewhere; /* a hook ran on another thread than start() */
};

static void here(struct hooked *h)
{
	if (!pthread_equal(h->thread, pthread_self()))
		h->elsewhere = true;
}

static int on_start(void *ctx, unsigned int vcpu)
{
	struct hooked *h = ctx;

	cr_expect_eq(vcpu, 0);
	h->thread = pthread_self();
	h->starts++;
	return h->start_answer;
}

static void on_interrupted(void *ctx, unsigned int vcpu)
{
	struct hooked *h = ctx;

	(void)vcpu;
	here(h);
	h->interrupts++;
}

static void on_entry(void *ctx, unsigned int vcpu)
{
	struct hooked *h = ctx;

	(void)vcpu;
	here(h);
	h->entries++;
}

static void on_park(void *ctx, unsigned int vcpu)
{
	struct hooked *h = ctx;

	(void)vcpu;
	here(h);
	h->parks++;
}

static void on_end(void *ctx, unsigned int vcpu)
{
	struct hooked *h = ctx;

	(void)vcpu;
	here(h);
	h->ends++;
}

static const struct vcpu_hook_ops all_hooks = { on_start, on_interrupted, on_entry, on_park,
						on_end };
static const struct vcpu_hook_ops no_hooks;

static void machine_end(void *ctx, enum machine_end why)
{
	struct hooked *h = ctx;

	cr_expect_eq(why, MACHINE_CRASH);
	h->machine_ends++;
}

static void create(struct hooked *h, const struct vcpu_hook_ops *ops)
{
	const struct backend_vm_config vm_config = { 0 };
	struct vcpu_set_config config = {
		.ops = &backend_sim,
		.nr_vcpus = 1,
		.user_psci = true,
		.mmio = &h->mmio,
		.smccc = &h->smccc,
		.sink = &h->sink,
		.hooks = { ops, h },
	};

	mmio_map_init(&h->mmio);
	smccc_table_init(&h->smccc);
	h->sink = (struct exit_sink){ machine_end, h };
	cr_assert_eq(backend_sim.vm_create(&vm_config, &h->vm), 0);
	config.vm = h->vm;
	cr_assert_eq(vcpu_set_create(&config, &h->set), 0);
	cr_assert_eq(vcpu_set_start(h->set), 0);
}

static void destroy(struct hooked *h)
{
	vcpu_set_stop(h->set);
	vcpu_set_destroy(h->set);
	backend_sim.vm_destroy(h->vm);
}

Test(hooks, are_called_in_order_on_the_vcpus_thread)
{
	struct vcpu_exit interrupted = { .kind = VCPU_EXIT_INTERRUPTED };
	struct hooked h = { 0 };

	sim_init();
	sim_play(0, &interrupted);
	create(&h, &all_hooks);
	sim_wait_idle(0);
	cr_expect_eq(h.starts, 1);
	cr_expect_eq(h.interrupts, 1);
	cr_expect_eq(h.entries, 2, "before and after the interruption");
	cr_expect_eq(h.parks, 0);
	vcpu_set_pause(h.set);
	cr_expect_eq(h.parks, 1, "parked before the pause is there");
	vcpu_set_resume(h.set);
	destroy(&h);
	cr_expect_geq(h.parks, 1);
	cr_expect_eq(h.ends, 1);
	cr_expect_eq(h.machine_ends, 0);
	cr_expect_not(h.elsewhere);
}

Test(hooks, are_called_after_a_kick)
{
	struct hooked h = { 0 };
	unsigned int runs;

	sim_init();
	create(&h, &all_hooks);
	sim_wait_idle(0);
	runs = sim_calls(SIM_VCPU_RUN);
	vcpu_set_kick(h.set, 0);
	sim_wait_calls(SIM_VCPU_RUN, runs + 1);
	cr_expect_eq(h.interrupts, 1);
	cr_expect_eq(h.entries, 2);
	vcpu_set_pause(h.set);
	vcpu_set_kick(h.set, 0);
	cr_expect_eq(sim_calls(SIM_VCPU_RUN), runs + 1, "it does not run");
	vcpu_set_resume(h.set);
	destroy(&h);
	cr_expect_not(h.elsewhere);
}

Test(hooks, that_refuse_end_the_machine)
{
	struct hooked h = { .start_answer = -ENOMEM };

	sim_init();
	create(&h, &all_hooks);
	destroy(&h);
	cr_expect_eq(h.machine_ends, 1);
	cr_expect_eq(h.parks, 0, "it never ran");
	cr_expect_eq(h.ends, 1);
}

Test(hooks, may_all_be_absent)
{
	struct vcpu_exit interrupted = { .kind = VCPU_EXIT_INTERRUPTED };
	struct hooked h = { 0 };

	sim_init();
	sim_play(0, &interrupted);
	create(&h, &no_hooks);
	sim_wait_idle(0);
	vcpu_set_pause(h.set);
	vcpu_set_resume(h.set);
	destroy(&h);
	cr_expect_eq(h.machine_ends, 0);
}
