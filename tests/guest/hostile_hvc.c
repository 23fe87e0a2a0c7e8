/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A storm of HVC, and of SMC where that is a conduit: identifiers from the whole space and, more of
 * them, from the range that arcvisor serves, with arguments that are anything.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "gic.h"
#include "hostile.h"
#include "psci.h"
#include "smccc.h"

#define CALLS		4000U
#define VENDOR_FIRST	0xc2000000U /* SiP services, SMC64: hvc-blk is there */
#define OWNER(function) ((function) >> 24 & 0x3f)
#define OWNER_PSCI	4U

static uint32_t function_id(void)
{
	uint64_t random = hostile_random();

	switch (random >> 61) {
	case 0:
		return (uint32_t)random;
	case 1:
		return (uint32_t)random | 1U << 31; /* fast call */
	case 2:
		return VENDOR_FIRST + (random & 0xffff);
	default:
		return VENDOR_FIRST + (random & 0x3f);
	}
}

static void call(bool by_smc)
{
	struct smccc_regs regs;
	uint32_t function = function_id();

	if (OWNER(function) == OWNER_PSCI)
		function ^= 1U << 24;
	for (unsigned int i = 1; i < SMCCC_REGS; i++)
		regs.x[i] = hostile_value();
	regs.x[0] = function;
	if (by_smc)
		smccc_smc(&regs);
	else
		smccc_hvc(&regs);
}

static bool smc_is_a_conduit(void)
{
	struct smccc_regs regs = { .x = { SMCCC_VERSION } };

	exception_catch();
	smccc_smc(&regs);
	return !exception_caught().count && smccc_result(SMCCC_VERSION, regs.x[0]) > 0;
}

void guest_main(void)
{
	bool smc = smc_is_a_conduit();

	hostile_begin();
	do {
		for (unsigned int i = 0; i < CALLS; i++) {
			exception_catch();
			call(smc && hostile_random() & 1UL << 40);
			exception_caught();
		}
	} while (hostile_round());
	check_eq((uint64_t)psci(PSCI_VERSION, 0, 0, 0) >> 16, 1, "PSCI still answers");
}
