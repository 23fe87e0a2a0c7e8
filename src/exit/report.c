/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an exit that ends a vCPU: what it was, the registers, the code. */
#include "exit/dispatch.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "exit/syndrome.h"
#include "stage1.h"
#include "text.h"

#define LINE_SIZE     256
#define REGS_PER_LINE 4

/* Bytes of code in a report, before PC and from there on. */
#define CODE_BEFORE 16
#define CODE_BEHIND 16

static void describe_mmio(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": %s of %u bytes at 0x%" PRIx64, exit->mmio.is_write ? "write" : "read",
		 exit->mmio.len, exit->mmio.addr);
	if (exit->mmio.is_write)
		text_add(text, ", value 0x%" PRIx64, exit->mmio.data);
}

static void describe_smccc(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": %s, function 0x%08x", exit->smccc.is_smc ? "SMC" : "HVC",
		 exit->smccc.fid);
}

static void describe_system(const struct vcpu_exit *exit, struct text *text)
{
	static const char *const names[] = {
		[VCPU_SYSTEM_OFF] = "off",	   [VCPU_SYSTEM_RESET] = "reset",
		[VCPU_SYSTEM_RESET2] = "reset2",   [VCPU_SYSTEM_CRASH] = "crash",
		[VCPU_SYSTEM_SUSPEND] = "suspend", [VCPU_SYSTEM_SERROR] = "SError",
		[VCPU_SYSTEM_OTHER] = "other",
	};
	unsigned int event = exit->system.event;

	text_add(text, ": %s (%u), data 0x%" PRIx64 " 0x%" PRIx64,
		 event < ARRAY_SIZE(names) ? names[event] : "other", exit->system.raw,
		 exit->system.data[0], exit->system.data[1]);
}

static void text_add_esr(struct text *text, uint64_t esr)
{
	char words[LINE_SIZE];

	esr_describe(esr, words, sizeof(words));
	text_add(text, "ESR 0x%" PRIx64 ", %s", esr, words);
}

static void describe_debug(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": ");
	text_add_esr(text, exit->debug.esr);
	text_add(text, ", FAR 0x%" PRIx64, exit->debug.far);
}

static void describe_fault(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text,
		 ": the host cannot provide memory at 0x%" PRIx64 ", 0x%" PRIx64
		 " bytes, flags 0x%" PRIx64,
		 exit->fault.gpa, exit->fault.size, exit->fault.flags);
}

static void describe_nisv(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": access at 0x%" PRIx64 ", ISS 0x%" PRIx64, exit->nisv.gpa, exit->nisv.esr);
}

static void describe_sysreg(const struct vcpu_exit *exit, struct text *text)
{
	const struct vcpu_sysreg *trapped = &exit->sysreg;
	const struct esr_sysreg reg = {
		.op0 = trapped->op0,
		.op1 = trapped->op1,
		.crn = trapped->crn,
		.crm = trapped->crm,
		.op2 = trapped->op2,
	};

	text_add(text, trapped->is_write ? ": write of " : ": read of ");
	text_add_sysreg(text, &reg);
}

static void describe_failed_entry(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": reason 0x%" PRIx64 " on host CPU %u", exit->failed.reason,
		 exit->failed.cpu);
}

static void describe_internal(const struct vcpu_exit *exit, struct text *text)
{
	uint32_t i;

	text_add(text, ": suberror %u", exit->internal.suberror);
	for (i = 0; i < exit->internal.ndata && i < ARRAY_SIZE(exit->internal.data); i++)
		text_add(text, "%s 0x%" PRIx64, i ? "" : ", data", exit->internal.data[i]);
}

static void describe_unknown(const struct vcpu_exit *exit, struct text *text)
{
	text_add(text, ": reason %u", exit->unknown.reason);
}

static void (*const describe[VCPU_EXIT_KINDS])(const struct vcpu_exit *exit, struct text *text) = {
	[VCPU_EXIT_MMIO] = describe_mmio,
	[VCPU_EXIT_SMCCC] = describe_smccc,
	[VCPU_EXIT_SYSTEM_EVENT] = describe_system,
	[VCPU_EXIT_DEBUG] = describe_debug,
	[VCPU_EXIT_FAULT] = describe_fault,
	[VCPU_EXIT_NISV] = describe_nisv,
	[VCPU_EXIT_SYSREG] = describe_sysreg,
	[VCPU_EXIT_FAILED_ENTRY] = describe_failed_entry,
	[VCPU_EXIT_INTERNAL_ERROR] = describe_internal,
	[VCPU_EXIT_UNKNOWN] = describe_unknown,
};

