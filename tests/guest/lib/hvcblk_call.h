/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the hypercall disks in each way there is, for a test that is built once a way: with
 * BY_HVC, BY_SMC, or BY_MMIO for the loads and stores that do the same.
 */
#ifndef GUEST_HVCBLK_CALL_H
#define GUEST_HVCBLK_CALL_H

#if defined(BY_SMC)
#define CONDUIT smc
#elif defined(BY_HVC)
#define CONDUIT hvc
#endif

#include "check.h"
#include "cpu.h"
#include "hvcblk.h"
#include "mmio.h"
#include "smccc.h"

#define HVCBLK_WINDOW	   0x0b000000UL
#define HVCBLK_UNANSWERED  0x6e6f6e65UL
#define HVCBLK_SENTINEL(n) (0x5e17000000000000UL | (n))

static uint64_t hvcblk_results[4]; /* X0 to X3 of the latest call */

#ifdef BY_MMIO
static struct hvc_blk_mmio_call hvcblk_block;

static inline int64_t hvcblk_call4(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3,
				   uint64_t x4)
{
	hvcblk_block = (struct hvc_blk_mmio_call){ .function = function,
						   .x = { x1, x2, x3, x4 },
						   .ret = { HVCBLK_UNANSWERED } };
	dsb();
	mmio_write64(HVCBLK_WINDOW + HVC_BLK_MMIO_CALL, (uintptr_t)&hvcblk_block);
	dsb();
	for (unsigned int i = 0; i < 4; i++)
		hvcblk_results[i] = hvcblk_block.ret[i];
	return (int64_t)hvcblk_results[0];
}

/* DOORBELL, REAP, DOORBELL_WAIT, WAKEUP of queue @number: 0 accepted, or the error. */
static inline int64_t hvcblk_ring(uint32_t function, uint32_t number)
{
	uintptr_t at = HVCBLK_WINDOW + 8UL * number;

	dsb();
	if (function == HVC_BLK_DOORBELL)
		return (int32_t)mmio_read64(at);
	if (function == HVC_BLK_REAP)
		return (int32_t)mmio_read64(at + HVC_BLK_MMIO_REAP);
	return hvcblk_call4(function + number, 0, 0, 0, 0);
}
#else
static inline int64_t hvcblk_call4(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3,
				   uint64_t x4)
{
	struct smccc_regs regs = { .x = { function, x1, x2, x3, x4 } };

	smccc_call(&regs);
	for (unsigned int i = 0; i < 4; i++)
		hvcblk_results[i] = regs.x[i];
	return (int64_t)regs.x[0];
}

/* 0 where X0 came back as it was; no other register ever changes. */
static inline int64_t hvcblk_ring(uint32_t function, uint32_t number)
{
	struct smccc_regs regs = { .x = { function + number } };
	unsigned int changed = 0;

	for (unsigned int i = 1; i < SMCCC_REGS; i++)
		regs.x[i] = HVCBLK_SENTINEL(i);
	smccc_call(&regs);
	for (unsigned int i = 1; i < SMCCC_REGS; i++)
		changed += regs.x[i] != HVCBLK_SENTINEL(i);
	if (changed)
		check_eq(changed, 0, "0x%x keeps x1 to x17", function + number);
	return regs.x[0] == function + number ? 0 : (int64_t)regs.x[0];
}
#endif

static inline int64_t hvcblk_call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
	return hvcblk_call4(function, x1, x2, x3, 0);
}

/* QUEUE_SETUP as @queue's configuration says, then ENABLE: whether both went well. */
static inline bool hvcblk_open(struct hvcblk_queue *queue)
{
	int64_t number = hvcblk_call(HVC_BLK_QUEUE_SETUP, (uintptr_t)&queue->config,
				     sizeof(queue->config), 0);

	if (number < 0)
		return false;
	queue->id = (uint32_t)number;
	return hvcblk_call(HVC_BLK_QUEUE_CTRL, queue->id, HVC_BLK_CTRL_ENABLE, 0) == 0;
}

#endif
