/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated vCPUs on threads of their own: waiting, waking, not mixing. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "fixture.h"

#define ROUNDS 2000u

static struct vcpu_exit exits[TEST_NR_VCPUS];

static void *run_once(void *arg)
{
	struct vcpu_exit *exit = arg;

	backend_sim.vcpu_run(vcpus[exit - exits], exit);
	return NULL;
}

static pthread_t start(void *(*body)(void *arg), unsigned int index)
{
	pthread_t thread;

	exits[index].kind = VCPU_EXIT_KINDS;
	cr_assert_eq(pthread_create(&thread, NULL, body, &exits[index]), 0);
	return thread;
}

TestSuite(sim_threads, .init = sim_test_init, .fini = sim_test_fini);

Test(sim_threads, empty_script_waits_for_an_interrupt)
{
	pthread_t thread = start(run_once, 0);

	sim_wait_idle(0);
	cr_assert_eq(sim_calls(SIM_VCPU_RUN), 1);
	backend_sim.vcpu_interrupt(vcpus[0]);
	pthread_join(thread, NULL);
	cr_assert_eq(exits[0].kind, VCPU_EXIT_INTERRUPTED);
}

Test(sim_threads, waiting_vcpu_plays_what_is_queued_later)
{
	const struct vcpu_exit exit = { .kind = VCPU_EXIT_DEBUG };
	pthread_t thread = start(run_once, 0);

	sim_wait_idle(0);
	sim_play(0, &exit);
	pthread_join(thread, NULL);
	cr_assert_eq(exits[0].kind, VCPU_EXIT_DEBUG);
}

Test(sim_threads, interrupt_wakes_the_vcpu_that_it_names)
{
	pthread_t first = start(run_once, 0);
	pthread_t second = start(run_once, 1);
	const struct vcpu_exit exit = { .kind = VCPU_EXIT_WFI };

	sim_wait_idle(0);
	sim_wait_idle(1);
	backend_sim.vcpu_interrupt(vcpus[1]);
	pthread_join(second, NULL);
	sim_wait_idle(0);
	sim_play(0, &exit);
	pthread_join(first, NULL);
	cr_assert_eq(exits[0].kind, VCPU_EXIT_WFI);
	cr_assert_eq(exits[1].kind, VCPU_EXIT_INTERRUPTED);
}

/* Answers each MMIO read with its address until an interruption. */
static void *echo(void *arg)
{
	struct vcpu_exit *exit = arg;
	struct backend_vcpu *vcpu = vcpus[exit - exits];

	for (;;) {
		backend_sim.vcpu_run(vcpu, exit);
		if (exit->kind == VCPU_EXIT_INTERRUPTED)
			return NULL;
		exit->mmio.data = exit->mmio.addr;
		backend_sim.vcpu_reply(vcpu, exit);
	}
}

Test(sim_threads, vcpus_play_side_by_side_and_lose_nothing)
{
	pthread_t threads[TEST_NR_VCPUS];
	struct vcpu_exit exit = { .kind = VCPU_EXIT_MMIO };
	unsigned int i, n;

	for (i = 0; i < TEST_NR_VCPUS; i++)
		threads[i] = start(echo, i);
	for (n = 0; n < ROUNDS; n++)
		for (i = 0; i < TEST_NR_VCPUS; i++) {
			exit.mmio.addr = (gpa_t)i << 32 | n;
			sim_play(i, &exit);
		}
	for (i = 0; i < TEST_NR_VCPUS; i++) {
		sim_wait_idle(i);
		backend_sim.vcpu_interrupt(vcpus[i]);
		pthread_join(threads[i], NULL);
		cr_assert_eq(sim_nr_replies(i), ROUNDS);
		for (n = 0; n < ROUNDS; n++) {
			cr_assert(sim_reply(i, n, &exit));
			cr_assert_eq(exit.mmio.data, (gpa_t)i << 32 | n);
		}
	}
}

Test(sim_threads, wait_for_calls_returns_when_they_were_made)
{
	pthread_t thread = start(run_once, 0);

	sim_wait_calls(SIM_VCPU_RUN, 1);
	cr_assert_geq(sim_calls(SIM_VCPU_RUN), 1);
	backend_sim.vcpu_interrupt(vcpus[0]);
	pthread_join(thread, NULL);
}
