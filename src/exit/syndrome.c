/* SPDX-License-Identifier: Apache-2.0 */
/* ESR_ELx to fields and words (Arm DDI0487 D24.2.39, ESR_EL2). */
#include "exit/syndrome.h"

#include "base/util.h"
#include "text.h"

#define ESR_EC_COUNT  0x40u
#define ESR_FSC_COUNT 0x40u

/* ISS of a data abort, with those of an instruction abort a part of it. */
#define ISS_ISV	  BIT(24)
#define ISS_SSE	  BIT(21)
#define ISS_SF	  BIT(15)
#define ISS_AR	  BIT(14)
#define ISS_FNV	  BIT(10)
#define ISS_CM	  BIT(8)
#define ISS_S1PTW BIT(7)
#define ISS_WNR	  BIT(6)

#define ISS_SYSREG_READ BIT(0)

static unsigned int iss(uint64_t esr)
{
	return (unsigned int)esr & (BIT(25) - 1);
}

/* Bits @high to @low of the ISS. */
static uint8_t iss_field(uint64_t esr, unsigned int high, unsigned int low)
{
	return (uint8_t)((esr >> low) & (BIT(high - low + 1) - 1));
}

struct esr_data_abort esr_data_abort(uint64_t esr)
{
	return (struct esr_data_abort){
		.valid = esr & ISS_ISV,
		.len = (uint8_t)(1u << iss_field(esr, 23, 22)),
		.sign_extend = esr & ISS_SSE,
		.reg = iss_field(esr, 20, 16),
		.is_64bit = esr & ISS_SF,
		.acquire = esr & ISS_AR,
		.is_write = esr & ISS_WNR,
		.far_invalid = esr & ISS_FNV,
		.cache_op = esr & ISS_CM,
		.stage1_walk = esr & ISS_S1PTW,
		.fault = iss_field(esr, 5, 0),
	};
}

struct esr_sysreg esr_sysreg(uint64_t esr)
{
	return (struct esr_sysreg){
		.op0 = iss_field(esr, 21, 20),
		.op2 = iss_field(esr, 19, 17),
		.op1 = iss_field(esr, 16, 14),
		.crn = iss_field(esr, 13, 10),
		.reg = iss_field(esr, 9, 5),
		.crm = iss_field(esr, 4, 1),
		.is_write = !(esr & ISS_SYSREG_READ),
	};
}

/* DFSC and IFSC, ISS bits 5:0: Arm DDI0487 D24.2.39, "Data Fault Status Code". */
static const char *const fault_names[ESR_FSC_COUNT] = {
	[0x00] = "address size fault level 0",
	[0x01] = "address size fault level 1",
	[0x02] = "address size fault level 2",
	[0x03] = "address size fault level 3",
	[0x04] = "translation fault level 0",
	[0x05] = "translation fault level 1",
	[0x06] = "translation fault level 2",
	[0x07] = "translation fault level 3",
	[0x08] = "access flag fault level 0",
	[0x09] = "access flag fault level 1",
	[0x0a] = "access flag fault level 2",
	[0x0b] = "access flag fault level 3",
	[0x0c] = "permission fault level 0",
	[0x0d] = "permission fault level 1",
	[0x0e] = "permission fault level 2",
	[0x0f] = "permission fault level 3",
	[0x10] = "synchronous external abort",
	[0x11] = "synchronous tag check fault",
	[0x12] = "synchronous external abort on a table walk level -2",
	[0x13] = "synchronous external abort on a table walk level -1",
	[0x14] = "synchronous external abort on a table walk level 0",
	[0x15] = "synchronous external abort on a table walk level 1",
	[0x16] = "synchronous external abort on a table walk level 2",
	[0x17] = "synchronous external abort on a table walk level 3",
	[0x18] = "synchronous parity or ECC error",
	[0x1b] = "synchronous parity or ECC error on a table walk level -1",
	[0x1c] = "synchronous parity or ECC error on a table walk level 0",
	[0x1d] = "synchronous parity or ECC error on a table walk level 1",
	[0x1e] = "synchronous parity or ECC error on a table walk level 2",
	[0x1f] = "synchronous parity or ECC error on a table walk level 3",
	[0x21] = "alignment fault",
	[0x22] = "granule protection fault on a table walk level -2",
	[0x23] = "granule protection fault on a table walk level -1",
	[0x24] = "granule protection fault on a table walk level 0",
	[0x25] = "granule protection fault on a table walk level 1",
	[0x26] = "granule protection fault on a table walk level 2",
	[0x27] = "granule protection fault on a table walk level 3",
	[0x28] = "granule protection fault",
	[0x29] = "address size fault level -1",
	[0x2a] = "translation fault level -2",
	[0x2b] = "translation fault level -1",
	[0x2c] = "address size fault level -2",
	[0x30] = "TLB conflict abort",
	[0x31] = "unsupported atomic hardware update fault",
	[0x34] = "implementation defined fault (lockdown)",
	[0x35] = "implementation defined fault (unsupported exclusive or atomic access)",
};

