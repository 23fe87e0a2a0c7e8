/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	cr_assert_geq(kvm, 0, "no /dev/kvm");
	return kvm;
}

static bool has_device(uint32_t type)
{
	struct kvm_create_device device = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };
	int kvm = open_kvm();
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	bool has;

	cr_assert_geq(vm, 0, "no VM");
	has = ioctl(vm, KVM_CREATE_DEVICE, &device) == 0;
	close(vm);
	close(kvm);
	return has;
}

bool host_has_gic_v2(void)
{
	return has_device(KVM_DEV_TYPE_ARM_VGIC_V2);
}

bool host_has_gic_v3(void)
{
	return has_device(KVM_DEV_TYPE_ARM_VGIC_V3);
}

bool host_has_its(void)
{
	return has_device(KVM_DEV_TYPE_ARM_VGIC_ITS);
}

unsigned int host_max_vcpus(void)
{
	int kvm = open_kvm();
	int max = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	close(kvm);
	cr_assert_gt(max, 0);
	return (unsigned int)max;
}

void skip_above_max_vcpus(unsigned int cpus)
{
	if (cpus > host_max_vcpus())
		cr_skip_test("this host has no guests of %u vCPUs", cpus);
}
