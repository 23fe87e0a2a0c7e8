/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated host's scripting side: what it plays, and how it fails. */
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SIM_DEFAULT_CAPS                                                                           \
	{                                                                                          \
		.api_version = 12, .ipa_bits = 40, .max_vcpus = SIM_MAX_VCPUS,                     \
		.recommended_vcpus = SIM_MAX_VCPUS, .nr_memslots = SIM_MAX_MEMORY, .gic_v3 = true, \
		.smccc_filter = true, .nisv_to_user = true, .irqfd = true, .ioeventfd = true,      \
		.immediate_exit = true, .psci_0_2 = true, .readonly_mem = true,                    \
		.counter_hz = 25000000,                                                            \
	}

static const struct backend_caps default_caps = SIM_DEFAULT_CAPS;

struct sim_host sim_host = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.caps = SIM_DEFAULT_CAPS,
};

void sim_lock(void)
{
	pthread_mutex_lock(&sim_host.lock);
}

void sim_unlock(void)
{
	pthread_mutex_unlock(&sim_host.lock);
}

int sim_enter(enum sim_op op)
{
	struct sim_failure *failure = &sim_host.failures[op];

	sim_lock();
	sim_host.calls[op]++;
	pthread_cond_broadcast(&sim_host.changed);
	if (!failure->in || --failure->in)
		return 0;
	return -failure->err;
}

struct backend_vcpu *sim_vcpu_locked(unsigned int index)
{
	struct backend_vcpu *vcpu;

	assert(index < SIM_MAX_VCPUS);
	vcpu = sim_host.vcpus[index];
	if (!vcpu) {
		vcpu = calloc(1, sizeof(*vcpu));
		if (!vcpu)
			abort();
		vcpu->index = index;
		sim_host.vcpus[index] = vcpu;
	}
	return vcpu;
}

void *sim_grow(void *array, size_t nr, size_t *max, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? *max * 2 : 16;
	array = reallocarray(array, *max, size);
	if (!array)
		abort(); /* a test without memory has nothing to say */
	return array;
}

void sim_init(void)
{
	unsigned int i;

	sim_lock();
	assert(!sim_host.vm.alive);
	for (i = 0; i < SIM_MAX_VCPUS; i++) {
		struct backend_vcpu *vcpu = sim_host.vcpus[i];

		if (!vcpu)
			continue;
		free(vcpu->steps);
		free(vcpu->replies);
		free(vcpu);
		sim_host.vcpus[i] = NULL;
	}
	memset(&sim_host.vm, 0, sizeof(sim_host.vm));
	memset(sim_host.calls, 0, sizeof(sim_host.calls));
	memset(sim_host.failures, 0, sizeof(sim_host.failures));
	sim_host.caps = default_caps;
	sim_unlock();
}

void sim_set_caps(const struct backend_caps *caps)
{
	sim_lock();
	sim_host.caps = *caps;
	sim_unlock();
}

void sim_fail(enum sim_op op, unsigned int nth, int err)
{
	sim_lock();
	sim_host.failures[op].in = nth;
	sim_host.failures[op].err = err;
	sim_unlock();
}

unsigned int sim_calls(enum sim_op op)
{
	unsigned int calls;

	sim_lock();
	calls = sim_host.calls[op];
	sim_unlock();
	return calls;
}

void sim_wait_calls(enum sim_op op, unsigned int count)
{
	sim_lock();
	while (sim_host.calls[op] < count)
		pthread_cond_wait(&sim_host.changed, &sim_host.lock);
	sim_unlock();
}

static void sim_push(unsigned int index, const struct sim_step *step)
{
	struct backend_vcpu *vcpu;

	sim_lock();
	vcpu = sim_vcpu_locked(index);
	vcpu->steps = sim_grow(vcpu->steps, vcpu->nr_steps, &vcpu->max_steps, sizeof(*step));
	vcpu->steps[vcpu->nr_steps++] = *step;
	pthread_cond_broadcast(&sim_host.changed);
	sim_unlock();
}

void sim_play(unsigned int index, const struct vcpu_exit *exit)
{
	struct sim_step step = { .exit = *exit };

	sim_push(index, &step);
}

void sim_play_call(unsigned int index, bool is_smc, uint32_t fid, unsigned int count,
		   const uint64_t *args)
{
	struct sim_step step = {
		.nr_x = count + 1,
		.x = { fid },
		.exit = { .kind = VCPU_EXIT_SMCCC, .smccc = { .fid = fid, .is_smc = is_smc } },
	};
	unsigned int i;

	assert(count < SIM_CALL_REGS);
	for (i = 0; i < count; i++)
		step.x[i + 1] = args[i];
	sim_push(index, &step);
}

void sim_play_error(unsigned int index, int err)
{
	struct sim_step step = { .err = err };

	sim_push(index, &step);
}

bool sim_has_work(const struct backend_vcpu *vcpu)
{
	return vcpu->interrupted || vcpu->next_step < vcpu->nr_steps;
}

void sim_wait_idle(unsigned int index)
{
	struct backend_vcpu *vcpu;

	sim_lock();
	vcpu = sim_vcpu_locked(index);
	while (!vcpu->waiting || sim_has_work(vcpu))
		pthread_cond_wait(&sim_host.changed, &sim_host.lock);
	sim_unlock();
}
