/* SPDX-License-Identifier: Apache-2.0 */
/* A backend that has interrupts and nothing else, and writes down what is asked of it. */
#ifndef ARCVISOR_TESTS_IRQ_RECORDER_H
#define ARCVISOR_TESTS_IRQ_RECORDER_H

#include <stdbool.h>

#include "backend/backend.h"

#define RECORDER_MAX_CALLS 8

enum recorder_op {
	RECORDER_SET,
	RECORDER_BIND,
	RECORDER_UNBIND,
};

struct recorder_call {
	enum recorder_op op;
	unsigned int intid;
	bool level; /* RECORDER_SET */
	int fd;	    /* the others */
};

struct backend_vm {
	unsigned int nr_calls;
	struct recorder_call calls[RECORDER_MAX_CALLS];
	int error; /* what each call returns: 0 or -errno */
};

extern const struct backend_ops recorder_ops;

/* Fails the test unless the calls to irq_set() were exactly these, and there were no others. */
void recorder_expect_levels(const struct backend_vm *vm, unsigned int intid, unsigned int count,
			    const bool *levels);

#define EXPECT_LEVELS(vm, intid, ...)                                                       \
	do {                                                                                \
		const bool levels_[] = { __VA_ARGS__ };                                     \
		recorder_expect_levels((vm), (intid), sizeof(levels_) / sizeof(levels_[0]), \
				       levels_);                                            \
	} while (0)

#endif
