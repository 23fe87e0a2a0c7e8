/* SPDX-License-Identifier: Apache-2.0 */
/* Syndromes as hardware writes them, to fields and words. */
#include "exit/syndrome.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(uint64_t esr, const char *want)
{
	char line[256];

	esr_describe(esr, line, sizeof(line));
	cr_expect_str_eq(line, want, "0x%lx: \"%s\", want \"%s\"", (unsigned long)esr, line, want);
}

Test(syndrome, data_abort_has_the_fields_of_a_store)
{
	/* STR W5, translation fault level 3. */
	struct esr_data_abort abort = esr_data_abort(0x93850047);

	cr_assert(abort.valid && abort.is_write);
	cr_assert_eq(abort.len, 4);
	cr_assert_eq(abort.reg, 5);
	cr_assert_eq(abort.fault, 7);
	cr_assert_not(abort.is_64bit || abort.sign_extend || abort.acquire);
	cr_assert_not(abort.far_invalid || abort.cache_op || abort.stage1_walk);
}

Test(syndrome, data_abort_has_every_width)
{
	cr_assert_eq(esr_data_abort(0x93000000).len, 1);
	cr_assert_eq(esr_data_abort(0x93400000).len, 2);
	cr_assert_eq(esr_data_abort(0x93800000).len, 4);
	cr_assert_eq(esr_data_abort(0x93c00000).len, 8);
}

Test(syndrome, data_abort_flags_are_each_a_bit_of_their_own)
{
	cr_assert(esr_data_abort(1u << 24).valid);
	cr_assert(esr_data_abort(1u << 21).sign_extend);
	cr_assert(esr_data_abort(1u << 15).is_64bit);
	cr_assert(esr_data_abort(1u << 14).acquire);
	cr_assert(esr_data_abort(1u << 10).far_invalid);
	cr_assert(esr_data_abort(1u << 8).cache_op);
	cr_assert(esr_data_abort(1u << 7).stage1_walk);
	cr_assert(esr_data_abort(1u << 6).is_write);
	cr_assert_eq(esr_data_abort(~(0x1full << 16)).reg, 0);
	cr_assert_eq(esr_data_abort(0x1full << 16).reg, 31);
}

Test(syndrome, sysreg_has_the_fields_of_an_access)
{
	/* MSR OSDLR_EL1 (S2_0_C1_C3_4), X7. */
	struct esr_sysreg reg = esr_sysreg(0x622804e6);

	cr_assert(reg.is_write);
	cr_assert_eq(reg.op0, 2);
	cr_assert_eq(reg.op1, 0);
	cr_assert_eq(reg.crn, 1);
	cr_assert_eq(reg.crm, 3);
	cr_assert_eq(reg.op2, 4);
	cr_assert_eq(reg.reg, 7);
	cr_assert_not(esr_sysreg(0x622804e7).is_write);

	/* MRS X1, CNTVCT_EL0 (S3_3_C14_C0_2). */
	reg = esr_sysreg(0x6234f821);
	cr_assert_eq(reg.op0, 3);
	cr_assert_eq(reg.op1, 3);
	cr_assert_eq(reg.crn, 14);
	cr_assert_eq(reg.crm, 0);
	cr_assert_eq(reg.op2, 2);
	cr_assert_eq(reg.reg, 1);
}

Test(syndrome, data_aborts_in_words)
{
	expect(0x93858047, "data abort from a lower level, translation fault level 3, "
			   "write of 4 bytes from X5");
	expect(0x93c08006, "data abort from a lower level, translation fault level 2, "
			   "read of 8 bytes into X0");
	expect(0x931f000f, "data abort from a lower level, permission fault level 3, "
			   "read of 1 byte into WZR");
	expect(0x93dfc046, "data abort from a lower level, translation fault level 2, "
			   "write of 8 bytes from XZR, release");
	expect(0x93a38004, "data abort from a lower level, translation fault level 0, "
			   "read of 4 bytes into X3, sign extended");
	expect(0x93424005, "data abort from a lower level, translation fault level 1, "
			   "read of 2 bytes into W2, acquire");
	expect(0x92000046, "data abort from a lower level, translation fault level 2, "
			   "write (no instruction syndrome)");
	expect(0x92000147, "data abort from a lower level, translation fault level 3, "
			   "cache maintenance or address translation");
	expect(0x92000087, "data abort from a lower level, translation fault level 3 "
			   "of a stage 1 table walk, read (no instruction syndrome)");
	expect(0x96000410, "data abort from the same level, synchronous external abort, "
			   "read (no instruction syndrome), FAR not valid");
}

