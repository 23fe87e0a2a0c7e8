/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions at EL1. An interrupt goes to the handler of gic.h. A synchronous exception inside
 * exception_catch() .. exception_caught() is recorded and resumes after the instruction that took
 * it; any other one ends the test.
 */
#ifndef GUEST_EXCEPTION_H
#define GUEST_EXCEPTION_H

#include <stdint.h>

/* ESR_ELx.EC (Arm DDI0487). */
#define ESR_EC(esr)    ((unsigned int)((esr) >> 26) & 0x3f)
#define EC_UNKNOWN     0x00 /* UNDEFINED instruction */
#define EC_IABT_CUR_EL 0x21 /* instruction abort, same exception level */
#define EC_DABT_CUR_EL 0x25 /* data abort, same exception level */

/* ISS.DFSC and ISS.IFSC of an abort. */
#define ESR_FSC(esr) ((unsigned int)(esr)&0x3f)
#define FSC_EXTERNAL 0x10 /* synchronous external abort, not on a table walk */

struct exception {
	unsigned int count; /* taken since exception_catch(); the rest describes the last one */
	uint64_t esr, far, elr;
};

/* Both act on the calling CPU only and do not nest. */
void exception_catch(void);
struct exception exception_caught(void);

#endif
