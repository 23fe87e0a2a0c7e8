/* SPDX-License-Identifier: Apache-2.0 */
/* The run loop: what a vCPU's thread does from start to stop. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "vcpu_internal.h"

/* Why the thread came back from the guest. */
enum run_result {
	RUN_REQUEST, /* somebody asks for something */
	RUN_OFF,     /* the vCPU powered itself off */
	RUN_END,     /* it never runs again */
};

static int current_request(const struct vcpu_set *set)
{
	return atomic_load_explicit(&set->request, memory_order_relaxed);
}

static void crash(const struct vcpu *vcpu)
{
	const struct exit_sink *sink = vcpu->set->config.sink;

	sink->end(sink->ctx, MACHINE_CRASH);
}

static enum run_result run_failed(const struct vcpu *vcpu, const char *what, int error)
{
	log_error("vCPU %u: %s: %s", vcpu->index, what, strerror(-error));
	crash(vcpu);
	return RUN_END;
}

static void interrupted(const struct vcpu *vcpu)
{
	const struct vcpu_hooks *hooks = &vcpu->set->config.hooks;

	if (hooks->ops && hooks->ops->interrupted)
		hooks->ops->interrupted(hooks->ctx, vcpu->index);
}

static void entry(const struct vcpu *vcpu)
{
	const struct vcpu_hooks *hooks = &vcpu->set->config.hooks;

	if (hooks->ops && hooks->ops->entry)
		hooks->ops->entry(hooks->ctx, vcpu->index);
}

static enum run_result run_guest(struct vcpu *vcpu)
{
	const struct backend_ops *ops = vcpu->set->config.ops;

	while (current_request(vcpu->set) == REQUEST_NONE) {
		struct vcpu_exit exit;
		int ret;

		entry(vcpu);
		ret = ops->vcpu_run(vcpu->backend, &exit);

		if (ret < 0)
			return run_failed(vcpu, "cannot run", ret);
		if (exit.kind == VCPU_EXIT_INTERRUPTED)
			interrupted(vcpu);
		switch (exit_dispatch(&vcpu->env, &exit)) {
		case EXIT_RESUME:
			ret = ops->vcpu_reply(vcpu->backend, &exit);
			if (ret < 0)
				return run_failed(vcpu, "cannot take a reply", ret);
			break;
		case EXIT_REPLIED:
			break;
		case EXIT_CPU_OFF:
			return RUN_OFF;
		case EXIT_END:
			return RUN_END;
		}
	}
	return RUN_REQUEST;
}

/* The registers of a paused vCPU are whole: the last exit's reply is in them. */
static void settle(const struct vcpu *vcpu)
{
	int ret = vcpu->set->config.ops->vcpu_settle(vcpu->backend);

	if (ret < 0)
		log_warn("vCPU %u: cannot complete its last exit: %s", vcpu->index, strerror(-ret));
}

static void leave_running(struct vcpu *vcpu)
{
	struct vcpu_set *set = vcpu->set;

	vcpu->running = false;
	if (--set->nr_running == 0)
		pthread_cond_signal(&set->idle);
}

static bool may_run(const struct vcpu *vcpu)
{
	return current_request(vcpu->set) == REQUEST_NONE && vcpu->power != VCPU_OFF;
}

/*
 * Waits until the vCPU is on and nobody wants it paused: true, with *@boot set if it starts from
 * reset, else false when it is to stop.
 */
static bool wait_runnable(struct vcpu *vcpu, bool *starts, struct vcpu_boot *boot)
{
	struct vcpu_set *set = vcpu->set;
	bool stop;

	pthread_mutex_lock(&set->lock);
	while (!may_run(vcpu) && current_request(set) != REQUEST_STOP)
		pthread_cond_wait(&set->wake, &set->lock);
	stop = current_request(set) == REQUEST_STOP;
	*starts = vcpu->power == VCPU_ON_PENDING;
	if (!stop) {
		*boot = vcpu->boot;
		vcpu->power = VCPU_ON;
		vcpu->running = true;
		set->nr_running++;
	}
	pthread_mutex_unlock(&set->lock);
	return !stop;
}

static void end_turn(struct vcpu *vcpu, enum run_result result)
{
	struct vcpu_set *set = vcpu->set;
	const struct vcpu_hooks *hooks = &set->config.hooks;

	if (hooks->ops && hooks->ops->park)
		hooks->ops->park(hooks->ctx, vcpu->index);
	if (result == RUN_REQUEST && current_request(set) == REQUEST_PAUSE)
		settle(vcpu);
	pthread_mutex_lock(&set->lock);
	if (result == RUN_OFF)
		vcpu->power = VCPU_OFF;
	leave_running(vcpu);
	pthread_mutex_unlock(&set->lock);
}

/*
 * The boot CPU's first way into the backend, which does not reach the guest; the others' threads
 * follow after it. KVM lets the interrupt controller into the guest's address space at the first
 * KVM_RUN of all, and a vCPU that another one overtook there, as in Linux 6.1, can run before the
 * distributor answers. Where power states are kept here, CPU_ON has the same effect.
 */
static int enter_first(struct vcpu *vcpu)
{
	struct vcpu_set *set = vcpu->set;
	int ret = set->config.ops->vcpu_settle(vcpu->backend);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&set->lock);
	for (unsigned int i = 1; i < set->config.nr_vcpus; i++)
		set->vcpus[i].power = VCPU_ON;
	pthread_cond_broadcast(&set->wake);
	pthread_mutex_unlock(&set->lock);
	return 0;
}

static enum run_result run_turn(struct vcpu *vcpu, bool starts, const struct vcpu_boot *boot)
{
	const struct vcpu_set_config *config = &vcpu->set->config;
	int ret = starts ? config->ops->vcpu_reset(vcpu->backend, boot) : 0;

	if (ret == 0 && starts && !config->user_psci)
		ret = enter_first(vcpu); /* only the boot CPU starts here then */
	return ret < 0 ? run_failed(vcpu, "cannot start", ret) : run_guest(vcpu);
}

static enum run_result start_thread(const struct vcpu *vcpu)
{
	const struct vcpu_hooks *hooks = &vcpu->set->config.hooks;
	int ret = 0;

	if (hooks->ops && hooks->ops->start)
		ret = hooks->ops->start(hooks->ctx, vcpu->index);
	return ret < 0 ? run_failed(vcpu, "cannot start", ret) : RUN_REQUEST;
}

static void end_thread(const struct vcpu *vcpu)
{
	const struct vcpu_hooks *hooks = &vcpu->set->config.hooks;

	if (hooks->ops && hooks->ops->end)
		hooks->ops->end(hooks->ctx, vcpu->index);
}

void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	enum run_result result;
	struct vcpu_boot boot;
	char name[16];
	bool starts;

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	result = start_thread(vcpu);
	while (result != RUN_END && wait_runnable(vcpu, &starts, &boot)) {
		result = run_turn(vcpu, starts, &boot);
		end_turn(vcpu, result);
	}
	end_thread(vcpu);
	return NULL;
}
