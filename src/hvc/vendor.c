/* SPDX-License-Identifier: Apache-2.0 */
/* The vendor range: today a probe that finds no disks. */
#include "hvc/vendor.h"

#define VENDOR_NR_DEVICES 0u

static enum smccc_action vendor_call(void *ctx, struct smccc_call *call)
{
	bool probes = call->exit->fid == VENDOR_FN_PROBE;

	(void)ctx;
	smccc_return(call, probes ? VENDOR_NR_DEVICES : SMCCC_NOT_SUPPORTED);
	return SMCCC_RETURN;
}

int vendor_register(struct smccc_table *table)
{
	return smccc_table_add(table, VENDOR_FN_FIRST, VENDOR_FN_COUNT, "vendor", vendor_call,
			       NULL);
}
