/* SPDX-License-Identifier: Apache-2.0 */
/* The stage 1 walk, over tables written by hand: every granule, every level, what is refused. */
#include "exit/stage1.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "base/util.h"
#include "fixture.h"

/* Tables are put here, each in a granule of its own; the largest granule is 64 KiB. */
#define TABLE(n) (FIXTURE_RAM + (n)*0x10000u)

#define MMU_ON BIT64(0) /* SCTLR_EL1.M */

/* What a descriptor has beside an address: access flag, XN, software bits. They say nothing. */
#define ATTRIBUTES 0x03e0000000000f1cu
#define BLOCK	   (ATTRIBUTES | 1)
#define NEXT	   3u /* a table, or at level 3 a page */
#define PAGE	   (ATTRIBUTES | 3)

#define TG0_4K	0u
#define TG0_64K BIT64(14)
#define TG0_16K BIT64(15)
#define TG1_16K BIT64(30)
#define TG1_4K	BIT64(31)
#define TG1_64K (BIT64(30) | BIT64(31))

#define HIGH(bits) (UINT64_MAX << (bits))

static struct vcpu_context context;

static void entry(unsigned int table, uint64_t index, uint64_t desc)
{
	cr_assert_eq(gmem_write64(&fixture.mem, TABLE(table) + 8 * index, desc), 0);
}

/* The low half, @bits wide, begins at table 0; the high half is off. */
static void low_half(unsigned int bits, uint64_t tg0)
{
	context.sctlr_el1 = MMU_ON;
	context.tcr_el1 = (64 - bits) | tg0 | BIT64(23);
	context.ttbr0_el1 = TABLE(0) | 0xabcd000000000001u; /* ASID, CnP */
	context.ttbr1_el1 = UINT64_MAX;
}

static void high_half(unsigned int bits, uint64_t tg1)
{
	context.sctlr_el1 = MMU_ON;
	context.tcr_el1 = (uint64_t)(64 - bits) << 16 | tg1 | BIT64(7);
	context.ttbr1_el1 = TABLE(0);
	context.ttbr0_el1 = UINT64_MAX;
}

static void expect(uint64_t va, gpa_t want)
{
	gpa_t gpa = 0;

	cr_expect_eq(stage1_translate(&fixture.mem, &context, va, &gpa), 0, "0x%lx", va);
	cr_expect_eq(gpa, want, "0x%lx: 0x%lx", va, gpa);
}

static void expect_fault(uint64_t va)
{
	gpa_t gpa;

	cr_expect_eq(stage1_translate(&fixture.mem, &context, va, &gpa), -EFAULT, "0x%lx", va);
}

static void init(void)
{
	fixture_init();
	context = (struct vcpu_context){ .pstate = 0x3c5 };
}

TestSuite(stage1, .init = init, .fini = fixture_fini);

Test(stage1, addresses_are_physical_while_the_mmu_is_off)
{
	context.ttbr0_el1 = UINT64_MAX;
	expect(0x9000fe3, 0x9000fe3);
	expect(0xff00000009000000, 0xff00000009000000);
}

Test(stage1, four_levels_of_4k_pages)
{
	low_half(48, TG0_4K);
	entry(0, 0x1ff, TABLE(1) | NEXT);
	entry(1, 0x101, TABLE(2) | NEXT);
	entry(2, 0x002, TABLE(3) | NEXT);
	entry(3, 0x1fe, 0x123456789000 | PAGE);
	expect(0xffc0405feabc, 0x123456789abc);
	expect_fault(0xffc0405fdabc); /* the page before */
	expect_fault(0xffc04080eabc); /* the same page of the next table */
}

Test(stage1, blocks_of_1g_and_2m_with_4k_granules)
{
	low_half(39, TG0_4K);
	entry(0, 1, 0x8040000000 | BLOCK);
	entry(0, 2, TABLE(1) | NEXT);
	entry(1, 3, 0x8000200000 | BLOCK);
	expect(0x7fffffff, 0x807fffffff);
	expect(0x806fedcb, 0x80002fedcb);
}

Test(stage1, no_block_at_level_0)
{
	low_half(48, TG0_4K);
	entry(0, 0, 0x8000000000 | BLOCK);
	expect_fault(0);
}

