/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug and identification registers that an operating system touches while it boots. Linux writes
 * OSDLR_EL1, OSLAR_EL1 and MDSCR_EL1 on every CPU before it has a console: a VMM that stops there
 * says nothing.
 */
#include "check.h"
#include "cpu.h"
#include "exception.h"

#define CHECK_READ(name, encoding)                                              \
	do {                                                                    \
		uint64_t value = 0;                                             \
		exception_catch();                                              \
		value = read_sysreg(encoding);                                  \
		struct exception refused = exception_caught();                  \
		if (check_eq(refused.count ? refused.esr : 0, 0, "read " name)) \
			note(name " 0x%lx", value);                             \
	} while (0)

#define CHECK_WRITE(name, encoding, value)                                               \
	do {                                                                             \
		exception_catch();                                                       \
		write_sysreg(encoding, value);                                           \
		isb();                                                                   \
		struct exception refused = exception_caught();                           \
		check_eq(refused.count ? refused.esr : 0, 0, "write " name ", " #value); \
	} while (0)

/* CRm of the identification space op0 = 3, op1 = 0, CRn = 0; unallocated encodings in it read as
 * zero. */
#define FIRST_ID_CRM 1
#define ID_CRMS	     7
#define ID_OP2S	     8

static void check_id_space(void)
{
	uint64_t ids[ID_CRMS * ID_OP2S];
	uint64_t *next = ids;

	exception_catch();
	asm volatile(".irp crm, 1, 2, 3, 4, 5, 6, 7\n\t"
		     ".irp op2, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
		     "mrs x1, S3_0_C0_C\\crm\\()_\\op2\n\t"
		     "str x1, [%0], #8\n\t"
		     ".endr\n\t"
		     ".endr"
		     : "+&r"(next)
		     :
		     : "x1", "memory");

	struct exception refused = exception_caught();

	check_eq(refused.count ? refused.esr : 0, 0, "ID registers: all 56 encodings read");
	for (unsigned int i = 0; i < ID_CRMS * ID_OP2S; i++)
		if (ids[i])
			note("S3_0_C0_C%u_%u 0x%lx", FIRST_ID_CRM + i / ID_OP2S, i % ID_OP2S,
			     ids[i]);
}

void guest_main(void)
{
	CHECK_WRITE("OSDLR_EL1", S2_0_C1_C3_4, 1);
	CHECK_WRITE("OSDLR_EL1", S2_0_C1_C3_4, 0);
	CHECK_WRITE("OSLAR_EL1", S2_0_C1_C0_4, 0);
	CHECK_WRITE("MDSCR_EL1", S2_0_C0_C2_2, 0);
	CHECK_WRITE("DBGBCR0_EL1", S2_0_C0_C0_5, 0);
	CHECK_WRITE("DBGBVR0_EL1", S2_0_C0_C0_4, 0);
	CHECK_WRITE("DBGWCR0_EL1", S2_0_C0_C0_7, 0);
	CHECK_READ("OSLSR_EL1", S2_0_C1_C1_4);
	CHECK_READ("MDSCR_EL1", S2_0_C0_C2_2);
	CHECK_READ("DBGBCR0_EL1", S2_0_C0_C0_5);
	CHECK_READ("DBGBVR0_EL1", S2_0_C0_C0_4);
	CHECK_READ("MIDR_EL1", midr_el1);
	CHECK_READ("REVIDR_EL1", revidr_el1);
	CHECK_READ("CTR_EL0", ctr_el0);
	CHECK_READ("CLIDR_EL1", clidr_el1);
	check_id_space();
}
