/* SPDX-License-Identifier: Apache-2.0 */
/* The vendor range. */
#include "hvc/vendor.h"

#include <criterion/criterion.h>

#include "fixture.h"

TestSuite(vendor, .init = hvc_init, .fini = hvc_fini);

Test(vendor, probe_finds_no_disks)
{
	cr_assert_eq(hvc_call(VENDOR_FN_PROBE, 0, 0, 0), 0);
	cr_assert_eq(hvc.action, SMCCC_RETURN);
	cr_assert_eq(hvc.nr_ret, 1);
}

Test(vendor, every_other_call_is_not_supported)
{
	uint32_t fid;

	for (fid = VENDOR_FN_FIRST + 1; fid < VENDOR_FN_FIRST + VENDOR_FN_COUNT; fid++)
		cr_assert_eq(hvc_call(fid, 0, 0, 0), -1, "0x%x", fid);
}

Test(vendor, range_is_registered_once)
{
	cr_assert_lt(vendor_register(&hvc.table, NULL), 0);
}
