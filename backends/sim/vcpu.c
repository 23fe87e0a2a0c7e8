/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated vCPUs: play the script, take the replies. */
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

#define PSTATE_EL1H_DAIF 0x3c5u	     /* Arm DDI0487 C5.2, SPSR_EL1: D, A, I, F, M = EL1h */
#define SCTLR_EL1_RES1	 0x30d00800u /* Arm DDI0487 D24.2.175: MMU and caches off */
#define MPIDR_EL1_RES1	 BIT(31)     /* Arm DDI0487 D24.2.125 */

/* Takes the lock and counts the call; a vCPU that is not there is the caller's error. */
static int sim_enter_vcpu(enum sim_op op, const struct backend_vcpu *vcpu)
{
	int err = sim_enter(op);

	assert(vcpu->created);
	return err;
}

static void sim_reset_regs(struct backend_vcpu *vcpu)
{
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs.pstate = PSTATE_EL1H_DAIF;
	vcpu->regs.sctlr_el1 = SCTLR_EL1_RES1;
	vcpu->regs.mpidr_el1 = MPIDR_EL1_RES1 | mpidr_of_index(vcpu->index);
	vcpu->answerable = false;
	vcpu->reply.kind = VCPU_EXIT_INTERRUPTED;
}

static int sim_create_locked(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out)
{
	struct backend_vcpu *vcpu;

	assert(vm->alive);
	if (index >= SIM_MAX_VCPUS || index >= sim_host.caps.max_vcpus)
		return -EINVAL;
	vcpu = sim_vcpu_locked(index);
	if (vcpu->created)
		return -EEXIST;
	vcpu->created = true;
	vcpu->interrupted = false;
	vcpu->was_reset = false;
	sim_reset_regs(vcpu);
	vm->nr_vcpus++;
	*out = vcpu;
	return 0;
}

int sim_vcpu_create(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out)
{
	int err = sim_enter(SIM_VCPU_CREATE);

	if (!err)
		err = sim_create_locked(vm, index, out);
	sim_unlock();
	return err;
}

void sim_vcpu_destroy(struct backend_vcpu *vcpu)
{
	sim_enter_vcpu(SIM_VCPU_DESTROY, vcpu);
	assert(!vcpu->waiting);
	vcpu->created = false;
	sim_host.vm.nr_vcpus--;
	sim_unlock();
}

int sim_vcpu_reset(struct backend_vcpu *vcpu, const struct vcpu_boot *boot)
{
	int err = sim_enter_vcpu(SIM_VCPU_RESET, vcpu);

	if (!err) {
		sim_reset_regs(vcpu);
		vcpu->regs.pc = boot->pc;
		vcpu->regs.x[0] = boot->x0;
		vcpu->boot = *boot;
		vcpu->was_reset = true;
	}
	sim_unlock();
	return err;
}

/* Puts a reply that is pending in the registers. Of what is kept here, only calls have any. */
static void sim_settle_locked(struct backend_vcpu *vcpu)
{
	const struct vcpu_exit *reply = &vcpu->reply;

	if (reply->kind == VCPU_EXIT_SMCCC)
		memcpy(vcpu->regs.x, reply->smccc.ret,
		       reply->smccc.nr_ret * sizeof(reply->smccc.ret[0]));
	vcpu->reply.kind = VCPU_EXIT_INTERRUPTED;
}

static void sim_wait_locked(struct backend_vcpu *vcpu)
{
	while (!sim_has_work(vcpu)) {
		vcpu->waiting = true;
		pthread_cond_broadcast(&sim_host.changed);
		pthread_cond_wait(&sim_host.changed, &sim_host.lock);
	}
	vcpu->waiting = false;
}

static int sim_play_locked(struct backend_vcpu *vcpu, struct vcpu_exit *exit)
{
	const struct sim_step *step;

	vcpu->answerable = true;
	vcpu->exit = (struct vcpu_exit){ .kind = VCPU_EXIT_INTERRUPTED };
	if (!vcpu->interrupted) {
		step = &vcpu->steps[vcpu->next_step++];
		if (step->err) {
			vcpu->answerable = false;
			return -step->err;
		}
		memcpy(vcpu->regs.x, step->x, step->nr_x * sizeof(step->x[0]));
		vcpu->exit = step->exit;
	}
	vcpu->interrupted = false;
	*exit = vcpu->exit;
	return 0;
}

int sim_vcpu_run(struct backend_vcpu *vcpu, struct vcpu_exit *exit)
{
	int err = sim_enter_vcpu(SIM_VCPU_RUN, vcpu);

	if (!err) {
		sim_host.vm.has_run = true;
		sim_settle_locked(vcpu);
		sim_wait_locked(vcpu);
		err = sim_play_locked(vcpu, exit);
	}
	sim_unlock();
	return err;
}

