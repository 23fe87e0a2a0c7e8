/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes the plain A64 loads and stores of general registers (Arm DDI0487 C4.1.94, "Loads and
 * Stores"). Pure functions, any thread.
 */
#ifndef ARCVISOR_EXIT_A64_LDST_H
#define ARCVISOR_EXIT_A64_LDST_H

#include <stdbool.h>
#include <stdint.h>

enum a64_writeback {
	A64_NO_WRITEBACK,
	A64_PRE_INDEX,	/* accesses base + offset, which becomes the base */
	A64_POST_INDEX, /* accesses the base, to which the offset is added afterwards */
};

struct a64_ldst {
	bool is_load;
	bool sign_extend; /* loads only */
	bool is_64bit;	  /* the registers transferred are X, else W */
	bool pair;	  /* @rt2 follows @rt in memory */
	bool indexed;	  /* the offset is a register, and @offset says nothing */
	enum a64_writeback writeback;
	uint8_t size;	 /* log2 of the bytes that each register transfers */
	uint8_t rt, rt2; /* 31 is XZR */
	uint8_t rn;	 /* base; 31 is SP */
	int16_t offset;	 /* bytes */
};

/*
 * True, with *@ldst filled, for loads and stores by unsigned offset, unscaled, unprivileged, pre-
 * and post-index, register offset; pairs, non-temporal ones too; LDAR, STLR, LDAPR and the unscaled
 * LDAPUR, STLUR. False for all else: SIMD, exclusives, atomics, literals, prefetches, tags, and
 * encodings that are unallocated or CONSTRAINED UNPREDICTABLE (K1.1: a base that is written back
 * and transferred, a pair loaded into one register).
 */
bool a64_ldst_decode(uint32_t insn, struct a64_ldst *ldst);

/*
 * @data as one transfer of @ldst has it: of a load, the register's new value (64 bits) from the
 * bytes that were read; of a store, the bytes to write, zero extended, from the register's value.
 */
uint64_t a64_ldst_value(const struct a64_ldst *ldst, uint64_t data);

#endif