Test(stage1, first_table_of_4k_granules_has_only_the_bits_that_are_left)
{
	low_half(42, TG0_4K); /* 8 entries at level 0 */
	context.ttbr0_el1 = TABLE(0) + 64;
	entry(0, 8 + 7, TABLE(1) | NEXT);
	entry(1, 0, 0x40000000 | BLOCK);
	expect(0x38000000010, 0x40000010);
	low_half(25, TG0_4K); /* level 2 */
	entry(0, 15, 0x7ffffe00000 | BLOCK);
	expect(0x1e00005, 0x7ffffe00005);
}

Test(stage1, four_levels_of_16k_pages)
{
	low_half(48, TG0_16K);
	entry(0, 1, TABLE(1) | NEXT);
	entry(1, 0x7ff, TABLE(2) | NEXT);
	entry(2, 0x400, TABLE(3) | NEXT);
	entry(3, 0x001, 0xfedcba984000 | PAGE);
	expect(0xfff800007abc, 0xfedcba987abc);
}

Test(stage1, blocks_of_32m_with_16k_granules_and_none_larger)
{
	low_half(47, TG0_16K);
	entry(0, 0, TABLE(1) | NEXT);
	entry(0, 1, 0 | BLOCK);
	entry(1, 5, 0x4002000000 | BLOCK);
	expect(0xb000001, 0x4003000001);
	expect_fault(0x1000000000);
}

Test(stage1, three_levels_of_64k_pages)
{
	low_half(48, TG0_64K);
	entry(0, 0x3f, TABLE(1) | NEXT);
	entry(1, 0x1fff, TABLE(2) | NEXT);
	entry(2, 0x1000, 0xfedcba980000 | PAGE);
	expect(0xfffff000beef, 0xfedcba98beef);
}

Test(stage1, blocks_of_512m_with_64k_granules_and_none_larger)
{
	low_half(42, TG0_64K);
	entry(0, 3, 0x7fe0000000 | BLOCK);
	expect(0x7fffffff, 0x7fffffffff);
	low_half(48, TG0_64K);
	entry(0, 0, 0x40000000000 | BLOCK);
	expect_fault(0);
}

