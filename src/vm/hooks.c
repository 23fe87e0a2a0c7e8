/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on each vCPU's own thread, for every part that keeps something there. */
#include "guest.h"

static int on_start(void *ctx, unsigned int vcpu)
{
	struct guest *guest = ctx;

	return guest->hvc.blk ? hvc_blk_attach(guest->hvc.blk, vcpu) : 0;
}

static void on_park(void *ctx, unsigned int vcpu)
{
	struct guest *guest = ctx;

	if (guest->hvc.blk)
		hvc_blk_drain(guest->hvc.blk, vcpu);
}

static const struct vcpu_hook_ops hook_ops = {
	.start = on_start,
	.park = on_park,
	.end = on_park,
};

struct vcpu_hooks guest_hooks(struct guest *guest)
{
	return (struct vcpu_hooks){ &hook_ops, guest };
}
