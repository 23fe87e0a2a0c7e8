/* SPDX-License-Identifier: Apache-2.0 */
/*
 * True random numbers by hypercall (Arm DEN0098 1.0), which a guest has before it has a driver. Who
 * answers, KVM or arcvisor, is not to be seen from here.
 */
#include "check.h"
#include "smccc.h"

#define TRNG_VERSION  0x84000050u
#define TRNG_FEATURES 0x84000051u
#define TRNG_GET_UUID 0x84000052u
#define TRNG_RND32    0x84000053u
#define TRNG_RND64    0xc4000053u

#define TRNG_SUCCESS		0
#define TRNG_INVALID_PARAMETERS (-2)

#define ROUNDS 32u

static struct smccc_regs call(uint32_t function, uint64_t x1)
{
	struct smccc_regs regs = { .x = { function, x1 } };

	smccc_hvc(&regs);
	return regs;
}

static int64_t result_of(uint32_t function, uint64_t x1)
{
	return smccc_result(function, call(function, x1).x[0]);
}

static bool check_version(void)
{
	int64_t version = result_of(TRNG_VERSION, 0);

	note("TRNG %lu.%lu", (unsigned long)version >> 16, (unsigned long)version & 0xffff);
	return check(version >= 0x10000 && version < 0x20000, "version is 1.0 or later");
}

static void check_features(void)
{
	static const uint32_t functions[] = {
		TRNG_VERSION, TRNG_FEATURES, TRNG_GET_UUID, TRNG_RND32, TRNG_RND64,
	};

	for (unsigned int i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		check(result_of(TRNG_FEATURES, functions[i]) >= 0, "features: 0x%x", functions[i]);
	check_eq((uint64_t)result_of(TRNG_FEATURES, 0x84000054), (uint64_t)SMCCC_NOT_SUPPORTED,
		 "features: none beyond");
}

static void check_uuid(void)
{
	struct smccc_regs once = call(TRNG_GET_UUID, 0), again = call(TRNG_GET_UUID, 0);

	check((int32_t)once.x[0] != SMCCC_NOT_SUPPORTED, "there is a UUID");
	for (unsigned int i = 0; i < 4; i++)
		check_eq((uint32_t)again.x[i], (uint32_t)once.x[i], "UUID word %u stays", i);
	note("UUID %x %x %x %x", (uint32_t)once.x[0], (uint32_t)once.x[1], (uint32_t)once.x[2],
	     (uint32_t)once.x[3]);
}

/* Bits @first and up of the 3 words of @width bits that a call fills: the last has the lowest. */
static bool none_above(const struct smccc_regs *regs, unsigned int width, unsigned int first)
{
	for (unsigned int bit = first; bit < 3 * width; bit++)
		if (regs->x[3 - bit / width] >> bit % width & 1)
			return false;
	return true;
}

/* So many bits as asked for, each of them once set and once clear in some rounds: all but certain.
 */
static void check_bits(uint32_t function, unsigned int width, unsigned int bits)
{
	uint64_t ever[4] = { 0 }, always[4] = { 0, ~0ul, ~0ul, ~0ul };
	unsigned int stuck = 0;
	bool clean = true;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct smccc_regs regs = call(function, bits);

		if (!check_eq((uint64_t)smccc_result(function, regs.x[0]), TRNG_SUCCESS,
			      "0x%x, %u bits, round %u", function, bits, i))
			return;
		clean = clean && none_above(&regs, width, bits);
		for (unsigned int x = 1; x < 4; x++) {
			ever[x] |= regs.x[x];
			always[x] &= regs.x[x];
		}
	}
	for (unsigned int bit = 0; bit < bits; bit++) {
		unsigned int x = 3 - bit / width, at = bit % width;

		stuck += !(ever[x] >> at & 1) || (always[x] >> at & 1);
	}
	check(clean, "0x%x, %u bits: no bit more", function, bits);
	check_eq(stuck, 0, "0x%x, %u bits: none of them stands still", function, bits);
}

static void check_random(uint32_t function, unsigned int width)
{
	const unsigned int numbers[] = { 1, width - 1, width, width + 1, 2 * width, 3 * width };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		check_bits(function, width, numbers[i]);
	check_eq((uint64_t)result_of(function, 3 * width + 1), (uint64_t)TRNG_INVALID_PARAMETERS,
		 "0x%x: too many bits", function);
	note("0x%x of 0 bits: 0x%lx", function, (unsigned long)result_of(function, 0));
}

void guest_main(void)
{
	if (!check_version())
		return;
	check_features();
	check_uuid();
	check_random(TRNG_RND32, 32);
	check_random(TRNG_RND64, 64);
}
