/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exception syndrome decode: ESR_ELx to fields and words (Arm DDI0487 D24.2.39, ESR_EL2).
 * Pure functions, any thread.
 */
#ifndef ARCVISOR_EXIT_SYNDROME_H
#define ARCVISOR_EXIT_SYNDROME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exception classes, ESR bits 31:26. */
enum esr_ec {
	ESR_EC_UNKNOWN = 0x00,
	ESR_EC_WFX = 0x01,
	ESR_EC_FP_ASIMD = 0x07,
	ESR_EC_ILLEGAL_STATE = 0x0e,
	ESR_EC_SVC64 = 0x15,
	ESR_EC_HVC64 = 0x16,
	ESR_EC_SMC64 = 0x17,
	ESR_EC_SYSREG = 0x18,
	ESR_EC_SVE = 0x19,
	ESR_EC_IABT_LOWER = 0x20,
	ESR_EC_IABT_CURRENT = 0x21,
	ESR_EC_PC_ALIGN = 0x22,
	ESR_EC_DABT_LOWER = 0x24,
	ESR_EC_DABT_CURRENT = 0x25,
	ESR_EC_SP_ALIGN = 0x26,
	ESR_EC_SERROR = 0x2f,
	ESR_EC_BREAKPOINT_LOWER = 0x30,
	ESR_EC_STEP_LOWER = 0x32,
	ESR_EC_WATCHPOINT_LOWER = 0x34,
	ESR_EC_BRK64 = 0x3c,
};

static inline unsigned int esr_ec(uint64_t esr)
{
	return (unsigned int)(esr >> 26) & 0x3f;
}

/* The fields of a data abort's ISS. */
struct esr_data_abort {
	bool valid;	  /* ISV: the fields from len to acquire mean something */
	uint8_t len;	  /* bytes accessed: 1, 2, 4, 8 */
	bool sign_extend; /* SSE */
	uint8_t reg;	  /* SRT; 31 is XZR */
	bool is_64bit;	  /* SF: the target is an X register */
	bool acquire;	  /* AR */
	bool is_write;	  /* WnR */
	bool far_invalid; /* FnV */
	bool cache_op;	  /* CM */
	bool stage1_walk; /* S1PTW */
	uint8_t fault;	  /* DFSC */
};

struct esr_data_abort esr_data_abort(uint64_t esr);

/* The fields of a trapped MSR or MRS. */
struct esr_sysreg {
	uint8_t op0, op1, crn, crm, op2;
	uint8_t reg; /* 31 is XZR */
	bool is_write;
};

struct esr_sysreg esr_sysreg(uint64_t esr);

/* "SCTLR_EL1"; for a trapped system instruction "DC ISW". NULL for one that has no name here. */
const char *sysreg_name(const struct esr_sysreg *reg);

/* Words for an exception class and for a data or instruction fault status code; never NULL. */
const char *esr_ec_name(unsigned int ec);
const char *esr_fault_name(unsigned int fsc);

/* Describes @esr in one line of at most @size bytes, always terminated. */
void esr_describe(uint64_t esr, char *buf, size_t size);

#endif
