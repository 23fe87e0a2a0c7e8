/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction decoder: every 4 bytes of input are an instruction, then 8 of data. */
#include "exit/a64_ldst.h"

#include "input.h"

/* What no decoded load or store may say (Arm DDI0487 C4.1.94). */
static void check_fields(const struct a64_ldst *ldst)
{
	fuzz_check(ldst->size <= 3);
	fuzz_check(ldst->rt < 32 && ldst->rt2 < 32 && ldst->rn < 32);
	fuzz_check(!ldst->pair || ldst->size >= 2);
	fuzz_check(!ldst->sign_extend || (ldst->is_load && ldst->size < 3));
	fuzz_check(ldst->size < 3 || ldst->is_64bit);
	fuzz_check(!ldst->indexed || (!ldst->offset && ldst->writeback == A64_NO_WRITEBACK));
	fuzz_check(ldst->offset >= -512 && ldst->offset <= 4095 << 3);
	if (ldst->writeback != A64_NO_WRITEBACK && ldst->rn != 31)
		fuzz_check(ldst->rn != ldst->rt && !(ldst->pair && ldst->rn == ldst->rt2));
	fuzz_check(!(ldst->pair && ldst->is_load && ldst->rt == ldst->rt2));
}

static void check_value(const struct a64_ldst *ldst, uint64_t data)
{
	uint64_t val = a64_ldst_value(ldst, data);
	uint64_t mask = ldst->size == 3 ? UINT64_MAX : (1ull << (8u << ldst->size)) - 1;

	fuzz_check((val & mask) == (data & mask));
	fuzz_check(ldst->is_64bit || val <= UINT32_MAX);
	if (!ldst->sign_extend)
		fuzz_check(!(val & ~mask));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	while (in.left) {
		struct a64_ldst ldst;
		uint32_t insn = fuzz_u32(&in);
		uint64_t value = fuzz_u64(&in);

		if (!a64_ldst_decode(insn, &ldst))
			continue;
		check_fields(&ldst);
		check_value(&ldst, value);
	}
	return 0;
}
