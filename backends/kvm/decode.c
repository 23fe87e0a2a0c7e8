/* SPDX-License-Identifier: Apache-2.0 */
/* struct kvm_run to struct vcpu_exit and back (Linux Documentation/virt/kvm/api.rst, 5). */
#include <string.h>

#include "base/util.h"
#include "kvm.h"

static void decode_mmio(const struct kvm_run *run, struct vcpu_exit *exit)
{
	uint32_t len = run->mmio.len;

	if (len != 1 && len != 2 && len != 4 && len != 8) {
		exit->kind = VCPU_EXIT_UNKNOWN;
		exit->unknown.reason = KVM_EXIT_MMIO;
		return;
	}
	exit->kind = VCPU_EXIT_MMIO;
	exit->mmio.addr = run->mmio.phys_addr;
	exit->mmio.len = (uint8_t)len;
	exit->mmio.is_write = run->mmio.is_write;
	exit->mmio.data = 0;
	if (run->mmio.is_write)
		memcpy(&exit->mmio.data, run->mmio.data, len);
}

static void decode_hypercall(const struct kvm_run *run, struct vcpu_exit *exit)
{
	exit->kind = VCPU_EXIT_SMCCC;
	exit->smccc.fid = (uint32_t)run->hypercall.nr;
	exit->smccc.is_smc = run->hypercall.flags & KVM_HYPERCALL_EXIT_SMC;
	exit->smccc.nr_ret = 0;
}

static enum vcpu_system_event system_event(const struct kvm_run *run)
{
	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return VCPU_SYSTEM_OFF;
	case KVM_SYSTEM_EVENT_RESET:
		return run->system_event.ndata && (run->system_event.data[0] &
						   KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2)
			       ? VCPU_SYSTEM_RESET2
			       : VCPU_SYSTEM_RESET;
	case KVM_SYSTEM_EVENT_CRASH:
		return VCPU_SYSTEM_CRASH;
	case KVM_SYSTEM_EVENT_SUSPEND:
		return VCPU_SYSTEM_SUSPEND;
	default:
		return VCPU_SYSTEM_OTHER;
	}
}

static void decode_system_event(const struct kvm_run *run, struct vcpu_exit *exit)
{
	uint32_t ndata = run->system_event.ndata;

	/* The guest's wait is over (KVM_MP_STATE_SUSPENDED): nothing for anyone to handle. */
	if (run->system_event.type == KVM_SYSTEM_EVENT_WAKEUP) {
		exit->kind = VCPU_EXIT_INTERRUPTED;
		return;
	}
	exit->kind = VCPU_EXIT_SYSTEM_EVENT;
	exit->system.event = system_event(run);
	exit->system.raw = run->system_event.type;
	for (unsigned int i = 0; i < ARRAY_SIZE(exit->system.data); i++)
		exit->system.data[i] = i < ndata ? run->system_event.data[i] : 0;
}

static void decode_internal(const struct kvm_run *run, struct vcpu_exit *exit)
{
	uint32_t ndata = run->internal.ndata;

	if (ndata > ARRAY_SIZE(exit->internal.data))
		ndata = ARRAY_SIZE(exit->internal.data);
	exit->kind = VCPU_EXIT_INTERNAL_ERROR;
	exit->internal.suberror = run->internal.suberror;
	exit->internal.ndata = ndata;
	for (uint32_t i = 0; i < ndata; i++)
		exit->internal.data[i] = run->internal.data[i];
}

void kvm_decode_exit(const struct kvm_run *run, struct vcpu_exit *exit)
{
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		decode_mmio(run, exit);
		break;
	case KVM_EXIT_HYPERCALL:
		decode_hypercall(run, exit);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		decode_system_event(run, exit);
		break;
	case KVM_EXIT_INTR:
		exit->kind = VCPU_EXIT_INTERRUPTED;
		break;
	case KVM_EXIT_ARM_NISV:
		exit->kind = VCPU_EXIT_NISV;
		exit->nisv.esr = run->arm_nisv.esr_iss;
		exit->nisv.gpa = run->arm_nisv.fault_ipa;
		break;
	case KVM_EXIT_DEBUG:
		exit->kind = VCPU_EXIT_DEBUG;
		exit->debug.esr = ((uint64_t)run->debug.arch.hsr_high << 32) | run->debug.arch.hsr;
		exit->debug.far = run->debug.arch.far;
		break;
	case KVM_EXIT_MEMORY_FAULT:
		exit->kind = VCPU_EXIT_FAULT;
		exit->fault.gpa = run->memory_fault.gpa;
		exit->fault.size = run->memory_fault.size;
		exit->fault.flags = run->memory_fault.flags;
		break;
	case KVM_EXIT_FAIL_ENTRY:
		exit->kind = VCPU_EXIT_FAILED_ENTRY;
		exit->failed.reason = run->fail_entry.hardware_entry_failure_reason;
		exit->failed.cpu = run->fail_entry.cpu;
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		decode_internal(run, exit);
		break;
	default:
		exit->kind = VCPU_EXIT_UNKNOWN;
		exit->unknown.reason = run->exit_reason;
		break;
	}
}

void kvm_encode_mmio(struct kvm_run *run, const struct vcpu_mmio *mmio)
{
	if (!mmio->is_write)
		memcpy(run->mmio.data, &mmio->data, mmio->len);
}
