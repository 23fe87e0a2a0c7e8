// SPDX-License-Identifier: GPL-2.0
/* How the host is reached: HVC or SMC, whichever PSCI uses, or the window of the device tree. */
#include <linux/arm-smccc.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqflags.h>

#include "hvc_blk.h"

#define NOT_ANSWERED	0x6e6f6e65ULL	/* no call answers this */

static void smccc(enum hvc_blk_conduit conduit, u32 function, u64 x1, u64 x2, u64 x3,
		  struct arm_smccc_res *res)
{
	if (conduit == HVC_BLK_BY_HVC)
		arm_smccc_1_1_hvc(function, x1, x2, x3, res);
	else
		arm_smccc_1_1_smc(function, x1, x2, x3, res);
}

/* The block belongs to the CPU, and an interrupt may want to call as well. */
static s64 mmio_call(struct hvc_blk *hb, u32 function, u64 x1, u64 x2, u64 x3, u64 *out1)
{
	struct hvc_blk_mmio_call *call;
	unsigned long flags;
	s64 ret;

	local_irq_save(flags);
	call = hb->cpus[smp_processor_id()].call;
	memset(call, 0, sizeof(*call));
	call->function = cpu_to_le64(function);
	call->x[0] = cpu_to_le64(x1);
	call->x[1] = cpu_to_le64(x2);
	call->x[2] = cpu_to_le64(x3);
	call->ret[0] = cpu_to_le64(NOT_ANSWERED);
	mb(); /* the block is there before the host is told of it */
	writeq(virt_to_phys(call), hb->mmio + HVC_BLK_MMIO_CALL);
	mb(); /* and is read after the host has filled it */
	ret = (s64)le64_to_cpu(READ_ONCE(call->ret[0]));
	if (out1)
		*out1 = le64_to_cpu(READ_ONCE(call->ret[1]));
	local_irq_restore(flags);
	return ret == NOT_ANSWERED ? -EIO : ret;
}

s64 hvc_blk_call(struct hvc_blk *hb, u32 function, u64 x1, u64 x2, u64 x3, u64 *out1)
{
	struct arm_smccc_res res;

	if (hb->conduit == HVC_BLK_BY_MMIO)
		return mmio_call(hb, function, x1, x2, x3, out1);
	smccc(hb->conduit, function, x1, x2, x3, &res);
	if (out1)
		*out1 = res.a1;
	return (s64)res.a0;
}

int hvc_blk_ring_call(struct hvc_blk *hb, u32 function, u32 id)
{
	struct arm_smccc_res res;
	u32 at = function == HVC_BLK_DOORBELL ? HVC_BLK_MMIO_DOORBELL : HVC_BLK_MMIO_REAP;

	if (hb->conduit == HVC_BLK_BY_MMIO) {
		mb(); /* the rings are written before the host looks */
		return (int)(u32)readq(hb->mmio + at + 8 * id);
	}
	function += id;
	if (hb->conduit == HVC_BLK_BY_HVC)
		arm_smccc_1_1_hvc(function, &res);
	else
		arm_smccc_1_1_smc(function, &res);
	/* X0 as it was: accepted. */
	return res.a0 == function ? 0 : (int)res.a0;
}

/*
 * The device tree has the node, so the host is arcvisor; whether it can take calls is another
 * question: before Linux 6.4 KVM answers them itself, and says no.
 */
int hvc_blk_conduit_init(struct hvc_blk *hb)
{
	struct arm_smccc_res res = { .a0 = (unsigned long)-1 };

	switch (arm_smccc_1_1_get_conduit()) {
	case SMCCC_CONDUIT_HVC:
		hb->conduit = HVC_BLK_BY_HVC;
		smccc(hb->conduit, HVC_BLK_VERSION, 0, 0, 0, &res);
		break;
	case SMCCC_CONDUIT_SMC:
		hb->conduit = HVC_BLK_BY_SMC;
		smccc(hb->conduit, HVC_BLK_VERSION, 0, 0, 0, &res);
		break;
	default:
		break;
	}
	if ((s64)res.a0 < 0) {
		if (!hb->mmio)
			return -ENODEV;
		hb->conduit = HVC_BLK_BY_MMIO;
		res.a0 = hvc_blk_call(hb, HVC_BLK_VERSION, 0, 0, 0, &hb->features);
	} else {
		hb->features = res.a1;
	}
	if ((s64)res.a0 < 0 || res.a0 >> 16 != HVC_BLK_VERSION_2_0 >> 16)
		return -ENODEV;
	return hb->features & HVC_BLK_F_RINGS ? 0 : -ENODEV;
}
