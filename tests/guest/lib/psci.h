/* SPDX-License-Identifier: Apache-2.0 */
/* Power State Coordination Interface (Arm DEN0022): function identifiers, results, calls by HVC. */
#ifndef GUEST_PSCI_H
#define GUEST_PSCI_H

#include <stdint.h>

#include "smccc.h"

#define PSCI_VERSION		 0x84000000U
#define PSCI_CPU_SUSPEND	 0x84000001U
#define PSCI_CPU_OFF		 0x84000002U
#define PSCI_CPU_ON		 0x84000003U
#define PSCI_AFFINITY_INFO	 0x84000004U
#define PSCI_MIGRATE		 0x84000005U
#define PSCI_MIGRATE_INFO_TYPE	 0x84000006U
#define PSCI_MIGRATE_INFO_UP_CPU 0x84000007U
#define PSCI_SYSTEM_OFF		 0x84000008U
#define PSCI_SYSTEM_RESET	 0x84000009U
#define PSCI_FEATURES		 0x8400000aU
#define PSCI_SYSTEM_SUSPEND	 0x8400000eU
#define PSCI_SYSTEM_RESET2	 0x84000012U

#define PSCI_CPU_SUSPEND64    (PSCI_CPU_SUSPEND | SMCCC_64BIT)
#define PSCI_CPU_ON64	      (PSCI_CPU_ON | SMCCC_64BIT)
#define PSCI_AFFINITY_INFO64  (PSCI_AFFINITY_INFO | SMCCC_64BIT)
#define PSCI_SYSTEM_RESET2_64 (PSCI_SYSTEM_RESET2 | SMCCC_64BIT)

#define PSCI_SUCCESS		0
#define PSCI_NOT_SUPPORTED	(-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON		(-4)
#define PSCI_ON_PENDING		(-5)
#define PSCI_INVALID_ADDRESS	(-9)

#define PSCI_AFFINITY_ON	 0
#define PSCI_AFFINITY_OFF	 1
#define PSCI_AFFINITY_ON_PENDING 2

#define PSCI_MIGRATE_NOT_REQUIRED 2 /* no Trusted OS, or one that needs no migration */
#define PSCI_SYSTEM_WARM_RESET	  0

static inline int64_t psci(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	struct smccc_regs regs = { .x = { function, x1, x2, x3 } };

	smccc_hvc(&regs);
	return smccc_result(function, regs.x[0]);
}

static inline int64_t psci_affinity_info(uint64_t affinity)
{
	return psci(PSCI_AFFINITY_INFO64, affinity, 0, 0);
}

#endif
