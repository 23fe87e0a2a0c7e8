/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of an exact width, each one instruction with a valid syndrome (base register
 * only, no write-back), so that the compiler can neither merge, split nor widen a device access.
 */
#ifndef GUEST_MMIO_H
#define GUEST_MMIO_H

#include <stdint.h>

#define MMIO_ACCESSORS(bits, type, load, store, mod)                                          \
	static inline type mmio_read##bits(uintptr_t addr)                                    \
	{                                                                                     \
		type value;                                                                   \
		asm volatile(load " %" mod "0, [%1]" : "=r"(value) : "r"(addr) : "memory");   \
		return value;                                                                 \
	}                                                                                     \
	static inline void mmio_write##bits(uintptr_t addr, type value)                       \
	{                                                                                     \
		asm volatile(store " %" mod "0, [%1]" : : "rZ"(value), "r"(addr) : "memory"); \
	}

MMIO_ACCESSORS(8, uint8_t, "ldrb", "strb", "w")
MMIO_ACCESSORS(16, uint16_t, "ldrh", "strh", "w")
MMIO_ACCESSORS(32, uint32_t, "ldr", "str", "w")
MMIO_ACCESSORS(64, uint64_t, "ldr", "str", "x")

#undef MMIO_ACCESSORS

/*
 * A chosen instruction and register: MMIO_LOAD(15, "ldrsb", "w15", addr). All bits of x15 are ones
 * before the load, and the whole of it is the result.
 */
#define MMIO_LOAD(n, instruction, target, addr)                            \
	({                                                                 \
		uint64_t value_;                                           \
		asm volatile("mov x" #n ", #-1\n\t" instruction " " target \
			     ", [%1]\n\tmov %0, x" #n                      \
			     : "=&r"(value_)                               \
			     : "r"(addr)                                   \
			     : "x" #n, "memory");                          \
		value_;                                                    \
	})

#define MMIO_STORE(n, instruction, source, addr, value)                    \
	asm volatile("mov x" #n ", %0\n\t" instruction " " source ", [%1]" \
		     :                                                     \
		     : "r"((uint64_t)(value)), "r"(addr)                   \
		     : "x" #n, "memory")

#endif
