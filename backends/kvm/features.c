/* SPDX-License-Identifier: Apache-2.0 */
/* What vCPUs have beyond the base: PMU, SVE, pointer authentication, MTE, steal time. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "kvm.h"

#define CLIDR_EL1    ARM64_SYS_REG(3, 1, 0, 0, 1)
#define CLIDR_CTYPES (BIT64(21) - 1) /* Ctype1 to Ctype7 */

/* What KVM_ARM_VCPU_INIT wants for each (api.rst 4.82); MTE and steal time are none of its. */
static const struct {
	uint32_t feature;
	uint32_t init;
} init_bits[] = {
	{ VCPU_FEATURE_PMU, BIT(KVM_ARM_VCPU_PMU_V3) },
	{ VCPU_FEATURE_SVE, BIT(KVM_ARM_VCPU_SVE) },
	/* KVM refuses the one without the other. */
	{ VCPU_FEATURE_PAUTH,
	  BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC) },
};

static int enable_mte(int vm_fd)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };

	return kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap);
}

int kvm_features_init_vm(struct backend_vm *vm)
{
	uint32_t features = vm->config.features;

	if (features & ~VCPU_FEATURES)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(init_bits); i++)
		if (features & init_bits[i].feature)
			vm->init.features[0] |= init_bits[i].init;
	return features & VCPU_FEATURE_MTE ? enable_mte(vm->fd) : 0;
}

/*
 * Without a word about lengths KVM offers the guest all that the host can (api.rst,
 * KVM_REG_ARM64_SVE_VLS). Finalizing outlives each later KVM_ARM_VCPU_INIT.
 */
static int finalize_sve(const struct backend_vcpu *vcpu)
{
	int feature = KVM_ARM_VCPU_SVE;

	return kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature);
}

static int set_attr(const struct backend_vcpu *vcpu, uint32_t group, uint64_t attr,
		    const void *value)
{
	struct kvm_device_attr dev_attr = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return kvm_ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &dev_attr);
}

/* Linux Documentation/virt/kvm/devices/vcpu.rst 3. */
static int place_steal_time(const struct backend_vcpu *vcpu)
{
	uint64_t ipa = vcpu->vm->config.steal_base + (uint64_t)vcpu->index * BACKEND_STEAL_EACH;

	return set_attr(vcpu, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, &ipa);
}

int kvm_features_init_vcpu(struct backend_vcpu *vcpu)
{
	uint32_t features = vcpu->vm->config.features;
	int ret = 0;

	if (features & VCPU_FEATURE_SVE)
		ret = finalize_sve(vcpu);
	if (ret == 0 && features & VCPU_FEATURE_STEAL_TIME)
		ret = place_steal_time(vcpu);
	return ret;
}

/*
 * KVM makes up a CLIDR_EL1 of few levels at each reset and lets it be set since Linux 6.3; before,
 * the guest has the host's own, which has the host's caches.
 */
static int set_cache_types(const struct backend_vcpu *vcpu)
{
	uint64_t clidr;
	int ret = kvm_vcpu_get_reg(vcpu, CLIDR_EL1, &clidr);

	if (ret == 0)
		ret = kvm_vcpu_set_reg(vcpu, CLIDR_EL1,
				       (clidr & ~CLIDR_CTYPES) | vcpu->vm->config.cache_types);
	return ret == -EINVAL ? 0 : ret;
}

int kvm_features_reset(struct backend_vcpu *vcpu)
{
	return vcpu->vm->config.cache_types ? set_cache_types(vcpu) : 0;
}

/* Linux Documentation/virt/kvm/devices/vcpu.rst 1: the counters' interrupt needs its controller. */
static int start_pmu(const struct backend_vcpu *vcpu)
{
	int intid = (int)vcpu->vm->config.pmu_intid;
	int ret = set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &intid);

	return ret < 0 ? ret
		       : set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
}

int kvm_features_finish(const struct backend_vm *vm)
{
	int ret = 0;

	if (!(vm->config.features & VCPU_FEATURE_PMU))
		return 0;
	for (const struct backend_vcpu *vcpu = vm->vcpus; ret == 0 && vcpu; vcpu = vcpu->next)
		ret = start_pmu(vcpu);
	return ret;
}

/* Linux before 6.2 has MTE for private memory alone and refuses the slot. */
static int try_shared_slot(int vm_fd)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("mte-probe", MFD_CLOEXEC);
	struct kvm_userspace_memory_region region = { .memory_size = size };
	int ret = fd < 0 ? -errno : 0;
	void *page = MAP_FAILED;

	if (ret == 0 && ftruncate(fd, (off_t)size) == 0)
		page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ret == 0 && page == MAP_FAILED)
		ret = -errno;
	region.userspace_addr = (uintptr_t)page;
	if (ret == 0)
		ret = kvm_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
	if (page != MAP_FAILED)
		munmap(page, size);
	if (fd >= 0)
		close(fd);
	return ret;
}

bool kvm_mte_takes_shared(int vm_fd)
{
	return kvm_cap(vm_fd, KVM_CAP_ARM_MTE) && enable_mte(vm_fd) == 0 &&
	       try_shared_slot(vm_fd) == 0;
}
