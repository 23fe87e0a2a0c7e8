/* SPDX-License-Identifier: Apache-2.0 */
/* Pointer authentication works: a signed pointer differs, comes back whole, and not with another
 * key or modifier. */
#include "check.h"
#include "cpu.h"
#include "exception.h"
#include "features.h"

#define SCTLR_ENIA (1UL << 31)

#define POINTER 0x40123450UL

static void set_key(uint64_t low, uint64_t high)
{
	write_sysreg(S3_0_C2_C1_0, low);  /* APIAKeyLo_EL1 */
	write_sysreg(S3_0_C2_C1_1, high); /* APIAKeyHi_EL1 */
	isb();
}

static uint64_t sign(uint64_t pointer, uint64_t modifier)
{
	asm volatile(".arch armv8.3-a\n\tpacia %0, %1" : "+r"(pointer) : "r"(modifier));
	return pointer;
}

/* What fails either traps (FEAT_FPAC) or leaves a pointer that is no address. */
static bool authenticates(uint64_t pointer, uint64_t modifier)
{
	exception_catch();
	asm volatile(".arch armv8.3-a\n\tautia %0, %1" : "+r"(pointer) : "r"(modifier));
	return !exception_caught().count && pointer == POINTER;
}

void guest_main(void)
{
	uint64_t pointer;

	if (!has_address_auth()) {
		skip("all", "no pointer authentication");
		return;
	}
	write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | SCTLR_ENIA);
	set_key(0x0123456789abcdefUL, 0xfedcba9876543210UL);
	pointer = sign(POINTER, 42);
	check(pointer != POINTER, "a signed pointer differs");
	check(authenticates(pointer, 42), "it authenticates");
	check(!authenticates(pointer, 43), "not with another modifier");
	check(!authenticates(pointer ^ 1UL << 53, 42), "not with a bit of its signature flipped");
	set_key(0x1123456789abcdefUL, 0xfedcba9876543210UL);
	check(!authenticates(pointer, 42), "not with another key");
}
