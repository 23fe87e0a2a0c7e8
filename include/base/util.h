/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers that every part may use: sizes, alignment, checked sums.
 *
 * All of them are pure and may be called from any thread.
 */
#ifndef ARCVISOR_BASE_UTIL_H
#define ARCVISOR_BASE_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define BIT(n)	 ((uint32_t)1 << (n))
#define BIT64(n) ((uint64_t)1 << (n))

/* Largest multiple of @align (a power of two) that is at most @v. */
static inline uint64_t align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

/* Smallest multiple of @align at or above @v, in *@out; false if it does not fit 64 bits. */
static inline bool align_up(uint64_t v, uint64_t align, uint64_t *out)
{
	uint64_t sum;

	if (__builtin_add_overflow(v, align - 1, &sum))
		return false;
	*out = align_down(sum, align);
	return true;
}

/* True if [@start, @start + @len) lies in [@base, @base + @size); no sum is allowed to wrap. */
static inline bool range_within(uint64_t start, uint64_t len, uint64_t base, uint64_t size)
{
	return start >= base && start - base <= size && len <= size - (start - base);
}

/* True if the two ranges share a byte. Neither range may wrap. */
static inline bool ranges_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	return alen && blen && a < b + blen && b < a + alen;
}

#endif
