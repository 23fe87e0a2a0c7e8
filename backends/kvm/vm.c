/* SPDX-License-Identifier: Apache-2.0 */
/* A VM on KVM: memory slots and the SMCCC filter; and the backend's table. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "kvm.h"

/* Aborts without a syndrome come to us as an exit, where they can be emulated or refused. */
static void enable_nisv(int vm_fd)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };

	if (kvm_cap(vm_fd, KVM_CAP_ARM_NISV_TO_USER))
		kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap);
}

static int vm_open(struct backend_vm *vm, const struct backend_vm_config *config)
{
	unsigned long type = config->ipa_bits ? KVM_VM_TYPE_ARM_IPA_SIZE(config->ipa_bits) : 0;
	int ret;

	vm->fd = kvm_create_vm(vm->kvm, type);
	if (vm->fd < 0)
		return vm->fd;
	ret = kvm_ioctl_value(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return ret;
	vm->run_size = (size_t)ret;
	ret = kvm_ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &vm->init);
	if (ret < 0)
		return ret;
	vm->init.features[0] |= BIT(KVM_ARM_VCPU_PSCI_0_2);
	enable_nisv(vm->fd);
	vm->config = *config;
	return kvm_features_init_vm(vm);
}

static void kvm_vm_destroy(struct backend_vm *vm)
{
	if (!vm)
		return;
	if (vm->its >= 0)
		close(vm->its);
	if (vm->gic >= 0)
		close(vm->gic);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	free(vm);
}

static int kvm_vm_create(const struct backend_vm_config *config, struct backend_vm **out)
{
	struct backend_vm *vm = calloc(1, sizeof(*vm));
	int ret;

	if (!vm)
		return -ENOMEM;
	vm->fd = -1;
	vm->gic = -1;
	vm->its = -1;
	vm->kvm = kvm_open();
	ret = vm->kvm < 0 ? vm->kvm : vm_open(vm, config);
	if (ret < 0) {
		kvm_vm_destroy(vm);
		return ret;
	}
	*out = vm;
	return 0;
}

static int map_slot(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->nr_slots,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};
	int ret = kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);

	if (ret < 0)
		return ret;
	vm->nr_slots++;
	return 0;
}

static int kvm_mem_map(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size)
{
	return map_slot(vm, gpa, host, size, 0);
}

static int kvm_mem_map_readonly(struct backend_vm *vm, gpa_t gpa, void *host, uint64_t size)
{
	return map_slot(vm, gpa, host, size, KVM_MEM_READONLY);
}

static int kvm_smccc_forward(struct backend_vm *vm, uint32_t first, uint32_t count)
{
	struct kvm_smccc_filter filter = {
		.base = first,
		.nr_functions = count,
		.action = KVM_SMCCC_FILTER_FWD_TO_USER,
	};
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
		.addr = (uintptr_t)&filter,
	};

	if (!kvm_has_smccc_filter(vm->fd))
		return -ENOTSUP;
	return kvm_ioctl(vm->fd, KVM_SET_DEVICE_ATTR, &attr);
}

const struct backend_ops backend_kvm = {
	.name = "kvm",
	.probe = kvm_probe,
	.vm_create = kvm_vm_create,
	.vm_destroy = kvm_vm_destroy,
	.mem_map = kvm_mem_map,
	.mem_map_readonly = kvm_mem_map_readonly,
	.gic_create = kvm_gic_create,
	.irq_set = kvm_irq_set,
	.irqfd_bind = kvm_irqfd_bind,
	.irqfd_unbind = kvm_irqfd_unbind,
	.ioeventfd_bind = kvm_ioeventfd_bind,
	.ioeventfd_unbind = kvm_ioeventfd_unbind,
	.ioeventfd_bind_value = kvm_ioeventfd_bind_value,
	.ioeventfd_unbind_value = kvm_ioeventfd_unbind_value,
	.smccc_forward = kvm_smccc_forward,
	.vcpu_create = kvm_vcpu_create,
	.vcpu_destroy = kvm_vcpu_destroy,
	.vcpu_reset = kvm_vcpu_reset,
	.vcpu_run = kvm_vcpu_run,
	.vcpu_reply = kvm_vcpu_reply,
	.vcpu_settle = kvm_vcpu_settle,
	.vcpu_interrupt = kvm_vcpu_interrupt,
	.vcpu_get_x = kvm_vcpu_get_x,
	.vcpu_set_x = kvm_vcpu_set_x,
	.vcpu_get_regs = kvm_vcpu_get_regs,
	.vcpu_get_context = kvm_vcpu_get_context,
	.vcpu_set_sp = kvm_vcpu_set_sp,
	.vcpu_skip = kvm_vcpu_skip,
	.vcpu_inject_sea = kvm_vcpu_inject_sea,
	.vcpu_suspend = kvm_vcpu_suspend,
	.vcpu_get_counter = kvm_vcpu_get_counter,
	.vcpu_set_counter = kvm_vcpu_set_counter,
};
