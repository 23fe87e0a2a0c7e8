/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an exit: what a reader of the log finds. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "fixture.h"

static char *report(const struct vcpu_exit *exit)
{
	capture_start();
	exit_report(&fixture.env, exit);
	return capture_stop();
}

static void expect_line(const struct vcpu_exit *exit, const char *words)
{
	char *log = report(exit);

	cr_assert_not_null(strstr(log, words), "no \"%s\" in:\n%s", words, log);
	free(log);
}

TestSuite(report, .init = fixture_init, .fini = fixture_fini);

Test(report, names_the_vcpu_and_the_exit)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN, .unknown = { .reason = 9 } };

	fixture.env.vcpu = 7;
	expect_line(&exit, "vCPU 7 stops: unknown: reason 9\n");
}

Test(report, shows_every_general_register_four_a_line)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_WFI };
	struct vcpu_regs regs = { 0 };
	unsigned int i;
	char *log;

	for (i = 0; i < 31; i++)
		regs.x[i] = 0xc0de0000 + i;
	sim_set_regs(0, &regs);
	log = report(&exit);
	for (i = 0; i < 31; i++) {
		char want[64], *at, *next;

		snprintf(want, sizeof(want), "X%-8u 00000000c0de00%02x", i, i);
		at = strstr(log, want);
		cr_assert_not_null(at, "no \"%s\" in:\n%s", want, log);
		next = at + strlen(want);
		cr_assert_eq(*next == '\n', i % 4 == 3 || i == 30, "X%u in:\n%s", i, log);
	}
	free(log);
}

Test(report, shows_the_system_registers)
{
	static const char *const names[] = {
		"PC        0000000000000001", "PSTATE    0000000000000002",
		"SP_EL0    0000000000000003", "SP_EL1    0000000000000004",
		"ELR_EL1   0000000000000005", "SPSR_EL1  0000000000000006",
		"SCTLR_EL1 0000000000000007", "TCR_EL1   0000000000000008",
		"TTBR0_EL1 0000000000000009", "TTBR1_EL1 000000000000000a",
		"MAIR_EL1  000000000000000b", "ESR_EL1   000000000000000c",
		"FAR_EL1   000000000000000d", "VBAR_EL1  000000000000000e",
		"MPIDR_EL1 000000000000000f",
	};
	struct vcpu_regs regs = {
		.pc = 1,
		.pstate = 2,
		.sp = 3,
		.sp_el1 = 4,
		.elr_el1 = 5,
		.spsr_el1 = 6,
		.sctlr_el1 = 7,
		.tcr_el1 = 8,
		.ttbr0_el1 = 9,
		.ttbr1_el1 = 10,
		.mair_el1 = 11,
		.esr_el1 = 12,
		.far_el1 = 13,
		.vbar_el1 = 14,
		.mpidr_el1 = 15,
	};
	struct vcpu_exit exit = { .kind = VCPU_EXIT_WFI };
	unsigned int i;

	sim_set_regs(0, &regs);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_line(&exit, names[i]);
}

Test(report, decodes_the_latest_exception)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_WFI };
	struct vcpu_regs regs = { .esr_el1 = 0x96000045 };

	sim_set_regs(0, &regs);
	expect_line(&exit, "data abort from the same level, translation fault level 1, write");
}

Test(report, says_so_where_registers_cannot_be_read)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN };
	char *log;

	sim_fail(SIM_VCPU_GET_REGS, 1, EIO);
	log = report(&exit);
	cr_assert_not_null(strstr(log, "vCPU 0 stops: unknown"));
	cr_assert_not_null(strstr(log, strerror(EIO)));
	cr_assert_null(strstr(log, "X30"));
	free(log);
}

Test(report, describes_mmio)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_MMIO,
		.mmio = { .addr = 0x1234, .len = 4, .is_write = true, .data = 0x77 },
	};

	expect_line(&exit, "mmio: write of 4 bytes at 0x1234, value 0x77\n");
}

Test(report, describes_a_call)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_SMCCC,
		.smccc = { .fid = 0x84000003, .is_smc = true },
	};

	expect_line(&exit, "smccc: SMC, function 0x84000003\n");
}

Test(report, describes_a_system_register)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_SYSREG,
		.sysreg = { .op0 = 2, .op1 = 0, .crn = 1, .crm = 3, .op2 = 4, .is_write = true },
	};

	expect_line(&exit, "sysreg: write of OSDLR_EL1 (S2_0_C1_C3_4)\n");
}

/* Registers with PC at @pc and stage 1 off. */
static void set_pc(uint64_t pc)
{
	struct vcpu_regs regs = { .pc = pc };

	sim_set_regs(0, &regs);
}

Test(report, shows_the_code_around_pc)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN };

	for (uint32_t i = 0; i < 16; i++)
		gmem_write32(&fixture.mem, FIXTURE_RAM + 4 * i, 0xd5030000 + i);
	set_pc(FIXTURE_RAM + 20);
	expect_line(&exit, "code around PC: d5030001 d5030002 d5030003 d5030004 [d5030005] "
			   "d5030006 d5030007 d5030008\n");
}

Test(report, shows_what_code_there_is)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN };

	gmem_write32(&fixture.mem, FIXTURE_RAM, 0xd503201f);
	set_pc(FIXTURE_RAM);
	expect_line(&exit, "PC: -------- -------- -------- -------- [d503201f] 00000000 00000000");
	set_pc(0x1234);
	expect_line(&exit, "PC: -------- -------- -------- -------- [--------] -------- --------");
	set_pc(UINT64_MAX - 3);
	expect_line(&exit, "[--------] -------- -------- --------\n");
	set_pc(FIXTURE_RAM + 2);
	expect_line(&exit, "[--------]");
}

Test(report, says_nothing_of_code_where_the_host_does_not)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN };
	char *log;

	sim_fail(SIM_VCPU_GET_CONTEXT, 1, EIO);
	log = report(&exit);
	cr_assert_not_null(strstr(log, "X30"));
	cr_assert_null(strstr(log, "code"));
	free(log);
}
