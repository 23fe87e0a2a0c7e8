/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-extending MMIO loads, which KVM zero extends (docs/decisions/0006-sign-extension.md). */
#include "emulate.h"

#include "a64_ldst.h"
#include "stage1.h"

#define REG_ZERO 31

/* Without the top bit, extending the sign changes nothing: nearly all exits end here. */
static bool sign_may_matter(const struct vcpu_mmio *mmio)
{
	return !mmio->is_write && mmio->len < sizeof(mmio->data) &&
	       mmio->data >> (8 * mmio->len - 1);
}

/* PC still is at the load: the backend moves it when it takes the reply. */
static bool sign_decode(const struct exit_env *env, const struct vcpu_context *context,
			const struct vcpu_mmio *mmio, struct a64_ldst *ldst)
{
	uint32_t insn;

	return stage1_fetch(env->mem, context, &insn) == 0 && a64_ldst_decode(insn, ldst) &&
	       ldst->sign_extend && !ldst->pair && 1u << ldst->size == mmio->len &&
	       ldst->rt != REG_ZERO;
}

int mmio_extend_sign(const struct exit_env *env, const struct vcpu_exit *exit)
{
	const struct backend_ops *ops = env->ops;
	struct vcpu_context context;
	struct a64_ldst ldst;
	int ret;

	if (!sign_may_matter(&exit->mmio))
		return 0;
	ret = ops->vcpu_get_context(env->backend, &context);
	if (ret < 0)
		return ret;
	if (!sign_decode(env, &context, &exit->mmio, &ldst))
		return 0;
	ret = ops->vcpu_reply(env->backend, exit);
	if (ret == 0)
		ret = ops->vcpu_settle(env->backend);
	if (ret == 0)
		ret = ops->vcpu_set_x(env->backend, ldst.rt,
				      a64_ldst_value(&ldst, exit->mmio.data));
	return ret < 0 ? ret : 1;
}
