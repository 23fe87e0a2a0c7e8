/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI: versions, features, and the calls that end or reset the machine. */
#include "hvc/psci.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

#define SMCCC_VERSION 0x80000000u

/* Functions that answer, by width. */
static const uint8_t served32[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x09, 0x0a, 0x12 };
static const uint8_t served64[] = { 0x01, 0x03, 0x04, 0x12 };

static bool serves(uint32_t fid)
{
	size_t i;

	for (i = 0; i < sizeof(served32); i++)
		if (fid == PSCI_FN32 + served32[i])
			return true;
	for (i = 0; i < sizeof(served64); i++)
		if (fid == PSCI_FN64 + served64[i])
			return true;
	return false;
}

TestSuite(psci, .init = hvc_init, .fini = hvc_fini);

Test(psci, version_is_1_1)
{
	cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_VERSION, 0, 0, 0), 0x10001);
	cr_assert_eq(hvc.action, SMCCC_RETURN);
	cr_assert_eq(hvc.nr_ret, 1);
}

Test(psci, conduits_answer_alike)
{
	uint32_t n;

	for (n = 0; n < PSCI_COUNT; n++) {
		uint32_t fid32 = PSCI_FN32 + n;
		uint32_t fid64 = PSCI_FN64 + n;

		cr_assert_eq(hvc_call_by(true, fid32, 1, 2, 3), hvc_call_by(false, fid32, 1, 2, 3));
		cr_assert_eq(hvc_call_by(true, fid64, 1, 2, 3), hvc_call_by(false, fid64, 1, 2, 3));
	}
}

Test(psci, functions_without_that_width_are_not_supported)
{
	uint32_t n;

	for (n = 0; n < PSCI_COUNT; n++) {
		if (!serves(PSCI_FN32 + n))
			cr_assert_eq(hvc_call(PSCI_FN32 + n, 0, 0, 0), PSCI_NOT_SUPPORTED, "%u", n);
		if (!serves(PSCI_FN64 + n))
			cr_assert_eq(hvc_call(PSCI_FN64 + n, 0, 0, 0), PSCI_NOT_SUPPORTED, "%u", n);
	}
	cr_assert_eq(hvc.nr_off + hvc.nr_reset + hvc.nr_cpu_on + hvc.nr_suspend, 0);
}

Test(psci, migrate_is_not_supported)
{
	cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_MIGRATE, 0, 0, 0), PSCI_NOT_SUPPORTED);
	cr_assert_eq(hvc_call(PSCI_FN64 + PSCI_FN_MIGRATE, 0, 0, 0), PSCI_NOT_SUPPORTED);
	cr_assert_eq(hvc_call(PSCI_FN64 + PSCI_FN_MIGRATE_INFO_UP_CPU, 0, 0, 0),
		     PSCI_NOT_SUPPORTED);
}

Test(psci, migrate_info_type_says_that_there_is_nothing_to_migrate)
{
	cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_MIGRATE_INFO_TYPE, 0, 0, 0), 2);
}

Test(psci, features_agree_with_what_is_served)
{
	uint32_t n;

	for (n = 0; n < PSCI_COUNT; n++) {
		uint32_t fid32 = PSCI_FN32 + n;
		uint32_t fid64 = PSCI_FN64 + n;

		cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_FEATURES, fid32, 0, 0),
			     serves(fid32) ? 0 : PSCI_NOT_SUPPORTED, "0x%x", fid32);
		cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_FEATURES, fid64, 0, 0),
			     serves(fid64) ? 0 : PSCI_NOT_SUPPORTED, "0x%x", fid64);
	}
}

Test(psci, features_know_smccc_version)
{
	cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_FEATURES, SMCCC_VERSION, 0, 0), PSCI_SUCCESS);
}

Test(psci, features_of_calls_that_are_not_of_psci_are_not_supported)
{
	static const uint32_t fids[] = {
		0,	    3,		0x04000000, 0x44000000, 0x80000001, 0x83ffffff,
		0x84000020, 0xc3ffffff, 0xc4000020, 0xc2000000, UINT32_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(fids) / sizeof(fids[0]); i++)
		cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_FEATURES, fids[i], 0, 0),
			     PSCI_NOT_SUPPORTED, "0x%x", fids[i]);
}

