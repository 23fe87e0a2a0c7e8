// SPDX-License-Identifier: GPL-2.0
/* How the host is reached: HVC or SMC, whichever PSCI uses, or the window of the device tree. */
#include <linux/arm-smccc.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqflags.h>

#include "hvc_blk.h"

#define NOT_ANSWERED	0x6e6f6e65ULL	/* no call answers this */

/* X1 to X4 of a call. */
struct args {
	u64 x[4];
};

static void smccc(enum hvc_blk_conduit conduit, u32 function, const struct args *args,
		  struct arm_smccc_res *res)
{
	const u64 *x = args->x;

	if (conduit == HVC_BLK_BY_HVC)
		arm_smccc_1_1_hvc(function, x[0], x[1], x[2], x[3], res);
	else
		arm_smccc_1_1_smc(function, x[0], x[1], x[2], x[3], res);
}

/* The block belongs to the CPU, and an interrupt may want to call as well. */
static s64 mmio_call(struct hvc_blk *hb, u32 function, const struct args *args, u64 *out1)
{
	struct hvc_blk_mmio_call *call;
	unsigned long flags;
	unsigned int i;
	s64 ret;

	local_irq_save(flags);
	call = hb->cpus[smp_processor_id()].call;
	memset(call, 0, sizeof(*call));
	call->function = cpu_to_le64(function);
	for (i = 0; i < ARRAY_SIZE(args->x); i++)
		call->x[i] = cpu_to_le64(args->x[i]);
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

static s64 call_with(struct hvc_blk *hb, u32 function, const struct args *args, u64 *out1)
{
	struct arm_smccc_res res;

	if (hb->conduit == HVC_BLK_BY_MMIO)
		return mmio_call(hb, function, args, out1);
	smccc(hb->conduit, function, args, &res);
	if (out1)
		*out1 = res.a1;
	return (s64)res.a0;
}

s64 hvc_blk_call(struct hvc_blk *hb, u32 function, u64 x1, u64 x2, u64 x3, u64 *out1)
{
	const struct args args = { { x1, x2, x3 } };

	return call_with(hb, function, &args, out1);
}

s64 hvc_blk_transfer(struct hvc_blk *hb, u32 function, u32 disk, u64 sector, u64 gpa, u32 bytes)
{
	const struct args args = { { disk, sector, gpa, bytes } };

	return call_with(hb, function, &args, NULL);
}

/* Those that every request needs have an offset; a poller that sleeps is woken by a call. */
static int mmio_ring_call(struct hvc_blk *hb, u32 function, u32 id)
{
	static const struct args none;
	u32 at = function == HVC_BLK_DOORBELL ? HVC_BLK_MMIO_DOORBELL : HVC_BLK_MMIO_REAP;

	if (function == HVC_BLK_WAKEUP)
		return (int)mmio_call(hb, function + id, &none, NULL);
	mb(); /* the rings are written before the host looks */
	return (int)(u32)readq(hb->mmio + at + 8 * id);
}

int hvc_blk_ring_call(struct hvc_blk *hb, u32 function, u32 id)
{
	struct arm_smccc_res res;

	if (hb->conduit == HVC_BLK_BY_MMIO)
		return mmio_ring_call(hb, function, id);
	function += id;
	if (hb->conduit == HVC_BLK_BY_HVC)
		arm_smccc_1_1_hvc(function, &res);
	else
		arm_smccc_1_1_smc(function, &res);
	/* X0 as it was: accepted. */
	return res.a0 == function ? 0 : (int)res.a0;
}

/* By the conduit of PSCI, which is none where the machine takes no calls. */
static bool take_conduit(struct hvc_blk *hb)
{
	switch (arm_smccc_1_1_get_conduit()) {
	case SMCCC_CONDUIT_HVC:
		hb->conduit = HVC_BLK_BY_HVC;
		return true;
	case SMCCC_CONDUIT_SMC:
		hb->conduit = HVC_BLK_BY_SMC;
		return true;
	default:
		return false;
	}
}

static bool has_rings(struct hvc_blk *hb)
{
	s64 version = hvc_blk_call(hb, HVC_BLK_VERSION, 0, 0, 0, &hb->features);

	if (version < 0 || version >> 16 != HVC_BLK_VERSION_2_0 >> 16)
		return false;
	return hb->features & HVC_BLK_F_RINGS;
}

static bool has_disks(struct hvc_blk *hb)
{
	return hvc_blk_call(hb, HVC_BLK_PROBE, 0, 0, 0, NULL) > 0;
}

/* @answers by a call, else by the window. */
static bool find_conduit(struct hvc_blk *hb, bool (*answers)(struct hvc_blk *hb))
{
	if (take_conduit(hb) && answers(hb))
		return true;
	hb->conduit = HVC_BLK_BY_MMIO;
	return hb->mmio && answers(hb);
}

/*
 * The device tree has the node, or somebody vouches for the machine; whether it can take calls is
 * another question: before Linux 6.4 KVM answers them itself, and says no.
 */
int hvc_blk_conduit_init(struct hvc_blk *hb)
{
	/* Rings need the interrupts of the node. */
	hb->version = 2;
	if (hvc_blk_version != 1 && hb->dev->of_node && find_conduit(hb, has_rings))
		return 0;
	hb->version = 1;
	hb->features = 0;
	return find_conduit(hb, has_disks) ? 0 : -ENODEV;
}
