/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of vCPUs: creation, threads, pause, stop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "vcpu_internal.h"

static void kick_handler(int signo)
{
	(void)signo;
}

static int install_kick_handler(void)
{
	/* No SA_RESTART: the signal is there to make calls return. */
	struct sigaction action = { .sa_handler = kick_handler };

	return sigaction(VCPU_KICK_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

static void vcpu_init_env(struct vcpu *vcpu, const struct vcpu_set_config *config)
{
	vcpu->env = (struct exit_env){
		.ops = config->ops,
		.backend = vcpu->backend,
		.vcpu = vcpu->index,
		.mem = config->mem,
		.mmio = config->mmio,
		.smccc = config->smccc,
		.sink = config->sink,
	};
}

/*
 * The state before the first instruction: the boot CPU starts, the others wait for CPU_ON. Where
 * that is the backend's own, they must be off there before the boot CPU can ask for them, so they
 * are put so here and not by their threads, which follow once the boot CPU has been in the backend.
 */
static int vcpu_init_power(struct vcpu *vcpu, const struct vcpu_set_config *config)
{
	static const struct vcpu_boot off = { .powered_off = true };

	if (vcpu->index == 0) {
		vcpu->power = VCPU_ON_PENDING;
		vcpu->boot = (struct vcpu_boot){ .pc = config->entry, .x0 = config->x0 };
		return 0;
	}
	vcpu->power = VCPU_OFF;
	if (config->user_psci)
		return 0;
	return config->ops->vcpu_reset(vcpu->backend, &off);
}

static int vcpu_init(struct vcpu *vcpu, struct vcpu_set *set, unsigned int index)
{
	int ret;

	vcpu->set = set;
	vcpu->index = index;
	ret = set->config.ops->vcpu_create(set->config.vm, index, &vcpu->backend);
	if (ret < 0)
		return ret;
	vcpu_init_env(vcpu, &set->config);
	return vcpu_init_power(vcpu, &set->config);
}

int vcpu_set_create(const struct vcpu_set_config *config, struct vcpu_set **out)
{
	struct vcpu_set *set;
	int ret = 0;

	set = calloc(1, sizeof(*set) + config->nr_vcpus * sizeof(set->vcpus[0]));
	if (!set)
		return -ENOMEM;
	set->config = *config;
	pthread_mutex_init(&set->lock, NULL);
	pthread_cond_init(&set->wake, NULL);
	pthread_cond_init(&set->idle, NULL);

	for (unsigned int i = 0; i < config->nr_vcpus; i++) {
		ret = vcpu_init(&set->vcpus[i], set, i);
		if (ret < 0) {
			vcpu_set_destroy(set);
			return ret;
		}
	}
	*out = set;
	return 0;
}

void vcpu_set_destroy(struct vcpu_set *set)
{
	if (!set)
		return;
	for (unsigned int i = 0; i < set->config.nr_vcpus; i++)
		if (set->vcpus[i].backend)
			set->config.ops->vcpu_destroy(set->vcpus[i].backend);
	pthread_cond_destroy(&set->idle);
	pthread_cond_destroy(&set->wake);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

int vcpu_set_start(struct vcpu_set *set)
{
	int ret = install_kick_handler();

	for (unsigned int i = 0; ret == 0 && i < set->config.nr_vcpus; i++) {
		struct vcpu *vcpu = &set->vcpus[i];

		ret = -pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		vcpu->started = ret == 0;
	}
	if (ret < 0)
		vcpu_set_stop(set);
	return ret;
}

static void kick(const struct vcpu *vcpu)
{
	vcpu->set->config.ops->vcpu_interrupt(vcpu->backend);
	pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
}

void vcpu_set_kick(struct vcpu_set *set, unsigned int index)
{
	pthread_mutex_lock(&set->lock);
	if (set->vcpus[index].running)
		kick(&set->vcpus[index]);
	pthread_mutex_unlock(&set->lock);
}

/*
 * Makes every vCPU see @request: those in the guest by a kick, those that wait by the condition.
 * The request is stored before the kick (vcpu_interrupt() has the fence), and a vCPU reads it
 * after it cleared its kick.
 */
static void set_request(struct vcpu_set *set, enum vcpu_request request)
{
	atomic_store_explicit(&set->request, (int)request, memory_order_relaxed);
	pthread_cond_broadcast(&set->wake);
	if (request == REQUEST_NONE)
		return;
	for (unsigned int i = 0; i < set->config.nr_vcpus; i++) {
		if (set->vcpus[i].running)
			kick(&set->vcpus[i]);
	}
}

void vcpu_set_stop(struct vcpu_set *set)
{
	pthread_mutex_lock(&set->lock);
	set_request(set, REQUEST_STOP);
	pthread_mutex_unlock(&set->lock);

	for (unsigned int i = 0; i < set->config.nr_vcpus; i++) {
		if (set->vcpus[i].started)
			pthread_join(set->vcpus[i].thread, NULL);
		set->vcpus[i].started = false;
	}
}

void vcpu_set_pause(struct vcpu_set *set)
{
	if (set->paused)
		return;
	pthread_mutex_lock(&set->lock);
	set_request(set, REQUEST_PAUSE);
	while (set->nr_running)
		pthread_cond_wait(&set->idle, &set->lock);
	pthread_mutex_unlock(&set->lock);
	vcpu_set_stop_counter(set);
	set->paused = true;
}

void vcpu_set_resume(struct vcpu_set *set)
{
	if (!set->paused)
		return;
	vcpu_set_start_counter(set);
	set->paused = false;
	pthread_mutex_lock(&set->lock);
	set_request(set, REQUEST_NONE);
	pthread_mutex_unlock(&set->lock);
}

enum vcpu_power vcpu_set_power_on(struct vcpu_set *set, unsigned int target, uint64_t entry,
				  uint64_t context)
{
	struct vcpu *vcpu = &set->vcpus[target];
	enum vcpu_power before;

	pthread_mutex_lock(&set->lock);
	before = vcpu->power;
	if (before == VCPU_OFF) {
		vcpu->power = VCPU_ON_PENDING;
		vcpu->boot = (struct vcpu_boot){ .pc = entry, .x0 = context };
		pthread_cond_broadcast(&set->wake);
	}
	pthread_mutex_unlock(&set->lock);
	return before;
}

enum vcpu_power vcpu_set_power_state(struct vcpu_set *set, unsigned int target)
{
	enum vcpu_power power;

	pthread_mutex_lock(&set->lock);
	power = set->vcpus[target].power;
	pthread_mutex_unlock(&set->lock);
	return power;
}

int vcpu_set_suspend(struct vcpu_set *set, unsigned int index)
{
	return set->config.ops->vcpu_suspend(set->vcpus[index].backend);
}

uint64_t vcpu_set_exits(const struct vcpu_set *set, enum vcpu_exit_kind kind)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < set->config.nr_vcpus; i++)
		sum += __atomic_load_n(&set->vcpus[i].env.counts[kind], __ATOMIC_RELAXED);
	return sum;
}