Test(syndrome, other_classes_in_words)
{
	expect(0x00000000, "unknown reason");
	expect(0x06000000, "trapped wait, WFI");
	expect(0x06000001, "trapped wait, WFE");
	expect(0x06000003, "trapped wait, WFET");
	expect(0x3a000000, "illegal execution state");
	expect(0x56000011, "SVC, immediate 0x11");
	expect(0x5a000000, "HVC, immediate 0x0");
	expect(0x5e00ffff, "SMC, immediate 0xffff");
	expect(0x622804e6, "trapped MSR, MRS or system instruction, "
			   "write of OSDLR_EL1 (S2_0_C1_C3_4) from X7");
	expect(0x622807e7, "trapped MSR, MRS or system instruction, "
			   "read of OSDLR_EL1 (S2_0_C1_C3_4) into XZR");
	expect(0x82000006, "instruction abort from a lower level, translation fault level 2");
	expect(0x8600048f, "instruction abort from the same level, permission fault level 3 of a "
			   "stage 1 table walk, FAR not valid");
	expect(0x8a000000, "PC alignment fault");
	expect(0xbf000011, "SError, ISS 0x1000011");
	expect(0xca000022, "software step from a lower level");
	expect(0xd2000062, "watchpoint from a lower level, write");
	expect(0xd2000022, "watchpoint from a lower level, read");
	expect(0xf2000001, "BRK, immediate 0x1");
}

Test(syndrome, reserved_class_is_shown_by_number)
{
	expect(0xfe000123, "reserved exception class 0x3f, ISS 0x123");
}

Test(syndrome, upper_half_of_the_register_changes_no_words)
{
	expect(0xffffffff5a000000, "HVC, immediate 0x0");
}

static void expect_named(const char *(*name)(unsigned int), uint64_t defined, const char *reserved)
{
	unsigned int a, b;

	for (a = 0; a < 64; a++) {
		bool is_reserved = !strcmp(name(a), reserved);

		cr_expect(is_reserved == !(defined >> a & 1), "0x%x: %s", a, name(a));
		for (b = 0; b < a && !is_reserved; b++)
			cr_expect_str_neq(name(a), name(b));
	}
	cr_expect_str_eq(name(64), reserved);
	cr_expect_str_eq(name(~0u), reserved);
}

Test(syndrome, every_defined_class_has_a_name_of_its_own)
{
	expect_named(esr_ec_name, 0x353fb1f7fffe77fbull, "reserved exception class");
}

Test(syndrome, every_defined_fault_has_a_name_of_its_own)
{
	expect_named(esr_fault_name, 0x00331ffef9ffffffull, "reserved fault status");
}

Test(syndrome, line_is_cut_to_the_buffer)
{
	char line[16];
	size_t size;

	for (size = 1; size <= sizeof(line); size++) {
		memset(line, '#', sizeof(line));
		esr_describe(0x93858047, line, size);
		cr_assert_eq(strlen(line), size - 1);
		cr_assert_eq(strncmp(line, "data abort from a", size - 1), 0);
	}
}

Test(syndrome, empty_buffer_is_left_alone)
{
	char line = '#';

	esr_describe(0x93858047, &line, 0);
	cr_assert_eq(line, '#');
}

/* The whole table stands against an assembler (check-sysregs); here, that look-ups find its ends.
 */
Test(syndrome, system_registers_have_names)
{
	const struct esr_sysreg first = { .op0 = 1, .crn = 7, .crm = 1 };
	const struct esr_sysreg middle = { .op0 = 3, .crn = 1 };
	const struct esr_sysreg last = { .op0 = 3, .op1 = 3, .crn = 14, .crm = 15, .op2 = 7 };
	const struct esr_sysreg none = { .op0 = 3, .op1 = 7, .crn = 15, .crm = 15, .op2 = 7 };

	cr_expect_str_eq(sysreg_name(&first), "IC IALLUIS");
	cr_expect_str_eq(sysreg_name(&middle), "SCTLR_EL1");
	cr_expect_str_eq(sysreg_name(&last), "PMCCFILTR_EL0");
	cr_expect_null(sysreg_name(&none));
	/* MRS X1, S3_7_C15_C15_7. */
	expect(0x623ffc3f,
	       "trapped MSR, MRS or system instruction, read of S3_7_C15_C15_7 into X1");
}
