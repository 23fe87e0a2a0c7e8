/* SPDX-License-Identifier: Apache-2.0 */
/* What this host's KVM offers. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm.h"

/* C libraries disagree on the type of ioctl(2)'s request; the system call takes any. */
int kvm_ioctl_value(int fd, unsigned long request, unsigned long value)
{
	long ret = syscall(SYS_ioctl, fd, request, value);

	return ret < 0 ? -errno : (int)ret;
}

int kvm_ioctl(int fd, unsigned long request, const void *arg)
{
	return kvm_ioctl_value(fd, request, (uintptr_t)arg);
}

int kvm_cap(int fd, unsigned int cap)
{
	int ret = kvm_ioctl_value(fd, KVM_CHECK_EXTENSION, cap);

	return ret > 0 ? ret : 0;
}

int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0)
		return -errno;
	version = kvm_ioctl_value(fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return fd;
	close(fd);
	return version < 0 ? version : -EPROTO;
}

/*
 * The kernel takes all locks of this process' memory for that (mm_take_all_locks()), and gives up
 * where anything waits for the thread: also work of its own, as a ring of io_uring leaves it to
 * whoever made the ring, some time after that was closed. A reset closes rings and comes here.
 */
int kvm_create_vm(int kvm_fd, unsigned long type)
{
	int fd;

	do {
		fd = kvm_ioctl_value(kvm_fd, KVM_CREATE_VM, type);
	} while (fd == -EINTR);
	return fd;
}

bool kvm_has_smccc_filter(int vm_fd)
{
	struct kvm_device_attr attr = {
		.group = KVM_ARM_VM_SMCCC_CTRL,
		.attr = KVM_ARM_VM_SMCCC_FILTER,
	};

	return kvm_ioctl(vm_fd, KVM_HAS_DEVICE_ATTR, &attr) == 0;
}

static bool has_device(int vm_fd, uint32_t type)
{
	struct kvm_create_device device = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return kvm_ioctl(vm_fd, KVM_CREATE_DEVICE, &device) == 0;
}

static void probe_numbers(int kvm, struct backend_caps *caps)
{
	caps->ipa_bits = (unsigned int)kvm_cap(kvm, KVM_CAP_ARM_VM_IPA_SIZE);
	if (!caps->ipa_bits)
		caps->ipa_bits = 40; /* KVM's fixed size before it could be asked for */
	caps->max_vcpus = (unsigned int)kvm_cap(kvm, KVM_CAP_MAX_VCPUS);
	caps->recommended_vcpus = (unsigned int)kvm_cap(kvm, KVM_CAP_NR_VCPUS);
	caps->nr_memslots = (unsigned int)kvm_cap(kvm, KVM_CAP_NR_MEMSLOTS);
	caps->debug_breakpoints = (unsigned int)kvm_cap(kvm, KVM_CAP_GUEST_DEBUG_HW_BPS);
	caps->debug_watchpoints = (unsigned int)kvm_cap(kvm, KVM_CAP_GUEST_DEBUG_HW_WPS);
	caps->dirty_ring = (unsigned int)kvm_cap(kvm, KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
	caps->eager_split = kvm_cap(kvm, KVM_CAP_ARM_SUPPORTED_BLOCK_SIZES) != 0;
}

static void probe_features(int kvm, struct backend_caps *caps)
{
	caps->system_suspend = kvm_cap(kvm, KVM_CAP_ARM_SYSTEM_SUSPEND);
	caps->nisv_to_user = kvm_cap(kvm, KVM_CAP_ARM_NISV_TO_USER);
	caps->irqfd = kvm_cap(kvm, KVM_CAP_IRQFD);
	caps->ioeventfd = kvm_cap(kvm, KVM_CAP_IOEVENTFD);
	caps->immediate_exit = kvm_cap(kvm, KVM_CAP_IMMEDIATE_EXIT);
	caps->psci_0_2 = kvm_cap(kvm, KVM_CAP_ARM_PSCI_0_2);
	caps->readonly_mem = kvm_cap(kvm, KVM_CAP_READONLY_MEM);
	caps->sve = kvm_cap(kvm, KVM_CAP_ARM_SVE);
	caps->pmu_v3 = kvm_cap(kvm, KVM_CAP_ARM_PMU_V3);
	caps->pauth = kvm_cap(kvm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
		      kvm_cap(kvm, KVM_CAP_ARM_PTRAUTH_GENERIC);
	caps->steal_time = kvm_cap(kvm, KVM_CAP_STEAL_TIME);
	caps->counter_offset = kvm_cap(kvm, KVM_CAP_COUNTER_OFFSET);
	caps->aarch32 = kvm_cap(kvm, KVM_CAP_ARM_EL1_32BIT);
	caps->debug_hw = caps->debug_breakpoints && caps->debug_watchpoints;
	caps->binary_stats = kvm_cap(kvm, KVM_CAP_BINARY_STATS_FD);
#ifdef KVM_CAP_ARM_EL2 /* Linux 6.16 */
	caps->nested = kvm_cap(kvm, KVM_CAP_ARM_EL2);
#endif
}

/* Linux lets programs read it. Elsewhere than on arm64 there is no KVM of this kind to probe. */
static uint64_t counter_hz(void)
{
	uint64_t hz = 0;

#ifdef __aarch64__
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
#endif
	return hz;
}

int kvm_probe(struct backend_caps *caps)
{
	int kvm = kvm_open();
	int vm;

	if (kvm < 0)
		return kvm;
	*caps = (struct backend_caps){
		.api_version = KVM_API_VERSION,
		.counter_hz = counter_hz(),
	};
	probe_numbers(kvm, caps);
	probe_features(kvm, caps);

	/* Devices and VM attributes can be asked of a VM only. */
	vm = kvm_create_vm(kvm, 0);
	if (vm >= 0) {
		caps->gic_v2 = has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2);
		caps->gic_v3 = has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3);
		caps->its = has_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
		caps->smccc_filter = kvm_has_smccc_filter(vm);
		caps->mte = kvm_mte_takes_shared(vm);
		close(vm);
	}
	close(kvm);
	return vm < 0 ? vm : 0;
}
