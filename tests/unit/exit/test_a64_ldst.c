/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder of loads and stores, against the assembler. */
#include "exit/a64_ldst.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "a64_table.h"
#include "base/util.h"

/* @ldst in the words of a64_table.h. */
static void render(const struct a64_ldst *ldst, char *buf, size_t size)
{
	static const char *const writeback[] = { "", " pre", " post" };
	char width = ldst->is_64bit ? 'x' : 'w';
	char second[8] = "";

	if (ldst->pair)
		snprintf(second, sizeof(second), " %c%u", width, ldst->rt2);
	snprintf(buf, size, "%s%s %u %c%u%s base %u%+d%s%s", ldst->is_load ? "load" : "store",
		 ldst->sign_extend ? " signed" : "", 1u << ldst->size, width, ldst->rt, second,
		 ldst->rn, ldst->offset, writeback[ldst->writeback], ldst->indexed ? " index" : "");
}

Test(a64_ldst, decodes_what_the_assembler_encodes)
{
	for (size_t i = 0; i < ARRAY_SIZE(a64_plain); i++) {
		struct a64_ldst ldst;
		char got[128];

		memset(&ldst, 0x5a, sizeof(ldst));
		cr_assert(a64_ldst_decode(a64_plain[i].insn, &ldst), "%s", a64_plain[i].text);
		render(&ldst, got, sizeof(got));
		cr_expect_str_eq(got, a64_plain[i].want, "%s: %s", a64_plain[i].text, got);
	}
}

Test(a64_ldst, refuses_all_else)
{
	for (size_t i = 0; i < ARRAY_SIZE(a64_other); i++) {
		struct a64_ldst ldst;

		cr_expect_not(a64_ldst_decode(a64_other[i].insn, &ldst), "%s", a64_other[i].text);
	}
}

/*
 * Every value of the bits that name an instruction, with W1 and X2. The number is that of the words
 * that GNU objdump names as one of the accepted instructions, without those that load or write back
 * a register twice and the stores whose unused fields are not all ones, as they should be.
 */
Test(a64_ldst, accepts_as_many_words_as_there_are)
{
	struct a64_ldst ldst;
	unsigned int accepted = 0;

	for (uint32_t top = 0; top < BIT(11); top++)
		for (uint32_t low = 0; low < BIT(6); low++) {
			uint32_t insn = top << 21 | low << 10 | 2 << 5 | 1;

			accepted += a64_ldst_decode(insn | 3 << 16, &ldst);
			accepted += a64_ldst_decode(insn | 31 << 16, &ldst);
		}
	cr_assert_eq(accepted, 10324);
}

/* Bit 26 is SIMD and floating point, 27 and 25 are loads and stores (C4.1). */
Test(a64_ldst, accepts_nothing_outside_the_class_of_loads_and_stores)
{
	struct a64_ldst ldst;

	for (uint64_t insn = 0; insn <= UINT32_MAX; insn += 1021)
		if (a64_ldst_decode((uint32_t)insn, &ldst))
			cr_assert_eq(insn & 0x0e000000, 0x08000000, "0x%08x", (uint32_t)insn);
}

static uint64_t value(const char *text, uint64_t data)
{
	for (size_t i = 0; i < ARRAY_SIZE(a64_plain); i++) {
		struct a64_ldst ldst;

		if (!strcmp(a64_plain[i].text, text) && a64_ldst_decode(a64_plain[i].insn, &ldst))
			return a64_ldst_value(&ldst, data);
	}
	cr_assert(false, "%s is not in the table", text);
	return 0;
}

Test(a64_ldst, loads_extend_the_sign_as_far_as_their_target)
{
	cr_expect_eq(value("ldrsb w16, [x17]", 0x80), 0xffffff80);
	cr_expect_eq(value("ldrsb x18, [x19, #3]", 0x80), 0xffffffffffffff80);
	cr_expect_eq(value("ldrsh w20, [x21]", 0x8001), 0xffff8001);
	cr_expect_eq(value("ldrsh x22, [x23, #6]", 0x8001), 0xffffffffffff8001);
	cr_expect_eq(value("ldrsw x24, [x25, #12]", 0x87654321), 0xffffffff87654321);
	cr_expect_eq(value("ldpsw x1, x2, [x3]", 0x80000000), 0xffffffff80000000);
	cr_expect_eq(value("ldrsb x18, [x19, #3]", 0x7f), 0x7f);
	cr_expect_eq(value("ldrsw x24, [x25, #12]", 0x7fffffff), 0x7fffffff);
}

Test(a64_ldst, transfers_are_zero_extended_from_their_width)
{
	cr_expect_eq(value("ldrb w1, [x2]", 0xffffffffffffff80), 0x80);
	cr_expect_eq(value("ldp w1, w2, [x3]", 0x1234567887654321), 0x87654321);
	cr_expect_eq(value("ldr x8, [x9, #32760]", 0xf234567887654321), 0xf234567887654321);
	cr_expect_eq(value("strb wzr, [x10, #1]", 0x1234), 0x34);
	cr_expect_eq(value("strh w11, [x12, #2]", 0x12345), 0x2345);
	cr_expect_eq(value("stp w1, w2, [x3, #-256]", 0xf234567887654321), 0x87654321);
	cr_expect_eq(value("stp x1, x1, [x3, #16]", UINT64_MAX), UINT64_MAX);
}
