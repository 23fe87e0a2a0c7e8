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

static int ioeventfd(const struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len,
		     uint32_t flags)
{
	struct kvm_ioeventfd ioeventfd = {
		.addr = gpa,
		.len = len,
		.fd = fd,
		.flags = flags,
	};

	return kvm_ioctl(vm->fd, KVM_IOEVENTFD, &ioeventfd);
}

int kvm_ioeventfd_bind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return ioeventfd(vm, fd, gpa, len, 0);
}

int kvm_ioeventfd_unbind(struct backend_vm *vm, int fd, gpa_t gpa, unsigned int len)
{
	return ioeventfd(vm, fd, gpa, len, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
