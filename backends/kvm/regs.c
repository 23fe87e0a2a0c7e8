/* SPDX-License-Identifier: Apache-2.0 */
/* vCPU registers by KVM_GET_ONE_REG and KVM_SET_ONE_REG (api.rst 4.68, 4.69). */
#include <errno.h>

#include "base/util.h"
#include "kvm.h"

#define CORE_REG(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))

#define SYS_REG(op0, op1, crn, crm, op2) ARM64_SYS_REG(op0, op1, crn, crm, op2)

/* A register, and where its value goes in the structure that is being filled. */
struct reg_place {
	uint64_t id;
	size_t offset;
};

/* Registers of struct vcpu_regs, beyond X0 to X30. */
static const struct reg_place state_regs[] = {
	{ CORE_REG(regs.sp), offsetof(struct vcpu_regs, sp) },
	{ CORE_REG(regs.pc), offsetof(struct vcpu_regs, pc) },
	{ CORE_REG(regs.pstate), offsetof(struct vcpu_regs, pstate) },
	{ CORE_REG(sp_el1), offsetof(struct vcpu_regs, sp_el1) },
	{ CORE_REG(elr_el1), offsetof(struct vcpu_regs, elr_el1) },
	{ CORE_REG(spsr[KVM_SPSR_EL1]), offsetof(struct vcpu_regs, spsr_el1) },
	{ SYS_REG(3, 0, 1, 0, 0), offsetof(struct vcpu_regs, sctlr_el1) },
	{ SYS_REG(3, 0, 2, 0, 2), offsetof(struct vcpu_regs, tcr_el1) },
	{ SYS_REG(3, 0, 2, 0, 0), offsetof(struct vcpu_regs, ttbr0_el1) },
	{ SYS_REG(3, 0, 2, 0, 1), offsetof(struct vcpu_regs, ttbr1_el1) },
	{ SYS_REG(3, 0, 10, 2, 0), offsetof(struct vcpu_regs, mair_el1) },
	{ SYS_REG(3, 0, 5, 2, 0), offsetof(struct vcpu_regs, esr_el1) },
	{ SYS_REG(3, 0, 6, 0, 0), offsetof(struct vcpu_regs, far_el1) },
	{ SYS_REG(3, 0, 12, 0, 0), offsetof(struct vcpu_regs, vbar_el1) },
	{ SYS_REG(3, 0, 0, 0, 5), offsetof(struct vcpu_regs, mpidr_el1) },
};

/* Registers of struct vcpu_context, but for the stack pointer. */
static const struct reg_place context_regs[] = {
	{ CORE_REG(regs.pc), offsetof(struct vcpu_context, pc) },
	{ CORE_REG(regs.pstate), offsetof(struct vcpu_context, pstate) },
	{ SYS_REG(3, 0, 1, 0, 0), offsetof(struct vcpu_context, sctlr_el1) },
	{ SYS_REG(3, 0, 2, 0, 2), offsetof(struct vcpu_context, tcr_el1) },
	{ SYS_REG(3, 0, 2, 0, 0), offsetof(struct vcpu_context, ttbr0_el1) },
	{ SYS_REG(3, 0, 2, 0, 1), offsetof(struct vcpu_context, ttbr1_el1) },
};

static int get_reg(const struct backend_vcpu *vcpu, uint64_t id, void *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return kvm_ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg);
}

static int set_reg(const struct backend_vcpu *vcpu, uint64_t id, uint64_t val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	return kvm_ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

int kvm_vcpu_get_reg(const struct backend_vcpu *vcpu, uint64_t id, uint64_t *val)
{
	return get_reg(vcpu, id, val);
}

int kvm_vcpu_set_reg(const struct backend_vcpu *vcpu, uint64_t id, uint64_t val)
{
	return set_reg(vcpu, id, val);
}

static int get_places(const struct backend_vcpu *vcpu, const struct reg_place *place, size_t nr,
		      void *out)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < nr; i++)
		ret = get_reg(vcpu, place[i].id, (char *)out + place[i].offset);
	return ret;
}

/* A register is two of the 32-bit units that core register numbers count. */
static uint64_t x_reg(unsigned int n)
{
	return CORE_REG(regs.regs[0]) + 2 * (uint64_t)n;
}

int kvm_vcpu_get_x(struct backend_vcpu *vcpu, unsigned int first, unsigned int count, uint64_t *val)
{
	if (first + count > 31)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		int ret = get_reg(vcpu, x_reg(first + i), &val[i]);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int kvm_vcpu_set_x(struct backend_vcpu *vcpu, unsigned int n, uint64_t val)
{
	return n > 30 ? -EINVAL : set_reg(vcpu, x_reg(n), val);
}

int kvm_vcpu_set_pc(struct backend_vcpu *vcpu, uint64_t val)
{
	return set_reg(vcpu, CORE_REG(regs.pc), val);
}

int kvm_vcpu_get_regs(struct backend_vcpu *vcpu, struct vcpu_regs *regs)
{
	int ret = kvm_vcpu_get_x(vcpu, 0, ARRAY_SIZE(regs->x), regs->x);

	return ret ? ret : get_places(vcpu, state_regs, ARRAY_SIZE(state_regs), regs);
}

static uint64_t sp_reg(uint64_t pstate)
{
	return pstate & PSTATE_SP ? CORE_REG(sp_el1) : CORE_REG(regs.sp);
}

int kvm_vcpu_get_context(struct backend_vcpu *vcpu, struct vcpu_context *context)
{
	int ret = get_places(vcpu, context_regs, ARRAY_SIZE(context_regs), context);

	return ret ? ret : get_reg(vcpu, sp_reg(context->pstate), &context->sp);
}

int kvm_vcpu_set_sp(struct backend_vcpu *vcpu, uint64_t val)
{
	uint64_t pstate;
	int ret = get_reg(vcpu, CORE_REG(regs.pstate), &pstate);

	return ret ? ret : set_reg(vcpu, sp_reg(pstate), val);
}

int kvm_vcpu_skip(struct backend_vcpu *vcpu)
{
	uint64_t pc, pstate;
	int ret = get_reg(vcpu, CORE_REG(regs.pc), &pc);

	if (ret == 0)
		ret = get_reg(vcpu, CORE_REG(regs.pstate), &pstate);
	if (ret == 0)
		ret = kvm_vcpu_set_pc(vcpu, pc + 4);
	if (ret == 0)
		ret = set_reg(vcpu, CORE_REG(regs.pstate), pstate & ~(PSTATE_BTYPE | PSTATE_SS));
	return ret;
}

int kvm_vcpu_inject_sea(struct backend_vcpu *vcpu)
{
	struct kvm_vcpu_events events = { .exception = { .ext_dabt_pending = 1 } };

	return kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}

int kvm_vcpu_get_counter(struct backend_vcpu *vcpu, uint64_t *val)
{
	return get_reg(vcpu, KVM_REG_ARM_TIMER_CNT, val);
}

/* KVM moves the offset of all vCPUs (arch_timer.c, kvm_arm_timer_set_reg()). */
int kvm_vcpu_set_counter(struct backend_vcpu *vcpu, uint64_t val)
{
	return set_reg(vcpu, KVM_REG_ARM_TIMER_CNT, val);
}
