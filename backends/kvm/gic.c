/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-kernel interrupt controllers (Linux Documentation/virt/kvm/devices/arm-vgic.rst,
 * arm-vgic-v3.rst, arm-vgic-its.rst).
 */
#include <errno.h>

#include "base/util.h"
#include "kvm.h"

static int device_create(const struct backend_vm *vm, uint32_t type)
{
	struct kvm_create_device device = { .type = type };
	int ret = kvm_ioctl(vm->fd, KVM_CREATE_DEVICE, &device);

	return ret < 0 ? ret : (int)device.fd;
}

static int device_set(int device, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr dev_attr = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return kvm_ioctl(device, KVM_SET_DEVICE_ATTR, &dev_attr);
}

static int device_place(int device, uint64_t type, gpa_t base)
{
	uint64_t value = base;

	return device_set(device, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &value);
}

static int device_init(int device)
{
	return device_set(device, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static int place_v2(const struct backend_vm *vm, const struct backend_gic_config *config)
{
	int ret = device_place(vm->gic, KVM_VGIC_V2_ADDR_TYPE_DIST, config->dist_base);

	return ret < 0 ? ret : device_place(vm->gic, KVM_VGIC_V2_ADDR_TYPE_CPU, config->cpu_base);
}

/* KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION: count 63:52, base 51:16, flags 15:12, index 11:0. */
static int add_redist(const struct backend_vm *vm, unsigned int index, gpa_t base,
		      unsigned int count)
{
	return device_place(vm->gic, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			    ((uint64_t)count << 52) | base | index);
}

static int place_v3(const struct backend_vm *vm, const struct backend_gic_config *config)
{
	int ret = device_place(vm->gic, KVM_VGIC_V3_ADDR_TYPE_DIST, config->dist_base);

	for (unsigned int i = 0; ret == 0 && i < config->nr_redist_regions; i++)
		ret = add_redist(vm, i, config->redist[i].base, config->redist[i].count);
	return ret;
}

static int gic_init(const struct backend_vm *vm, const struct backend_gic_config *config)
{
	uint32_t nr_irqs = config->nr_irqs;
	int ret = config->v2 ? place_v2(vm, config) : place_v3(vm, config);

	if (ret < 0)
		return ret;
	ret = device_set(vm->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs);
	return ret < 0 ? ret : device_init(vm->gic);
}

static int its_create(struct backend_vm *vm, gpa_t base)
{
	int ret = device_create(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);

	if (ret < 0)
		return ret;
	vm->its = ret;
	ret = device_place(vm->its, KVM_VGIC_ITS_ADDR_TYPE, base);
	return ret < 0 ? ret : device_init(vm->its);
}

int kvm_gic_create(struct backend_vm *vm, const struct backend_gic_config *config)
{
	int ret =
		device_create(vm, config->v2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3);

	if (ret < 0)
		return ret;
	vm->gic = ret;
	ret = gic_init(vm, config);
	if (ret == 0 && config->its_base)
		ret = its_create(vm, config->its_base);
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
