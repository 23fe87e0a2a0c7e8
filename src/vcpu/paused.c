/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to vCPUs that stand still, from another thread than theirs. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "vcpu_internal.h"

/*
 * A guest that sees its counter jump by the length of a pause takes it for its own time: its
 * watchdogs then report a lock-up, and its timers all expire at once.
 */
void vcpu_set_stop_counter(struct vcpu_set *set)
{
	const struct backend_ops *ops = set->config.ops;
	int ret = ops->vcpu_get_counter(set->vcpus[0].backend, &set->counter);

	set->has_counter = ret == 0;
	if (ret < 0)
		log_debug("the guest's clock goes on through a pause: %s", strerror(-ret));
}

void vcpu_set_start_counter(struct vcpu_set *set)
{
	int ret = 0;

	if (set->has_counter)
		ret = set->config.ops->vcpu_set_counter(set->vcpus[0].backend, set->counter);
	if (ret < 0)
		log_warn("the guest's clock jumps by the length of a pause: %s", strerror(-ret));
}

int vcpu_set_get_counter(const struct vcpu_set *set, uint64_t *counter)
{
	return set->config.ops->vcpu_get_counter(set->vcpus[0].backend, counter);
}

bool vcpu_set_is_paused(const struct vcpu_set *set)
{
	return set->paused;
}

int vcpu_set_get_regs(const struct vcpu_set *set, unsigned int index, struct vcpu_regs *regs)
{
	if (!set->paused)
		return -EBUSY;
	return set->config.ops->vcpu_get_regs(set->vcpus[index].backend, regs);
}