const char *esr_fault_name(unsigned int fsc)
{
	const char *name = fsc < ESR_FSC_COUNT ? fault_names[fsc] : NULL;

	return name ? name : "reserved fault status";
}

/* A general register as an instruction names it: 31 is the zero register. */
static void text_add_reg(struct text *text, bool is_64bit, unsigned int reg)
{
	char width = is_64bit ? 'X' : 'W';

	if (reg == 31)
		text_add(text, "%cZR", width);
	else
		text_add(text, "%c%u", width, reg);
}

static void describe_access(const struct esr_data_abort *abort, struct text *text)
{
	if (abort->cache_op) {
		text_add(text, ", cache maintenance or address translation");
		return;
	}
	text_add(text, abort->is_write ? ", write" : ", read");
	if (!abort->valid) {
		text_add(text, " (no instruction syndrome)");
		return;
	}
	text_add(text, " of %u byte%s %s ", abort->len, abort->len == 1 ? "" : "s",
		 abort->is_write ? "from" : "into");
	text_add_reg(text, abort->is_64bit, abort->reg);
	if (abort->sign_extend)
		text_add(text, ", sign extended");
	if (abort->acquire)
		text_add(text, abort->is_write ? ", release" : ", acquire");
}

static void describe_data_abort(uint64_t esr, struct text *text)
{
	const struct esr_data_abort abort = esr_data_abort(esr);

	text_add(text, ", %s", esr_fault_name(abort.fault));
	if (abort.stage1_walk)
		text_add(text, " of a stage 1 table walk");
	describe_access(&abort, text);
	if (abort.far_invalid)
		text_add(text, ", FAR not valid");
}

static void describe_instruction_abort(uint64_t esr, struct text *text)
{
	text_add(text, ", %s", esr_fault_name(iss_field(esr, 5, 0)));
	if (esr & ISS_S1PTW)
		text_add(text, " of a stage 1 table walk");
	if (esr & ISS_FNV)
		text_add(text, ", FAR not valid");
}

static void describe_sysreg(uint64_t esr, struct text *text)
{
	const struct esr_sysreg reg = esr_sysreg(esr);

	text_add(text, reg.is_write ? ", write of " : ", read of ");
	text_add_sysreg(text, &reg);
	text_add(text, reg.is_write ? " from " : " into ");
	text_add_reg(text, true, reg.reg);
}

/* HVC, SMC, SVC and BRK carry the instruction's 16-bit immediate. */
static void describe_immediate(uint64_t esr, struct text *text)
{
	text_add(text, ", immediate 0x%x", iss(esr) & 0xffff);
}

static void describe_wait(uint64_t esr, struct text *text)
{
	static const char *const names[] = { "WFI", "WFE", "WFIT", "WFET" };

	text_add(text, ", %s", names[iss_field(esr, 1, 0)]);
}

static void describe_watchpoint(uint64_t esr, struct text *text)
{
	text_add(text, esr & ISS_WNR ? ", write" : ", read");
}

static void describe_iss(uint64_t esr, struct text *text)
{
	text_add(text, ", ISS 0x%x", iss(esr));
}

