/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU on KVM: creation, reset, KVM_RUN, replies, kicks. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "kvm.h"

static void vcpu_unlink(struct backend_vcpu *vcpu)
{
	struct backend_vcpu **link = &vcpu->vm->vcpus;

	while (*link && *link != vcpu)
		link = &(*link)->next;
	if (*link)
		*link = vcpu->next;
}

void kvm_vcpu_destroy(struct backend_vcpu *vcpu)
{
	if (!vcpu)
		return;
	vcpu_unlink(vcpu);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	free(vcpu);
}

static int set_mp_state(const struct backend_vcpu *vcpu, uint32_t mp_state)
{
	struct kvm_mp_state state = { .mp_state = mp_state };

	return kvm_ioctl(vcpu->fd, KVM_SET_MP_STATE, &state);
}

/* Always with the same features: KVM before 6.5 refuses any others the second time. */
static int vcpu_init(const struct backend_vcpu *vcpu)
{
	return kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &vcpu->vm->init);
}

static int vcpu_open(struct backend_vcpu *vcpu)
{
	void *run;
	int ret;

	vcpu->fd = kvm_ioctl_value(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->index);
	if (vcpu->fd < 0)
		return vcpu->fd;
	run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	/* The interrupt controller initialises only over vCPUs that have been. */
	ret = vcpu_init(vcpu);
	return ret < 0 ? ret : kvm_features_init_vcpu(vcpu);
}

int kvm_vcpu_create(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out)
{
	struct backend_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int ret;

	if (!vcpu)
		return -ENOMEM;
	vcpu->index = index;
	vcpu->vm = vm;
	vcpu->run_size = vm->run_size;
	ret = vcpu_open(vcpu);
	if (ret < 0) {
		kvm_vcpu_destroy(vcpu);
		return ret;
	}
	vcpu->next = vm->vcpus;
	vm->vcpus = vcpu;
	*out = vcpu;
	return 0;
}

/* KVM's reset state is EL1h, DAIF masked, MMU off, X1 to X30 zero: only two registers differ. */
int kvm_vcpu_reset(struct backend_vcpu *vcpu, const struct vcpu_boot *boot)
{
	int ret = vcpu_init(vcpu);

	if (ret == 0)
		ret = kvm_features_reset(vcpu);
	if (ret == 0 && boot->powered_off)
		return set_mp_state(vcpu, KVM_MP_STATE_STOPPED);
	if (ret == 0)
		ret = kvm_vcpu_set_pc(vcpu, boot->pc);
	if (ret == 0)
		ret = kvm_vcpu_set_x(vcpu, 0, boot->x0);
	return ret;
}

/*
 * After a kick: whoever sends one stores its request first, then immediate_exit. We clear
 * immediate_exit first and let the run loop read requests after; this fence, with the one in
 * kvm_vcpu_interrupt(), keeps both orders, so that a request is seen or causes another exit.
 */
static void clear_kick(struct backend_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
}

void kvm_vcpu_interrupt(struct backend_vcpu *vcpu)
{
	atomic_thread_fence(memory_order_seq_cst); /* pairs with clear_kick() */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
}

int kvm_vcpu_run(struct backend_vcpu *vcpu, struct vcpu_exit *exit)
{
	struct kvm_run *run = vcpu->run;
	int ret = kvm_ioctl_value(vcpu->fd, KVM_RUN, 0);

	if (ret == -EINTR || ret == -EAGAIN) {
		clear_kick(vcpu);
		exit->kind = VCPU_EXIT_INTERRUPTED;
		return 0;
	}
	/* A fault that the host cannot resolve comes as an error and an exit both. */
	if (ret < 0 && !(ret == -EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT))
		return ret;
	kvm_decode_exit(run, exit);
	if (run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
	    run->system_event.type == KVM_SYSTEM_EVENT_WAKEUP)
		return set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
	return 0;
}

int kvm_vcpu_reply(struct backend_vcpu *vcpu, const struct vcpu_exit *exit)
{
	if (exit->kind == VCPU_EXIT_MMIO) {
		kvm_encode_mmio(vcpu->run, &exit->mmio);
		return 0;
	}
	if (exit->kind != VCPU_EXIT_SMCCC)
		return 0;
	for (unsigned int i = 0; i < exit->smccc.nr_ret; i++) {
		int ret = kvm_vcpu_set_x(vcpu, i, exit->smccc.ret[i]);

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* With immediate_exit set KVM_RUN completes the last exit and returns before the guest. */
int kvm_vcpu_settle(struct backend_vcpu *vcpu)
{
	int ret;

	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
	ret = kvm_ioctl_value(vcpu->fd, KVM_RUN, 0);
	clear_kick(vcpu);
	return ret == -EINTR ? 0 : ret;
}

int kvm_vcpu_suspend(struct backend_vcpu *vcpu)
{
	int ret = set_mp_state(vcpu, KVM_MP_STATE_SUSPENDED);

	return ret == -EINVAL ? -ENOTSUP : ret; /* before Linux 5.19 */
}
