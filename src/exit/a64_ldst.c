/* SPDX-License-Identifier: Apache-2.0 */
/* A64 loads and stores, by mask and value (Arm DDI0487 C4.1.94). */
#include "a64_ldst.h"

#include <stddef.h>

#include "base/util.h"

#define REG_SP 31 /* as a base */

/* Where the offset is, and what it counts. */
enum a64_offset {
	OFFSET_NONE,
	OFFSET_IMM12, /* unsigned, in units of the transfer */
	OFFSET_IMM9,  /* signed, in bytes */
	OFFSET_IMM7,  /* signed, in units of one register's transfer */
	OFFSET_REGISTER,
};

/* What bits 31:30 and 23:22 say. */
enum a64_type {
	TYPE_SINGLE, /* size, opc */
	TYPE_LOAD,   /* size, and the class is one of loads without sign extension */
	TYPE_STORE,
	TYPE_PAIR, /* opc, L */
};

static const struct a64_class {
	uint32_t mask, value;
	enum a64_type type;
	enum a64_offset offset;
	enum a64_writeback writeback;
} classes[] = {
	/* Load/store register: unsigned immediate, unscaled, post-index, unprivileged, pre-index,
	   register offset (with bit 14, since options that lack it are unallocated). */
	{ 0x3f000000, 0x39000000, TYPE_SINGLE, OFFSET_IMM12, A64_NO_WRITEBACK },
	{ 0x3f200c00, 0x38000000, TYPE_SINGLE, OFFSET_IMM9, A64_NO_WRITEBACK },
	{ 0x3f200c00, 0x38000400, TYPE_SINGLE, OFFSET_IMM9, A64_POST_INDEX },
	{ 0x3f200c00, 0x38000800, TYPE_SINGLE, OFFSET_IMM9, A64_NO_WRITEBACK },
	{ 0x3f200c00, 0x38000c00, TYPE_SINGLE, OFFSET_IMM9, A64_PRE_INDEX },
	{ 0x3f204c00, 0x38204800, TYPE_SINGLE, OFFSET_REGISTER, A64_NO_WRITEBACK },
	/* LDAPUR and STLUR; LDAR, STLR, LDAPR. */
	{ 0x3f200c00, 0x19000000, TYPE_SINGLE, OFFSET_IMM9, A64_NO_WRITEBACK },
	{ 0x3ffffc00, 0x08dffc00, TYPE_LOAD, OFFSET_NONE, A64_NO_WRITEBACK },
	{ 0x3ffffc00, 0x089ffc00, TYPE_STORE, OFFSET_NONE, A64_NO_WRITEBACK },
	{ 0x3ffffc00, 0x38bfc000, TYPE_LOAD, OFFSET_NONE, A64_NO_WRITEBACK },
	/* LDP and STP of W (opc 00) and X (10): non-temporal, post-index, offset, pre-index. */
	{ 0x7f800000, 0x28000000, TYPE_PAIR, OFFSET_IMM7, A64_NO_WRITEBACK },
	{ 0x7f800000, 0x28800000, TYPE_PAIR, OFFSET_IMM7, A64_POST_INDEX },
	{ 0x7f800000, 0x29000000, TYPE_PAIR, OFFSET_IMM7, A64_NO_WRITEBACK },
	{ 0x7f800000, 0x29800000, TYPE_PAIR, OFFSET_IMM7, A64_PRE_INDEX },
	/* LDPSW: opc 01, loads alone, since the stores are STGP. */
	{ 0xffc00000, 0x68c00000, TYPE_PAIR, OFFSET_IMM7, A64_POST_INDEX },
	{ 0xffc00000, 0x69400000, TYPE_PAIR, OFFSET_IMM7, A64_NO_WRITEBACK },
	{ 0xffc00000, 0x69c00000, TYPE_PAIR, OFFSET_IMM7, A64_PRE_INDEX },
};

static uint32_t field(uint32_t insn, unsigned int high, unsigned int low)
{
	return (insn >> low) & (BIT(high - low + 1) - 1);
}

static int32_t signed_field(uint32_t insn, unsigned int high, unsigned int low)
{
	return (int32_t)(insn << (31 - high)) >> (31 - high + low);
}

static const struct a64_class *a64_find_class(uint32_t insn)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if ((insn & classes[i].mask) == classes[i].value)
			return &classes[i];
	return NULL;
}

/* opc: 0 store, 1 load, 2 load and extend the sign to 64 bits, 3 to 32. */
static bool a64_decode_single(uint32_t insn, struct a64_ldst *ldst)
{
	unsigned int opc = field(insn, 23, 22);

	ldst->is_load = opc != 0;
	ldst->sign_extend = opc >= 2;
	if (!ldst->sign_extend)
		return true;
	ldst->is_64bit = opc == 2;
	/* Only what is narrower than its target: the rest is PRFM, or unallocated. */
	return ldst->size < (ldst->is_64bit ? 3 : 2);
}

static void a64_decode_pair(uint32_t insn, struct a64_ldst *ldst)
{
	ldst->pair = true;
	ldst->is_load = field(insn, 22, 22);
	ldst->sign_extend = field(insn, 30, 30);
	ldst->size = field(insn, 31, 31) ? 3 : 2;
	ldst->is_64bit = field(insn, 31, 30) != 0;
	ldst->rt2 = (uint8_t)field(insn, 14, 10);
}

static int16_t a64_decode_offset(uint32_t insn, enum a64_offset offset, unsigned int size)
{
	switch (offset) {
	case OFFSET_IMM12:
		return (int16_t)(field(insn, 21, 10) << size);
	case OFFSET_IMM9:
		return (int16_t)signed_field(insn, 20, 12);
	case OFFSET_IMM7:
		return (int16_t)(signed_field(insn, 21, 15) * (1 << size));
	case OFFSET_NONE:
	case OFFSET_REGISTER:
		break;
	}
	return 0;
}

/* CONSTRAINED UNPREDICTABLE, each at its instruction in C6.2. */
static bool a64_unpredictable(const struct a64_ldst *ldst)
{
	if (ldst->pair && ldst->is_load && ldst->rt == ldst->rt2)
		return true;
	if (ldst->writeback == A64_NO_WRITEBACK || ldst->rn == REG_SP)
		return false;
	return ldst->rn == ldst->rt || (ldst->pair && ldst->rn == ldst->rt2);
}

bool a64_ldst_decode(uint32_t insn, struct a64_ldst *ldst)
{
	const struct a64_class *class = a64_find_class(insn);

	if (!class)
		return false;
	*ldst = (struct a64_ldst){
		.is_load = class->type == TYPE_LOAD,
		.is_64bit = field(insn, 31, 30) == 3,
		.indexed = class->offset == OFFSET_REGISTER,
		.writeback = class->writeback,
		.size = (uint8_t)field(insn, 31, 30),
		.rt = (uint8_t)field(insn, 4, 0),
		.rn = (uint8_t)field(insn, 9, 5),
	};
	if (class->type == TYPE_SINGLE && !a64_decode_single(insn, ldst))
		return false;
	if (class->type == TYPE_PAIR)
		a64_decode_pair(insn, ldst);
	ldst->offset = a64_decode_offset(insn, class->offset, ldst->size);
	return !a64_unpredictable(ldst);
}

uint64_t a64_ldst_value(const struct a64_ldst *ldst, uint64_t data)
{
	unsigned int unused = 64 - (8u << ldst->size);
	uint64_t top = data << unused;
	uint64_t value = ldst->sign_extend ? (uint64_t)((int64_t)top >> unused) : top >> unused;

	return ldst->is_64bit ? value : (uint32_t)value;
}