static int sim_reply_locked(struct backend_vcpu *vcpu, const struct vcpu_exit *exit)
{
	if (!vcpu->answerable || exit->kind != vcpu->exit.kind)
		return -EINVAL;
	if (exit->kind == VCPU_EXIT_SMCCC && exit->smccc.nr_ret > ARRAY_SIZE(exit->smccc.ret))
		return -EINVAL;
	vcpu->answerable = false;
	vcpu->reply = *exit;
	if (exit->kind == VCPU_EXIT_INTERRUPTED)
		return 0;
	vcpu->replies = sim_grow(vcpu->replies, vcpu->nr_replies, &vcpu->max_replies,
				 sizeof(*vcpu->replies));
	vcpu->replies[vcpu->nr_replies++] = *exit;
	return 0;
}

int sim_vcpu_reply(struct backend_vcpu *vcpu, const struct vcpu_exit *exit)
{
	int err = sim_enter_vcpu(SIM_VCPU_REPLY, vcpu);

	if (!err)
		err = sim_reply_locked(vcpu, exit);
	sim_unlock();
	return err;
}

int sim_vcpu_settle(struct backend_vcpu *vcpu)
{
	int err = sim_enter_vcpu(SIM_VCPU_SETTLE, vcpu);

	if (!err)
		sim_settle_locked(vcpu);
	sim_unlock();
	return err;
}

void sim_vcpu_interrupt(struct backend_vcpu *vcpu)
{
	sim_enter_vcpu(SIM_VCPU_INTERRUPT, vcpu);
	vcpu->interrupted = true;
	sim_unlock();
}

int sim_vcpu_get_x(struct backend_vcpu *vcpu, unsigned int first, unsigned int count, uint64_t *val)
{
	int err = sim_enter_vcpu(SIM_VCPU_GET_X, vcpu);

	if (!err && !range_within(first, count, 0, ARRAY_SIZE(vcpu->regs.x)))
		err = -EINVAL;
	if (!err)
		memcpy(val, &vcpu->regs.x[first], count * sizeof(*val));
	sim_unlock();
	return err;
}

int sim_vcpu_set_x(struct backend_vcpu *vcpu, unsigned int n, uint64_t val)
{
	int err = sim_enter_vcpu(SIM_VCPU_SET_X, vcpu);

	if (!err && n >= ARRAY_SIZE(vcpu->regs.x))
		err = -EINVAL;
	if (!err)
		vcpu->regs.x[n] = val;
	sim_unlock();
	return err;
}

int sim_vcpu_get_regs(struct backend_vcpu *vcpu, struct vcpu_regs *regs)
{
	int err = sim_enter_vcpu(SIM_VCPU_GET_REGS, vcpu);

	if (!err)
		*regs = vcpu->regs;
	sim_unlock();
	return err;
}

/* The stack pointer that PSTATE selects. */
static uint64_t *sim_sp(struct vcpu_regs *regs)
{
	return regs->pstate & PSTATE_SP ? &regs->sp_el1 : &regs->sp;
}

int sim_vcpu_get_context(struct backend_vcpu *vcpu, struct vcpu_context *context)
{
	int err = sim_enter_vcpu(SIM_VCPU_GET_CONTEXT, vcpu);
	struct vcpu_regs *regs = &vcpu->regs;

	if (!err)
		*context = (struct vcpu_context){
			.pc = regs->pc,
			.pstate = regs->pstate,
			.sp = *sim_sp(regs),
			.sctlr_el1 = regs->sctlr_el1,
			.tcr_el1 = regs->tcr_el1,
			.ttbr0_el1 = regs->ttbr0_el1,
			.ttbr1_el1 = regs->ttbr1_el1,
		};
	sim_unlock();
	return err;
}

int sim_vcpu_set_sp(struct backend_vcpu *vcpu, uint64_t val)
{
	int err = sim_enter_vcpu(SIM_VCPU_SET_SP, vcpu);

	if (!err)
		*sim_sp(&vcpu->regs) = val;
	sim_unlock();
	return err;
}

int sim_vcpu_skip(struct backend_vcpu *vcpu)
{
	int err = sim_enter_vcpu(SIM_VCPU_SKIP, vcpu);

	if (!err) {
		vcpu->regs.pc += 4;
		vcpu->regs.pstate &= ~(PSTATE_BTYPE | PSTATE_SS);
	}
	sim_unlock();
	return err;
}

int sim_vcpu_inject_sea(struct backend_vcpu *vcpu)
{
	int err = sim_enter_vcpu(SIM_VCPU_INJECT_SEA, vcpu);

	sim_unlock();
	return err;
}

int sim_vcpu_get_counter(struct backend_vcpu *vcpu, uint64_t *val)
{
	int err = sim_enter_vcpu(SIM_VCPU_GET_COUNTER, vcpu);

	if (!err)
		*val = sim_host.counter;
	sim_unlock();
	return err;
}

int sim_vcpu_set_counter(struct backend_vcpu *vcpu, uint64_t val)
{
	int err = sim_enter_vcpu(SIM_VCPU_SET_COUNTER, vcpu);

	if (!err)
		sim_host.counter = val;
	sim_unlock();
	return err;
}
