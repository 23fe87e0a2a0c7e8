/* SPDX-License-Identifier: Apache-2.0 */
/* Which optional features this CPU has, by what the architecture asks a guest to look at. */
#ifndef GUEST_FEATURES_H
#define GUEST_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "psci.h"

/* Arm DEN0057 3: paravirtualized time. */
#define PV_TIME_FEATURES 0xc5000020U
#define PV_TIME_ST	 0xc5000021U

/* Bits @low to @low + 3 of an ID register (Arm DDI0487 D24.2). */
static inline unsigned int id_field(uint64_t reg, unsigned int low)
{
	return (unsigned int)(reg >> low) & 0xf;
}

static inline bool has_pmu(void)
{
	unsigned int version = id_field(read_sysreg(id_aa64dfr0_el1), 8); /* PMUVer */

	return version != 0 && version != 0xf;
}

static inline bool has_sve(void)
{
	return id_field(read_sysreg(id_aa64pfr0_el1), 32);
}

/* APA, API of ID_AA64ISAR1_EL1, APA3 of ID_AA64ISAR2_EL1: the algorithm is the CPU's choice. */
static inline bool has_address_auth(void)
{
	uint64_t isar1 = read_sysreg(id_aa64isar1_el1);

	return id_field(isar1, 4) || id_field(isar1, 8) || id_field(read_sysreg(S3_0_C0_C6_2), 12);
}

/* GPA, GPI, GPA3. */
static inline bool has_generic_auth(void)
{
	uint64_t isar1 = read_sysreg(id_aa64isar1_el1);

	return id_field(isar1, 24) || id_field(isar1, 28) || id_field(read_sysreg(S3_0_C0_C6_2), 8);
}

/* 1 has the instructions alone, and no tags. */
static inline bool has_mte(void)
{
	return id_field(read_sysreg(id_aa64pfr1_el1), 8) >= 2;
}

/* As Linux asks (DEN0057 3.1): each call says that the next one exists. */
static inline bool has_steal_time(void)
{
	return psci(SMCCC_ARCH_FEATURES, PV_TIME_FEATURES, 0, 0) >= 0 &&
	       psci(PV_TIME_FEATURES, PV_TIME_ST, 0, 0) == 0;
}

#endif
