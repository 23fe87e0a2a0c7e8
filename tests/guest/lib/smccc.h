/* SPDX-License-Identifier: Apache-2.0 */
/* Calls by the SMC Calling Convention (Arm DEN0028). */
#ifndef GUEST_SMCCC_H
#define GUEST_SMCCC_H

#include <stdint.h>

/* x0..x17: the registers that a call may pass arguments in, and that SMCCC 1.1 keeps but for
 * x0..x3. */
#define SMCCC_REGS 18

struct smccc_regs {
	uint64_t x[SMCCC_REGS];
};

/* Each executes one instruction with regs->x in x0..x17 and stores back what is in them afterwards.
 */
void smccc_hvc(struct smccc_regs *regs);
void smccc_smc(struct smccc_regs *regs);
void smccc_hvc_imm1(struct smccc_regs *regs); /* immediate 1: reserved (DEN0028) */
void smccc_smc_imm1(struct smccc_regs *regs);

/* In a test that is built once a conduit, with CONDUIT defined as hvc or smc: the call by that one.
 */
#ifdef CONDUIT
#define SMCCC_NAME_(a, b, c) a##b##c
#define SMCCC_NAME(a, b, c)  SMCCC_NAME_(a, b, c)
#define smccc_call	     SMCCC_NAME(smccc_, CONDUIT, )
#define smccc_call_imm1	     SMCCC_NAME(smccc_, CONDUIT, _imm1)
#endif

/* Function identifiers: bit 31 fast call, bit 30 SMC64/HVC64. */
#define SMCCC_64BIT	    0x40000000U
#define SMCCC_VERSION	    0x80000000U
#define SMCCC_ARCH_FEATURES 0x80000001U

#define SMCCC_NOT_SUPPORTED (-1)

/* A result as the convention defines it: W0 for a 32-bit call (the upper half is undefined), X0 for
 * a 64-bit one. */
static inline int64_t smccc_result(uint32_t function, uint64_t x0)
{
	return function & SMCCC_64BIT ? (int64_t)x0 : (int32_t)x0;
}

#endif
