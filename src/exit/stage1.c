/* SPDX-License-Identifier: Apache-2.0 */
/* The stage 1 table walk (Arm DDI0487 D8.2, D8.3). */
#include "stage1.h"

#include <errno.h>

#include "base/util.h"

/* SCTLR_EL1, D24.2.175. */
#define SCTLR_M	  BIT64(0)
#define SCTLR_E0E BIT64(24)
#define SCTLR_EE  BIT64(25)

#define TCR_DS BIT64(59) /* TCR_EL1, D24.2.207: 52-bit addresses with 4 and 16 KiB granules */

/* Descriptors, D8.3.1. */
#define DESC_VALID BIT64(0)
#define DESC_TABLE BIT64(1) /* at level 3: a page */

#define OUTPUT_BITS 48
#define LAST_LEVEL  3

/* Of TxSZ: 48-bit addresses, and what there is without FEAT_TTST. */
#define TXSZ_MIN 16
#define TXSZ_MAX 39

/* One half of the address space: what TCR_EL1 and one of TTBR0_EL1 and TTBR1_EL1 say. */
struct stage1_half {
	uint64_t ttbr;
	unsigned int va_bits;
	unsigned int granule; /* log2 of bytes; 0: reserved */
	bool disabled;	      /* EPD: no walks */
};

static uint64_t bits(uint64_t val, unsigned int high, unsigned int low)
{
	return (val >> low) & (BIT64(high - low + 1) - 1);
}

static struct stage1_half stage1_low(const struct vcpu_context *context)
{
	static const uint8_t granules[4] = { [0] = 12, [1] = 16, [2] = 14 }; /* TG0 */
	uint64_t tcr = context->tcr_el1;

	return (struct stage1_half){
		.ttbr = context->ttbr0_el1,
		.va_bits = 64 - (unsigned int)bits(tcr, 5, 0),
		.granule = granules[bits(tcr, 15, 14)],
		.disabled = bits(tcr, 7, 7),
	};
}

static struct stage1_half stage1_high(const struct vcpu_context *context)
{
	static const uint8_t granules[4] = { [1] = 14, [2] = 12, [3] = 16 }; /* TG1 */
	uint64_t tcr = context->tcr_el1;

	return (struct stage1_half){
		.ttbr = context->ttbr1_el1,
		.va_bits = 64 - (unsigned int)bits(tcr, 21, 16),
		.granule = granules[bits(tcr, 31, 30)],
		.disabled = bits(tcr, 23, 23),
	};
}

static bool stage1_half_served(const struct stage1_half *half)
{
	return !half->disabled && half->granule && half->va_bits <= 64 - TXSZ_MIN &&
	       half->va_bits >= 64 - TXSZ_MAX;
}

/* Bits 54 and below that are not translated repeat bit 55; the top byte may be a tag (D8.7.3). */
static bool stage1_canonical(uint64_t va, unsigned int va_bits)
{
	uint64_t above = bits(va, 55, va_bits);

	return above == 0 || above == BIT64(56 - va_bits) - 1;
}

/* A block of 1 GiB exists with 4 KiB granules alone, one of level 2 with all (D8.3.1). */
static bool stage1_block_allowed(unsigned int level, unsigned int granule)
{
	return level == 2 || (level == 1 && granule == 12);
}

/*
 * Where a descriptor of @level leads: to the next table, or with *@leaf to the 2^@low bytes that it
 * maps.
 */
static int stage1_follow(uint64_t desc, unsigned int level, unsigned int granule, unsigned int low,
			 bool *leaf, uint64_t *addr)
{
	bool is_table = desc & DESC_TABLE;

	*leaf = level == LAST_LEVEL || !is_table;
	if (!(desc & DESC_VALID) || (level == LAST_LEVEL && !is_table))
		return -EFAULT;
	if (level != LAST_LEVEL && *leaf && !stage1_block_allowed(level, granule))
		return -EFAULT;
	/* 64 KiB granules keep bits 51:48 of the address here. */
	if (granule == 16 && bits(desc, 15, 12))
		return -EFAULT;
	*addr = desc & (BIT64(OUTPUT_BITS) - BIT64(*leaf ? low : granule));
	return 0;
}

/* A turn of the loop is a level, so at most four tables are read, whatever the guest put there. */
static int stage1_walk(const struct gmem *mem, const struct stage1_half *half, uint64_t va,
		       gpa_t *gpa)
{
	unsigned int stride = half->granule - 3;
	unsigned int levels = (half->va_bits - half->granule + stride - 1) / stride;
	unsigned int level = LAST_LEVEL + 1 - levels;
	unsigned int low = half->granule + (levels - 1) * stride;
	unsigned int high = half->va_bits - 1;
	uint64_t table = half->ttbr & (BIT64(OUTPUT_BITS) - 2); /* without ASID and CnP */
	bool leaf;

	/* The first table may be smaller than a granule; its base is aligned to its size (D8.2.6).
	 */
	if (bits(table, high - low + 3, 0))
		return -EFAULT;
	for (;;) {
		uint64_t desc;

		if (gmem_read64(mem, table + 8 * bits(va, high, low), &desc) < 0 ||
		    stage1_follow(desc, level, half->granule, low, &leaf, &table) < 0)
			return -EFAULT;
		if (leaf)
			break;
		level++;
		high = low - 1;
		low -= stride;
	}
	*gpa = table | bits(va, low - 1, 0);
	return 0;
}

int stage1_translate(const struct gmem *mem, const struct vcpu_context *context, uint64_t va,
		     gpa_t *gpa)
{
	struct stage1_half half;

	if (context->pstate & PSTATE_NRW || context->sctlr_el1 & (SCTLR_EE | SCTLR_E0E))
		return -EFAULT;
	if (!(context->sctlr_el1 & SCTLR_M)) {
		*gpa = va;
		return 0;
	}
	half = va & BIT64(55) ? stage1_high(context) : stage1_low(context);
	if (context->tcr_el1 & TCR_DS || !stage1_half_served(&half) ||
	    !stage1_canonical(va, half.va_bits))
		return -EFAULT;
	return stage1_walk(mem, &half, va, gpa);
}

int stage1_fetch(const struct gmem *mem, const struct vcpu_context *context, uint32_t *insn)
{
	gpa_t gpa;
	int ret = stage1_translate(mem, context, context->pc, &gpa);

	/* What is not aligned or not RAM, gmem_read32() refuses. */
	return ret < 0 || gmem_read32(mem, gpa, insn) < 0 ? -EFAULT : 0;
}
