/* SPDX-License-Identifier: Apache-2.0 */
/* Where a test puts a queue of a hypercall disk. No test framework. */
#ifndef ARCVISOR_TESTS_HVC_QUEUE_H
#define ARCVISOR_TESTS_HVC_QUEUE_H

#include "abi/hvc_blk.h"
#include "mem/gmem.h"

#define HVC_QUEUE_SQ 0x1000u
#define HVC_QUEUE_CQ 0x2000u

/* A page each, from @base on: header, requests, completions; at most 64 @entries of both. */
static inline struct hvc_blk_queue_config hvc_queue_at(gpa_t base, unsigned int entries)
{
	return (struct hvc_blk_queue_config){
		.sq_entries = entries,
		.cq_entries = entries,
		.header = base,
		.sq = base + HVC_QUEUE_SQ,
		.cq = base + HVC_QUEUE_CQ,
	};
}

#endif
