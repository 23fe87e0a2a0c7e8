/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vendor range 0xC200_0000 .. 0xC200_FFFF (SMCCC owner 2, 64-bit fast calls): the block
 * service where the machine has disks for it, else PROBE alone, which then says that it has none.
 * All else answers NOT_SUPPORTED.
 */
#ifndef ARCVISOR_HVC_VENDOR_H
#define ARCVISOR_HVC_VENDOR_H

#include "exit/smccc.h"

struct hvc_blk;

#define VENDOR_FN_FIRST 0xc2000000u
#define VENDOR_FN_COUNT 0x10000u
#define VENDOR_FN_PROBE 0xc2000000u

/* Registers the service; @blk outlives the table, or is NULL. Errors as smccc_table_add(). */
int vendor_register(struct smccc_table *table, struct hvc_blk *blk);

#endif
