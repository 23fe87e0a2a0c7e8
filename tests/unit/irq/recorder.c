/* SPDX-License-Identifier: Apache-2.0 */
/* Writes down each call. */
#include "recorder.h"

#include <criterion/criterion.h>

static int record(struct backend_vm *vm, const struct recorder_call *call)
{
	cr_assert_lt(vm->nr_calls, RECORDER_MAX_CALLS);
	vm->calls[vm->nr_calls++] = *call;
	return vm->error;
}

static int record_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	return record(vm, &(struct recorder_call){ RECORDER_SET, intid, level, -1 });
}

static int record_bind(struct backend_vm *vm, int fd, unsigned int intid)
{
	return record(vm, &(struct recorder_call){ RECORDER_BIND, intid, false, fd });
}

static int record_unbind(struct backend_vm *vm, int fd, unsigned int intid)
{
	return record(vm, &(struct recorder_call){ RECORDER_UNBIND, intid, false, fd });
}

void recorder_expect_levels(const struct backend_vm *vm, unsigned int intid, unsigned int count,
			    const bool *levels)
{
	cr_assert_eq(vm->nr_calls, count, "%u calls instead of %u", vm->nr_calls, count);
	for (unsigned int i = 0; i < count; i++) {
		cr_assert_eq(vm->calls[i].op, RECORDER_SET);
		cr_assert_eq(vm->calls[i].intid, intid);
		cr_assert_eq(vm->calls[i].level, levels[i]);
	}
}

const struct backend_ops recorder_ops = {
	.irq_set = record_set,
	.irqfd_bind = record_bind,
	.irqfd_unbind = record_unbind,
};
