/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI 1.1 in user space (Arm DEN0022): an SMCCC service, for HVC and SMC alike.
 *
 * The service checks what the guest passed and answers by the specification's codes; what
 * happens to vCPUs and the machine it asks of its psci_ops.
 */
#ifndef ARCVISOR_HVC_PSCI_H
#define ARCVISOR_HVC_PSCI_H

#include <stdint.h>

#include "exit/smccc.h"
#include "mem/gmem.h"

/* Function numbers; the 32-bit identifier is PSCI_FN32 + n, the 64-bit one PSCI_FN64 + n. */
#define PSCI_FN32  0x84000000u
#define PSCI_FN64  0xc4000000u
#define PSCI_COUNT 0x20u

enum psci_fn {
	PSCI_FN_VERSION = 0x00,
	PSCI_FN_CPU_SUSPEND = 0x01,
	PSCI_FN_CPU_OFF = 0x02,
	PSCI_FN_CPU_ON = 0x03,
	PSCI_FN_AFFINITY_INFO = 0x04,
	PSCI_FN_MIGRATE = 0x05,
	PSCI_FN_MIGRATE_INFO_TYPE = 0x06,
	PSCI_FN_MIGRATE_INFO_UP_CPU = 0x07,
	PSCI_FN_SYSTEM_OFF = 0x08,
	PSCI_FN_SYSTEM_RESET = 0x09,
	PSCI_FN_FEATURES = 0x0a,
	PSCI_FN_SYSTEM_RESET2 = 0x12,
};

/* Return codes, DEN0022 5.2.2. */
enum psci_code {
	PSCI_SUCCESS = 0,
	PSCI_NOT_SUPPORTED = -1,
	PSCI_INVALID_PARAMETERS = -2,
	PSCI_DENIED = -3,
	PSCI_ALREADY_ON = -4,
	PSCI_ON_PENDING = -5,
	PSCI_INTERNAL_FAILURE = -6,
	PSCI_INVALID_ADDRESS = -9,
};

/* What AFFINITY_INFO answers, DEN0022 5.7. */
enum psci_affinity {
	PSCI_AFFINITY_ON = 0,
	PSCI_AFFINITY_OFF = 1,
	PSCI_AFFINITY_ON_PENDING = 2,
};

/* From any vCPU's thread, several at a time. */
struct psci_ops {
	/* PSCI_SUCCESS, PSCI_ALREADY_ON or PSCI_ON_PENDING. @target is a valid index. */
	enum psci_code (*cpu_on)(void *ctx, unsigned int target, uint64_t entry, uint64_t context);
	enum psci_affinity (*affinity)(void *ctx, unsigned int target);
	/*
	 * The calling @vcpu waits for an interrupt at its next entry to the guest, with its reply
	 * in place; does not block. 0, or -ENOTSUP where the backend cannot.
	 */
	int (*suspend)(void *ctx, unsigned int vcpu);
	/* The machine is asked to end; the caller does not enter the guest again. */
	void (*system_off)(void *ctx);
	void (*system_reset)(void *ctx);
};

struct psci {
	const struct psci_ops *ops;
	void *ctx;
	unsigned int nr_vcpus;
	const struct gmem *mem; /* entry addresses must be RAM */
};

/* Registers the service: both function ranges. @psci outlives it. Errors as smccc_table_add(). */
int psci_register(struct psci *psci, struct smccc_table *table);

#endif
