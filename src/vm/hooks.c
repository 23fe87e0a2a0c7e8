/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on each vCPU's own thread, for every part that keeps something there. */
#include "guest.h"

static int on_start(void *ctx, unsigned int vcpu)
{
	struct guest *guest = ctx;

	int ret = guest->hvc.blk ? hvc_blk_attach(guest->hvc.blk, vcpu) : 0;

	return ret == 0 ? disks_attach(guest, vcpu) : ret;
}

static void on_interrupted(void *ctx, unsigned int vcpu)
{
	disks_interrupted(ctx, vcpu);
}

static void on_entry(void *ctx, unsigned int vcpu)
{
	disks_reap(ctx, vcpu);
}

static void on_park(void *ctx, unsigned int vcpu)
{
	struct guest *guest = ctx;

	if (guest->hvc.blk)
		hvc_blk_drain(guest->hvc.blk, vcpu);
	disks_drain(guest, vcpu);
}

static void on_end(void *ctx, unsigned int vcpu)
{
	on_park(ctx, vcpu);
	disks_detach(ctx, vcpu);
}

static const struct vcpu_hook_ops hook_ops = {
	.start = on_start,
	.park = on_park,
	.end = on_end,
};

/* For who serves disks inline; others need not look at each entry. */
static const struct vcpu_hook_ops inline_hook_ops = {
	.start = on_start,
	.interrupted = on_interrupted,
	.entry = on_entry,
	.park = on_park,
	.end = on_end,
};

struct vcpu_hooks guest_hooks(struct guest *guest)
{
	return (struct vcpu_hooks){ guest->disks.nr_inline ? &inline_hook_ops : &hook_ops, guest };
}
