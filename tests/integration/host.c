/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	cr_assert_geq(kvm, 0, "no /dev/kvm");
	return kvm;
}

/* Whether a machine takes @request with @arg. */
static bool vm_takes(unsigned int request, void *arg)
{
	int kvm = open_kvm();
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	bool takes;

	cr_assert_geq(vm, 0, "no VM");
	takes = ioctl(vm, request, arg) == 0;
	close(vm);
	close(kvm);
	return takes;
}

static bool has_device(uint32_t type)
{
	struct kvm_create_device device = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return vm_takes(KVM_CREATE_DEVICE, &device);
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

bool host_has_smccc_filter(void)
{
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
	};

	return vm_takes(KVM_HAS_DEVICE_ATTR, &attr);
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

void host_leave_initramfs(void)
{
	char here[256];

	cr_assert_not_null(getcwd(here, sizeof(here)));
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	mkdir("/tmp/root", 0755);
	cr_assert_eq(mount("/", "/tmp/root", NULL, MS_BIND | MS_REC, NULL), 0);
	cr_assert_eq(chdir("/tmp/root"), 0);
	cr_assert_eq(mount(".", "/", NULL, MS_MOVE, NULL), 0);
	cr_assert_eq(chroot("."), 0);
	cr_assert_eq(chdir(here), 0);
}
