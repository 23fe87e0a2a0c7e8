/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that nobody serves return NOT_SUPPORTED and keep x4..x17 (Arm DEN0028).
 * Built twice: CONDUIT is hvc or smc.
 */
#include "check.h"
#include "exception.h"
#include "smccc.h"

#define SENTINEL(i) (0x5e17000000000000UL | (i)*0x101UL)

static void set_sentinels(struct smccc_regs *regs)
{
	for (unsigned int i = 0; i < SMCCC_REGS; i++)
		regs->x[i] = SENTINEL(i);
}

/* How many of x[first..last] were changed. */
static unsigned int changed(const struct smccc_regs *regs, unsigned int first, unsigned int last)
{
	unsigned int n = 0;

	for (unsigned int i = first; i <= last; i++)
		n += regs->x[i] != SENTINEL(i);
	return n;
}

static void check_unknown(uint32_t function)
{
	struct smccc_regs regs;

	set_sentinels(&regs);
	regs.x[0] = function;
	smccc_call(&regs);

	check_eq((uint64_t)smccc_result(function, regs.x[0]), (uint64_t)SMCCC_NOT_SUPPORTED,
		 "0x%x: NOT_SUPPORTED", function);
	check_eq(changed(&regs, 4, 17), 0, "0x%x: x4..x17 kept", function);
	if (changed(&regs, 1, 3))
		note("0x%x: x1..x3 changed, as a result may", function);
}

/* An immediate other than zero is reserved (DEN0028, "SMC and HVC immediate value"): refused one
 * way or the other. */
static void check_immediate(void)
{
	struct smccc_regs regs;

	set_sentinels(&regs);
	regs.x[0] = SMCCC_VERSION;
	exception_catch();
	smccc_call_imm1(&regs);

	struct exception refused = exception_caught();

	if (refused.count) {
		note("immediate 1: exception, esr 0x%lx", refused.esr);
		check_eq(ESR_EC(refused.esr), EC_UNKNOWN, "immediate 1: UNDEFINED");
	} else {
		note("immediate 1: x0 = 0x%lx", regs.x[0]);
		check(true, "immediate 1: the guest lives");
	}
	check_eq(changed(&regs, 4, 17), 0, "immediate 1: x4..x17 kept");
}

void guest_main(void)
{
	static const uint32_t unknown[] = {
		0x00000000,			    /* yielding call */
		0x8000ffff, 0xc000ffff,		    /* Arm architecture */
		0x8100ff00,			    /* CPU service */
		0x8200fffe, 0xc200fffe, 0xc200ffff, /* SiP */
		0x8300fffe,			    /* OEM */
		0x8400ffff, 0xc400ffff,		    /* standard secure: beyond PSCI */
		0x8500fffe, 0xc500fffe,		    /* standard hypervisor */
		0xc6000001, 0xc600fffe, /* vendor hypervisor: KVM_FEATURES' neighbourhood, but
					   64-bit */
		0xbf00fffe, 0xf200fffe, /* trusted OS */
	};
	struct smccc_regs regs = { .x = { SMCCC_VERSION } };

	exception_catch();
	smccc_call(&regs);

	struct exception refused = exception_caught();

	if (!check_eq(refused.count ? refused.esr : 0, 0, "conduit: no exception"))
		return;
	for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		check_unknown(unknown[i]);
	check_immediate();
}
