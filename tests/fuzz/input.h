/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target (tests/fuzz/fuzz_NAME.c) is written with: the input as a stream of numbers,
 * and the check that ends a run.
 *
 * A target frees all it made and leaves nothing behind: the next input must not see it. It prints
 * what it likes, nobody reads it.
 */
#ifndef ARCVISOR_TESTS_FUZZ_INPUT_H
#define ARCVISOR_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target: returns 0. libFuzzer calls it, or replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input; also where NDEBUG takes assert() away. */
#define fuzz_check(cond)                                                                          \
	do {                                                                                      \
		if (!(cond)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* The next @len bytes; past the input's end they are zero. */
static inline void fuzz_take(struct fuzz_input *in, void *buf, size_t len)
{
	size_t have = len < in->left ? len : in->left;

	memset(buf, 0, len);
	if (!have)
		return;
	memcpy(buf, in->at, have);
	in->at += have;
	in->left -= have;
}

static inline uint64_t fuzz_u64(struct fuzz_input *in)
{
	uint64_t val;

	fuzz_take(in, &val, sizeof(val));
	return val;
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
	uint32_t val;

	fuzz_take(in, &val, sizeof(val));
	return val;
}

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	uint8_t val;

	fuzz_take(in, &val, sizeof(val));
	return val;
}

/* 0 to @most, by one byte of input. */
static inline unsigned int fuzz_upto(struct fuzz_input *in, unsigned int most)
{
	return fuzz_u8(in) % (most + 1);
}

#endif
