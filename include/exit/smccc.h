/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMC Calling Convention services (Arm DEN0028): function identifier -> handler.
 *
 * A table of ranges, filled before the first vCPU runs and frozen by then. A call that no range
 * takes answers X0 = -1, NOT_SUPPORTED (DEN0028 5.2), as a host without the service would.
 */
#ifndef ARCVISOR_EXIT_SMCCC_H
#define ARCVISOR_EXIT_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "base/util.h"

#define SMCCC_MAX_SERVICES 16

/* DEN0028 table 2-1, bits of a function identifier. */
#define SMCCC_FAST_CALL BIT(31)
#define SMCCC_64	BIT(30)

#define SMCCC_NOT_SUPPORTED ((uint64_t)-1)

/* What the machine does after a call. */
enum smccc_action {
	SMCCC_RETURN,  /* back to the guest, with call->ret */
	SMCCC_CPU_OFF, /* this vCPU powers off; nothing returns */
	SMCCC_END,     /* the machine ends, and whoever was asked knows why; nothing returns */
};

/*
 * One call under way. Handlers run on the calling vCPU's thread and may fetch arguments with
 * smccc_args().
 */
struct smccc_call {
	const struct backend_ops *ops;
	struct backend_vcpu *backend;
	unsigned int vcpu; /* index of the caller */
	struct vcpu_smccc *exit;
};

typedef enum smccc_action (*smccc_handler)(void *ctx, struct smccc_call *call);

struct smccc_service {
	uint32_t first;
	uint32_t count;
	const char *name;
	smccc_handler handler;
	void *ctx;
};

struct smccc_table {
	bool frozen;
	unsigned int nr_services;
	struct smccc_service services[SMCCC_MAX_SERVICES]; /* by rising first */
};

void smccc_table_init(struct smccc_table *table);

/* 0, -EINVAL (empty or wraps), -EEXIST (overlaps), -ENOSPC (full), -EBUSY (frozen). */
int smccc_table_add(struct smccc_table *table, uint32_t first, uint32_t count, const char *name,
		    smccc_handler handler, void *ctx);

/*
 * Freezes the table and has the backend forward its ranges: 0, or the backend's error. -ENOTSUP
 * means that the host has no SMCCC filter; the table then serves nothing.
 */
int smccc_table_install(struct smccc_table *table, const struct backend_ops *ops,
			struct backend_vm *vm);

/* Serves call->exit; fills its reply. A handler that sets none leaves the registers alone. */
enum smccc_action smccc_dispatch(const struct smccc_table *table, struct smccc_call *call);

/*
 * Fetches X1 .. X@count (1 to 7 of them) into @args, in one call of the backend; for a 32-bit
 * call only the low halves, as the callee must ignore the others (DEN0028). 0, or the
 * backend's error.
 */
int smccc_args(struct smccc_call *call, unsigned int count, uint64_t *args);

/*
 * Sets the reply to one value in X0. A negative code is sign extended to 64 bits for 32-bit calls
 * too, as KVM does: the guest then finds the same value in W0 and in X0.
 */
static inline void smccc_return(struct smccc_call *call, uint64_t x0)
{
	call->exit->nr_ret = 1;
	call->exit->ret[0] = x0;
}

#endif
