/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts and doorbells as eventfds (api.rst 4.59 KVM_IOEVENTFD, 4.75 KVM_IRQFD). */
#include "kvm.h"

#define SPI_BASE 32u /* GSI n of the default routing is SPI n, INTID 32 + n */

static int irqfd(const struct backend_vm *vm, int fd, unsigned int intid, uint32_t flags)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)fd,
		.gsi = intid - SPI_BASE,
		.flags = flags,
	};

	return kvm_ioctl(vm->fd, KVM_IRQFD, &irqfd);
}

int kvm_irqfd_bind(struct backend_vm *vm, int fd, unsigned int intid)
{
	return irqfd(vm, fd, intid, 0);
}

int kvm_irqfd_unbind(struct backend_vm *vm, int fd, unsigned int intid)
{
	return irqfd(vm, fd, intid, KVM_IRQFD_FLAG_DEASSIGN);
}

static int ioeventfd(const struct backend_vm *vm, struct kvm_ioeventfd ioeventfd, uint32_t flags)
{
	ioeventfd.flags |= flags;
	return kvm_ioctl(vm->fd, KVM_IOEVENTFD, &ioeventfd);
}

static struct kvm_ioeventfd any_value(int fd, gpa_t gpa, unsigned int len)
{
	return (struct kvm_ioeventfd){ .addr = gpa, .len = len, .fd = fd };
}

static struct kvm_ioeventfd one_value(int fd, gpa_t gpa, uint32_t val)
{
	return (struct kvm_ioeventfd){
		.addr = gpa,
		.len = sizeof(val),
		.fd = fd,
		.datamatch = val,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
}

int kvm_ioeventfd_bind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return ioeventfd(vm, any_value(fd, gpa, len), 0);
}

int kvm_ioeventfd_unbind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return ioeventfd(vm, any_value(fd, gpa, len), KVM_IOEVENTFD_FLAG_DEASSIGN);
}

int kvm_ioeventfd_bind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val)
{
	return ioeventfd(vm, one_value(fd, gpa, val), 0);
}

int kvm_ioeventfd_unbind_value(struct backend_vm *vm, int fd, gpa_t gpa, uint32_t val)
{
	return ioeventfd(vm, one_value(fd, gpa, val), KVM_IOEVENTFD_FLAG_DEASSIGN);
}
