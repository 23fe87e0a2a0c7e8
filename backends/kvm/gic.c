/* SPDX-License-Identifier: Apache-2.0 */
/* The in-kernel GICv3 (Linux Documentation/virt/kvm/devices/arm-vgic-v3.rst). */
#include <errno.h>

#include "base/util.h"
#include "kvm.h"

static int gic_set(const struct backend_vm *vm, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr dev_attr = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return kvm_ioctl(vm->gic, KVM_SET_DEVICE_ATTR, &dev_attr);
}

/* KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION: count 63:52, base 51:16, flags 15:12, index 11:0. */
static int gic_add_redist(const struct backend_vm *vm, unsigned int index, gpa_t base,
			  unsigned int count)
{
	uint64_t region = ((uint64_t)count << 52) | base | index;

	return gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region);
}

static int gic_place(const struct backend_vm *vm, const struct backend_gic_config *config)
{
	uint64_t dist = config->dist_base;
	int ret;

	ret = gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	for (unsigned int i = 0; ret == 0 && i < config->nr_redist_regions; i++)
		ret = gic_add_redist(vm, i, config->redist[i].base, config->redist[i].count);
	return ret;
}

int kvm_gic_create(struct backend_vm *vm, const struct backend_gic_config *config)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint32_t nr_irqs = config->nr_irqs;
	int ret;

	ret = kvm_ioctl(vm->fd, KVM_CREATE_DEVICE, &device);
	if (ret < 0)
		return ret;
	vm->gic = (int)device.fd;

	ret = gic_place(vm, config);
	if (ret < 0)
		return ret;
	ret = gic_set(vm, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs);
	if (ret < 0)
		return ret;
	ret = gic_set(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	return ret < 0 ? ret : kvm_features_finish(vm);
}

int kvm_irq_set(struct backend_vm *vm, unsigned int intid, bool level)
{
	struct kvm_irq_level irq = {
		.irq = (KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT) | intid,
		.level = level,
	};

	return kvm_ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}
