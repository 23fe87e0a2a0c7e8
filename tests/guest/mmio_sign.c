/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-extending loads from a device: LDRSB, LDRSH to W and X, LDRSW. A load to W zeroes the upper
 * half of X.
 *
 * KVM completes the load, and gets it wrong: since Linux 3.17 kvm_handle_mmio_return() masks the
 * value to its width after it has extended the sign. arcvisor sets the register itself
 * (docs/decisions/0006-sign-extension.md).
 */
#include "check.h"
#include "mmio.h"
#include "pl031.h"

#define CHECK_LOAD(n, instruction, target, want)                 \
	check_eq(MMIO_LOAD(n, instruction, target, RTCMR), want, \
		 instruction " " target " of 0x%x", pattern)

/* RTCMR holds all 32 bits that are written to it, so any sign bit can be had. */
#define CHECK_REGISTER(n)                                           \
	do {                                                        \
		uint32_t pattern = 0x87658080;                      \
		mmio_write32(RTCMR, pattern);                       \
		CHECK_LOAD(n, "ldrsb", "w" #n, 0xffffff80);         \
		CHECK_LOAD(n, "ldrsb", "x" #n, 0xffffffffffffff80); \
		CHECK_LOAD(n, "ldrsh", "w" #n, 0xffff8080);         \
		CHECK_LOAD(n, "ldrsh", "x" #n, 0xffffffffffff8080); \
		CHECK_LOAD(n, "ldrsw", "x" #n, 0xffffffff87658080); \
		pattern = 0x1234717f;                               \
		mmio_write32(RTCMR, pattern);                       \
		CHECK_LOAD(n, "ldrsb", "w" #n, 0x7f);               \
		CHECK_LOAD(n, "ldrsb", "x" #n, 0x7f);               \
		CHECK_LOAD(n, "ldrsh", "w" #n, 0x717f);             \
		CHECK_LOAD(n, "ldrsh", "x" #n, 0x717f);             \
		CHECK_LOAD(n, "ldrsw", "x" #n, 0x1234717f);         \
	} while (0)

void guest_main(void)
{
	CHECK_REGISTER(0);
	CHECK_REGISTER(15);
	CHECK_REGISTER(29);
	CHECK_REGISTER(30);
}
