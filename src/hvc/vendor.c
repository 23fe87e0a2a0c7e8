/* SPDX-License-Identifier: Apache-2.0 */
/* The vendor range: the block service, or a probe that finds no disks. */
#include "hvc/vendor.h"

#include "hvc/hvc_blk.h"

_Static_assert(VENDOR_FN_PROBE == HVC_BLK_PROBE && VENDOR_FN_FIRST == HVC_BLK_FN_BASE, "range");

static enum smccc_action vendor_call(void *ctx, struct smccc_call *call)
{
	uint32_t fid = call->exit->fid;

	if (ctx && fid - HVC_BLK_FN_BASE < HVC_BLK_FN_COUNT)
		hvc_blk_call(ctx, call);
	else
		smccc_return(call, !ctx && fid == VENDOR_FN_PROBE ? 0 : SMCCC_NOT_SUPPORTED);
	return SMCCC_RETURN;
}

int vendor_register(struct smccc_table *table, struct hvc_blk *blk)
{
	return smccc_table_add(table, VENDOR_FN_FIRST, VENDOR_FN_COUNT, "vendor", vendor_call, blk);
}