/* Arm DDI0487 D24.2.39, "EC, bits [31:26]"; @describe says what the ISS adds. */
static const struct esr_class {
	const char *name;
	void (*describe)(uint64_t esr, struct text *text);
} classes[ESR_EC_COUNT] = {
	[ESR_EC_UNKNOWN] = { "unknown reason", NULL },
	[ESR_EC_WFX] = { "trapped wait", describe_wait },
	[0x03] = { "trapped MCR or MRC, coprocessor 15", describe_iss },
	[0x04] = { "trapped MCRR or MRRC, coprocessor 15", describe_iss },
	[0x05] = { "trapped MCR or MRC, coprocessor 14", describe_iss },
	[0x06] = { "trapped LDC or STC", describe_iss },
	[ESR_EC_FP_ASIMD] = { "trapped SME, SVE, SIMD or floating point", describe_iss },
	[0x08] = { "trapped VMRS", describe_iss },
	[0x09] = { "trapped pointer authentication", NULL },
	[0x0a] = { "trapped instruction without a class of its own", describe_iss },
	[0x0c] = { "trapped MRRC, coprocessor 14", describe_iss },
	[0x0d] = { "branch target exception", describe_iss },
	[ESR_EC_ILLEGAL_STATE] = { "illegal execution state", NULL },
	[0x11] = { "SVC in AArch32 state", describe_immediate },
	[0x12] = { "HVC in AArch32 state", describe_immediate },
	[0x13] = { "SMC in AArch32 state", describe_iss },
	[0x14] = { "trapped MSRR, MRRS or 128-bit system instruction", describe_iss },
	[ESR_EC_SVC64] = { "SVC", describe_immediate },
	[ESR_EC_HVC64] = { "HVC", describe_immediate },
	[ESR_EC_SMC64] = { "SMC", describe_immediate },
	[ESR_EC_SYSREG] = { "trapped MSR, MRS or system instruction", describe_sysreg },
	[ESR_EC_SVE] = { "trapped SVE", NULL },
	[0x1a] = { "trapped ERET", describe_iss },
	[0x1b] = { "TSTART", describe_iss },
	[0x1c] = { "pointer authentication failure", describe_iss },
	[0x1d] = { "trapped SME", describe_iss },
	[0x1e] = { "granule protection check", describe_iss },
	[0x1f] = { "implementation defined exception to EL3", describe_iss },
	[ESR_EC_IABT_LOWER] = { "instruction abort from a lower level",
				describe_instruction_abort },
	[ESR_EC_IABT_CURRENT] = { "instruction abort from the same level",
				  describe_instruction_abort },
	[ESR_EC_PC_ALIGN] = { "PC alignment fault", NULL },
	[ESR_EC_DABT_LOWER] = { "data abort from a lower level", describe_data_abort },
	[ESR_EC_DABT_CURRENT] = { "data abort from the same level", describe_data_abort },
	[ESR_EC_SP_ALIGN] = { "SP alignment fault", NULL },
	[0x27] = { "memory copy or set exception", describe_iss },
	[0x28] = { "trapped floating point exception in AArch32 state", describe_iss },
	[0x2c] = { "trapped floating point exception", describe_iss },
	[0x2d] = { "guarded control stack exception", describe_iss },
	[ESR_EC_SERROR] = { "SError", describe_iss },
	[ESR_EC_BREAKPOINT_LOWER] = { "breakpoint from a lower level", NULL },
	[0x31] = { "breakpoint from the same level", NULL },
	[ESR_EC_STEP_LOWER] = { "software step from a lower level", NULL },
	[0x33] = { "software step from the same level", NULL },
	[ESR_EC_WATCHPOINT_LOWER] = { "watchpoint from a lower level", describe_watchpoint },
	[0x35] = { "watchpoint from the same level", describe_watchpoint },
	[0x38] = { "BKPT in AArch32 state", describe_immediate },
	[0x3a] = { "vector catch in AArch32 state", NULL },
	[ESR_EC_BRK64] = { "BRK", describe_immediate },
	[0x3d] = { "profiling exception", describe_iss },
};

const char *esr_ec_name(unsigned int ec)
{
	const char *name = ec < ESR_EC_COUNT ? classes[ec].name : NULL;

	return name ? name : "reserved exception class";
}

void esr_describe(uint64_t esr, char *buf, size_t size)
{
	unsigned int ec = esr_ec(esr);
	struct text text = { .buf = buf, .size = size };

	if (!size)
		return;
	text_add(&text, "%s", esr_ec_name(ec));
	if (classes[ec].describe)
		classes[ec].describe(esr, &text);
	else if (!classes[ec].name)
		text_add(&text, " 0x%02x, ISS 0x%x", ec, iss(esr));
}