Test(psci, features_ignore_the_upper_half_of_their_argument)
{
	cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_FEATURES, 0xffffffff84000003, 0, 0),
		     PSCI_SUCCESS);
}

Test(psci, system_off_ends_the_machine_and_does_not_return)
{
	hvc_call(PSCI_FN32 + PSCI_FN_SYSTEM_OFF, 0, 0, 0);
	cr_assert_eq(hvc.nr_off, 1);
	cr_assert_eq(hvc.nr_reset, 0);
	cr_assert_eq(hvc.action, SMCCC_END);
	cr_assert_eq(hvc.nr_ret, 0);
}

Test(psci, system_reset_resets_the_machine_and_does_not_return)
{
	hvc_call(PSCI_FN32 + PSCI_FN_SYSTEM_RESET, 0, 0, 0);
	cr_assert_eq(hvc.nr_reset, 1);
	cr_assert_eq(hvc.nr_off, 0);
	cr_assert_eq(hvc.action, SMCCC_END);
}

Test(psci, warm_reset_resets_the_machine_in_both_widths)
{
	hvc_call(PSCI_FN32 + PSCI_FN_SYSTEM_RESET2, 0, 0xc00c1e, 0);
	cr_assert_eq(hvc.action, SMCCC_END);
	hvc_call(PSCI_FN64 + PSCI_FN_SYSTEM_RESET2, 0, 0xc00c1e, 0);
	cr_assert_eq(hvc.action, SMCCC_END);
	cr_assert_eq(hvc.nr_reset, 2);
}

Test(psci, reset_of_an_unknown_type_is_refused)
{
	static const uint32_t types[] = { 1, 2, 0x7fffffff, 0x80000000, UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		cr_assert_eq(hvc_call(PSCI_FN32 + PSCI_FN_SYSTEM_RESET2, types[i], 0, 0),
			     PSCI_INVALID_PARAMETERS);
		cr_assert_eq(hvc_call(PSCI_FN64 + PSCI_FN_SYSTEM_RESET2, types[i], 0, 0),
			     PSCI_INVALID_PARAMETERS);
		cr_assert_eq(hvc.action, SMCCC_RETURN);
	}
	cr_assert_eq(hvc.nr_reset, 0);
}

Test(psci, arguments_that_cannot_be_fetched_are_an_internal_failure)
{
	static const uint32_t fids[] = {
		PSCI_FN32 + PSCI_FN_CPU_SUSPEND,   PSCI_FN64 + PSCI_FN_CPU_SUSPEND,
		PSCI_FN32 + PSCI_FN_CPU_ON,	   PSCI_FN64 + PSCI_FN_CPU_ON,
		PSCI_FN32 + PSCI_FN_AFFINITY_INFO, PSCI_FN64 + PSCI_FN_AFFINITY_INFO,
		PSCI_FN32 + PSCI_FN_SYSTEM_RESET2, PSCI_FN64 + PSCI_FN_SYSTEM_RESET2,
		PSCI_FN32 + PSCI_FN_FEATURES,
	};
	size_t i;

	for (i = 0; i < sizeof(fids) / sizeof(fids[0]); i++) {
		sim_fail(SIM_VCPU_GET_X, 1, EIO);
		cr_assert_eq(hvc_call(fids[i], 0, TEST_RAM_BASE, 0), PSCI_INTERNAL_FAILURE, "0x%x",
			     fids[i]);
	}
	cr_assert_eq(hvc.nr_reset + hvc.nr_cpu_on + hvc.nr_suspend, 0);
}

Test(psci, functions_without_arguments_fetch_none)
{
	hvc_call(PSCI_FN32 + PSCI_FN_VERSION, 0, 0, 0);
	hvc_call(PSCI_FN32 + PSCI_FN_CPU_OFF, 0, 0, 0);
	hvc_call(PSCI_FN32 + PSCI_FN_SYSTEM_OFF, 0, 0, 0);
	cr_assert_eq(sim_calls(SIM_VCPU_GET_X), 0);
}

Test(psci, ranges_are_registered_once)
{
	cr_assert_eq(psci_register(&hvc.psci, &hvc.table), -EEXIST);
}