Test(stage1, high_half_has_its_own_table_granule_and_size)
{
	static const struct {
		uint64_t tg1;
		unsigned int bits, index;
		uint64_t size; /* of a block of level 2 */
	} cases[] = {
		{ TG1_4K, 30, 511, 0x200000 },
		{ TG1_16K, 36, 2047, 0x2000000 },
		{ TG1_64K, 42, 8191, 0x20000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		high_half(cases[i].bits, cases[i].tg1);
		entry(0, cases[i].index, BLOCK);
		expect(UINT64_MAX, cases[i].size - 1);
		expect_fault(HIGH(cases[i].bits));
		expect_fault(0); /* the low half is off */
		entry(0, cases[i].index, 0);
	}
}

Test(stage1, half_that_is_off_maps_nothing)
{
	low_half(39, TG0_4K);
	entry(0, 0, BLOCK);
	expect(0, 0);
	expect_fault(HIGH(39));
	context.tcr_el1 |= BIT64(7); /* EPD0 */
	expect_fault(0);
}

Test(stage1, address_between_the_halves_is_not_mapped)
{
	low_half(39, TG0_4K);
	for (uint64_t i = 0; i < 512; i++)
		entry(0, i, BLOCK);
	expect(0x7fffffffff, 0x3fffffff);
	for (unsigned int bit = 39; bit < 56; bit++)
		expect_fault(BIT64(bit));
}

Test(stage1, top_byte_may_be_a_tag)
{
	low_half(39, TG0_4K);
	entry(0, 0, BLOCK);
	expect(0x5a00000000001234, 0x1234);
	high_half(39, TG1_4K);
	entry(0, 511, BLOCK);
	expect(0x5affffffffffffff, 0x3fffffff);
}

Test(stage1, entry_that_is_not_valid_is_a_fault_at_every_level)
{
	low_half(48, TG0_4K);
	expect_fault(0);
	entry(0, 0, TABLE(1) | NEXT);
	expect_fault(0);
	entry(1, 0, TABLE(2) | NEXT);
	entry(2, 0, TABLE(3) | 2);
	expect_fault(0);
	entry(2, 0, TABLE(3) | NEXT);
	entry(3, 0, 0x5000 | (PAGE & ~(uint64_t)1));
	expect_fault(0);
	entry(3, 0, 0x5000 | (PAGE & ~(uint64_t)2)); /* a block, of which level 3 has none */
	expect_fault(0);
	entry(3, 0, 0x5000 | PAGE);
	expect(0, 0x5000);
}

Test(stage1, tables_outside_memory_are_a_fault)
{
	low_half(48, TG0_4K);
	context.ttbr0_el1 = 0x9000000;
	expect_fault(0);
	context.ttbr0_el1 = TABLE(0);
	entry(0, 0, (FIXTURE_RAM + FIXTURE_RAM_SIZE) | NEXT);
	expect_fault(0);
	entry(0, 0, 0xfffffffff000 | NEXT);
	expect_fault(0);
}

/* A table that is its own entry ends at the last level like any other. */
Test(stage1, walk_of_a_table_that_holds_itself_ends)
{
	low_half(48, TG0_4K);
	entry(0, 0, TABLE(0) | NEXT);
	expect(0x123, TABLE(0) | 0x123);
}

Test(stage1, what_is_not_served_is_refused)
{
	static const uint64_t sctlr[] = { BIT64(24), BIT64(25) }; /* E0E, EE */
	static const uint64_t tcr[] = { BIT64(59), 3 << 14 };	  /* DS, TG0 reserved */
	struct vcpu_context good;

	low_half(39, TG0_4K);
	entry(0, 0, BLOCK);
	expect(0, 0);
	good = context;
	for (size_t i = 0; i < 2; i++) {
		context.sctlr_el1 |= sctlr[i];
		expect_fault(0);
		context.sctlr_el1 = sctlr[i]; /* and with the MMU off */
		expect_fault(0);
		context = good;
		context.tcr_el1 |= tcr[i];
		expect_fault(0);
		context = good;
	}
	context.pstate |= 0x10; /* AArch32 */
	expect_fault(0);
}

Test(stage1, sizes_out_of_range_are_refused)
{
	for (unsigned int tsz = 0; tsz < 64; tsz++) {
		gpa_t gpa;
		int want = tsz >= 16 && tsz <= 39 ? 0 : -EFAULT;

		low_half(64 - tsz, TG0_4K);
		for (unsigned int level = 0; level < 8; level++)
			entry(level, 0, TABLE(level + 1) | NEXT);
		cr_expect_eq(stage1_translate(&fixture.mem, &context, 0, &gpa), want, "T0SZ %u",
			     tsz);
	}
}

Test(stage1, addresses_of_52_bits_are_refused)
{
	low_half(42, TG0_64K);
	entry(0, 0, 0x20000000 | BLOCK);
	expect(0, 0x20000000);
	entry(0, 0, 0x20000000 | BIT64(12) | BLOCK);
	expect_fault(0);
	entry(0, 0, TABLE(1) | BIT64(15) | NEXT);
	expect_fault(0);
}

/* Where a table of 52-bit addresses may begin, a table of 48-bit ones has no bits. */
Test(stage1, first_table_is_aligned_to_its_size)
{
	low_half(48, TG0_64K); /* 64 entries */
	for (uint64_t i = 0; i < 64; i++)
		entry(0, i, TABLE(1) | NEXT);
	entry(1, 0, 0x20000000 | BLOCK);
	expect(0, 0x20000000);
	for (unsigned int bit = 1; bit < 9; bit++) {
		context.ttbr0_el1 = TABLE(0) | BIT64(bit);
		expect_fault(0);
	}
	entry(8, 0, TABLE(1) | NEXT);
	context.ttbr0_el1 = TABLE(8);
	expect(0, 0x20000000);
}

static void expect_fetch(int want_ret, uint32_t want)
{
	uint32_t insn = 0;

	cr_expect_eq(stage1_fetch(&fixture.mem, &context, &insn), want_ret);
	cr_expect_eq(insn, want);
}

Test(stage1, fetch_reads_the_word_at_pc)
{
	gmem_write32(&fixture.mem, FIXTURE_RAM + 0x2004, 0xb9400020);
	context.pc = FIXTURE_RAM + 0x2004;
	expect_fetch(0, 0xb9400020);
	high_half(39, TG1_4K);
	entry(0, 511, FIXTURE_RAM | BLOCK);
	context.pc = HIGH(30) + 0x2004;
	expect_fetch(0, 0xb9400020);
}

Test(stage1, fetch_refuses_what_is_no_instruction)
{
	context.pc = FIXTURE_RAM + 2;
	expect_fetch(-EFAULT, 0);
	context.pc = 0x9000000;
	expect_fetch(-EFAULT, 0);
	context.pc = FIXTURE_RAM + FIXTURE_RAM_SIZE;
	expect_fetch(-EFAULT, 0);
	low_half(39, TG0_4K);
	context.pc = 0;
	expect_fetch(-EFAULT, 0);
}