static void report_kind(unsigned int vcpu, const struct vcpu_exit *exit)
{
	unsigned int kind = exit->kind;
	char line[LINE_SIZE];
	struct text text = { .buf = line, .size = sizeof(line) };

	text_add(&text, "%s", exit_kind_name(exit->kind));
	if (kind >= VCPU_EXIT_KINDS)
		text_add(&text, ": kind %u", kind);
	else if (describe[kind])
		describe[kind](exit, &text);
	log_error("vCPU %u stops: %s", vcpu, line);
}

struct named_reg {
	const char *name;
	uint64_t val;
};

/* One line for each REGS_PER_LINE registers. */
static void report_regs(const struct named_reg *regs, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i += REGS_PER_LINE) {
		char line[LINE_SIZE];
		struct text text = { .buf = line, .size = sizeof(line) };
		unsigned int n;

		for (n = i; n < count && n < i + REGS_PER_LINE; n++)
			text_add(&text, "%s%-9s %016" PRIx64, n > i ? "  " : "", regs[n].name,
				 regs[n].val);
		log_error("  %s", line);
	}
}

static void report_general(const struct vcpu_regs *regs)
{
	static const char *const names[ARRAY_SIZE(regs->x)] = {
		"X0",  "X1",  "X2",  "X3",  "X4",  "X5",  "X6",	 "X7",	"X8",  "X9",  "X10",
		"X11", "X12", "X13", "X14", "X15", "X16", "X17", "X18", "X19", "X20", "X21",
		"X22", "X23", "X24", "X25", "X26", "X27", "X28", "X29", "X30",
	};
	struct named_reg general[ARRAY_SIZE(names)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		general[i] = (struct named_reg){ names[i], regs->x[i] };
	report_regs(general, ARRAY_SIZE(general));
}

static void report_system(const struct vcpu_regs *regs)
{
	const struct named_reg system[] = {
		{ "PC", regs->pc },
		{ "PSTATE", regs->pstate },
		{ "SP_EL0", regs->sp },
		{ "SP_EL1", regs->sp_el1 },
		{ "ELR_EL1", regs->elr_el1 },
		{ "SPSR_EL1", regs->spsr_el1 },
		{ "ESR_EL1", regs->esr_el1 },
		{ "FAR_EL1", regs->far_el1 },
		{ "SCTLR_EL1", regs->sctlr_el1 },
		{ "TCR_EL1", regs->tcr_el1 },
		{ "TTBR0_EL1", regs->ttbr0_el1 },
		{ "TTBR1_EL1", regs->ttbr1_el1 },
		{ "MAIR_EL1", regs->mair_el1 },
		{ "VBAR_EL1", regs->vbar_el1 },
		{ "MPIDR_EL1", regs->mpidr_el1 },
	};

	report_regs(system, ARRAY_SIZE(system));
}

/*
 * The instructions around PC, that at PC in brackets; dashes for those that are not mapped, or not
 * in guest memory. The guest may be in a state whose addresses are not served: then all are.
 */
static void report_code(const struct exit_env *env)
{
	struct vcpu_context at;
	char line[LINE_SIZE];
	struct text text = { .buf = line, .size = sizeof(line) };
	uint64_t pc;

	if (env->ops->vcpu_get_context(env->backend, &at) < 0)
		return;
	pc = at.pc;
	for (at.pc = pc - CODE_BEFORE; at.pc != pc + CODE_BEHIND; at.pc += 4) {
		const char *format = at.pc == pc ? " [%08x]" : " %08x";
		uint32_t insn;

		if (stage1_fetch(env->mem, &at, &insn) == 0)
			text_add(&text, format, insn);
		else
			text_add(&text, at.pc == pc ? " [--------]" : " --------");
	}
	log_error("  code around PC:%s", line);
}

void exit_report(const struct exit_env *env, const struct vcpu_exit *exit)
{
	char words[LINE_SIZE];
	struct vcpu_regs regs;
	int err;

	report_kind(env->vcpu, exit);
	err = env->ops->vcpu_get_regs(env->backend, &regs);
	if (err) {
		log_error("  registers cannot be read: %s", strerror(-err));
		return;
	}
	report_general(&regs);
	report_system(&regs);
	esr_describe(regs.esr_el1, words, sizeof(words));
	log_error("  the guest's latest exception (ESR_EL1): %s", words);
	report_code(env);
}
