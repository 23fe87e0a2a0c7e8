/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vendor range 0xC200_0000 .. 0xC200_FFFF (SMCCC owner 2, 64-bit fast calls).
 *
 * Today it holds PROBE alone, which says how many disks the fast path serves: none yet. All
 * else answers NOT_SUPPORTED.
 */
#ifndef ARCVISOR_HVC_VENDOR_H
#define ARCVISOR_HVC_VENDOR_H

#include "exit/smccc.h"

#define VENDOR_FN_FIRST 0xc2000000u
#define VENDOR_FN_COUNT 0x10000u
#define VENDOR_FN_PROBE 0xc2000000u

/* Registers the service. Errors as smccc_table_add(). */
int vendor_register(struct smccc_table *table);

#endif
