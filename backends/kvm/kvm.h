/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to backends/kvm: what its files share. The only place that knows <linux/kvm.h>.
 */
#ifndef ARCVISOR_BACKENDS_KVM_H
#define ARCVISOR_BACKENDS_KVM_H

#include <linux/kvm.h>

#include "backend/backend.h"

struct backend_vm {
	int kvm; /* /dev/kvm */
	int fd;
	int gic; /* device, or -1 */
	int its; /* the same */
	unsigned int nr_slots;
	size_t run_size;	   /* bytes of the area that a vCPU shares with the kernel */
	struct kvm_vcpu_init init; /* target and features of every vCPU */
	struct backend_vm_config config;
	struct backend_vcpu *vcpus; /* those that live, newest first */
};

struct backend_vcpu {
	int fd;
	unsigned int index;
	size_t run_size;
	struct kvm_run *run;
	struct backend_vm *vm;
	struct backend_vcpu *next; /* of vm->vcpus */
};

/* ioctl(2) that gives -errno; takes the argument as the kernel does, pointer or number. */
int kvm_ioctl(int fd, unsigned long request, const void *arg);
int kvm_ioctl_value(int fd, unsigned long request, unsigned long value);

/* KVM_CHECK_EXTENSION: 0 where the host does not know @cap. */
int kvm_cap(int fd, unsigned int cap);

/* Opens /dev/kvm and checks its API version. A descriptor or -errno. */
int kvm_open(void);

/* A machine's descriptor, or -errno; @type as KVM_CREATE_VM's. */
int kvm_create_vm(int kvm_fd, unsigned long type);

bool kvm_has_smccc_filter(int vm_fd);

int kvm_probe(struct backend_caps *caps);

/* features.c: VCPU_FEATURE_* in the order in which KVM wants each set up. */
int kvm_features_init_vm(struct backend_vm *vm);       /* before memory and vCPUs */
int kvm_features_init_vcpu(struct backend_vcpu *vcpu); /* after its first KVM_ARM_VCPU_INIT */
int kvm_features_reset(struct backend_vcpu *vcpu);     /* after any other of those */
int kvm_features_finish(const struct backend_vm *vm);  /* after the interrupt controller */
bool kvm_mte_takes_shared(int vm_fd); /* leaves the VM with MTE: for a probe's own */

/* gic.c */
int kvm_gic_create(struct backend_vm *vm, const struct backend_gic_config *config);
int kvm_irq_set(struct backend_vm *vm, unsigned int intid, bool level);

/* eventfd.c */
int kvm_irqfd_bind(struct backend_vm *vm, int fd, unsigned int intid);
int kvm_irqfd_unbind(struct backend_vm *vm, int fd, unsigned int intid);
int kvm_ioeventfd_bind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len);
int kvm_ioeventfd_unbind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len);
int kvm_ioeventfd_bind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val);
int kvm_ioeventfd_unbind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val);

/* vcpu.c */
int kvm_vcpu_create(struct backend_vm *vm, unsigned int index, struct backend_vcpu **out);
void kvm_vcpu_destroy(struct backend_vcpu *vcpu);
int kvm_vcpu_reset(struct backend_vcpu *vcpu, const struct vcpu_boot *boot);
int kvm_vcpu_run(struct backend_vcpu *vcpu, struct vcpu_exit *exit);
int kvm_vcpu_reply(struct backend_vcpu *vcpu, const struct vcpu_exit *exit);
int kvm_vcpu_settle(struct backend_vcpu *vcpu);
void kvm_vcpu_interrupt(struct backend_vcpu *vcpu);
int kvm_vcpu_suspend(struct backend_vcpu *vcpu);

/* regs.c */
int kvm_vcpu_get_x(struct backend_vcpu *vcpu, unsigned int first, unsigned int count,
		   uint64_t *val);
int kvm_vcpu_set_x(struct backend_vcpu *vcpu, unsigned int n, uint64_t val);
int kvm_vcpu_get_reg(const struct backend_vcpu *vcpu, uint64_t id, uint64_t *val);
int kvm_vcpu_set_reg(const struct backend_vcpu *vcpu, uint64_t id, uint64_t val);
int kvm_vcpu_set_pc(struct backend_vcpu *vcpu, uint64_t val);
int kvm_vcpu_get_regs(struct backend_vcpu *vcpu, struct vcpu_regs *regs);
int kvm_vcpu_get_context(struct backend_vcpu *vcpu, struct vcpu_context *context);
int kvm_vcpu_set_sp(struct backend_vcpu *vcpu, uint64_t val);
int kvm_vcpu_skip(struct backend_vcpu *vcpu);
int kvm_vcpu_inject_sea(struct backend_vcpu *vcpu);
int kvm_vcpu_get_counter(struct backend_vcpu *vcpu, uint64_t *val);
int kvm_vcpu_set_counter(struct backend_vcpu *vcpu, uint64_t val);

/*
 * decode.c: what KVM left in @run as plain data. No system call, so that it is tested on any
 * machine. Fields that the kernel filled are taken as they are; only the length of an MMIO
 * access is checked, since it bounds a copy.
 */
void kvm_decode_exit(const struct kvm_run *run, struct vcpu_exit *exit);

/* decode.c: puts the reply of an MMIO read where the kernel looks for it. */
void kvm_encode_mmio(struct kvm_run *run, const struct vcpu_mmio *mmio);

#endif
