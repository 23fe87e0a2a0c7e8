/* SPDX-License-Identifier: Apache-2.0 */
/* struct kvm_run to struct vcpu_exit, as the kernel's API document lays it out. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/util.h"
#include "kvm.h"

static struct vcpu_exit decode(const struct kvm_run *run)
{
	struct vcpu_exit exit;

	memset(&exit, 0xa5, sizeof(exit)); /* whatever stood there does not shine through */
	kvm_decode_exit(run, &exit);
	return exit;
}

Test(decode, mmio_write_zero_extends_its_bytes)
{
	for (unsigned int len = 1; len <= 8; len *= 2) {
		struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };
		struct vcpu_exit exit;
		uint64_t want = len == 8 ? ~0ull : (1ull << (8 * len)) - 1;

		run.mmio.phys_addr = 0x9000004;
		run.mmio.len = len;
		run.mmio.is_write = 1;
		memset(run.mmio.data, 0xff, sizeof(run.mmio.data));
		exit = decode(&run);
		cr_expect_eq(exit.kind, VCPU_EXIT_MMIO);
		cr_expect_eq(exit.mmio.addr, 0x9000004);
		cr_expect_eq(exit.mmio.len, len);
		cr_expect(exit.mmio.is_write);
		cr_expect_eq(exit.mmio.data, want);
	}
}

Test(decode, mmio_read_begins_at_zero)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };
	struct vcpu_exit exit;

	run.mmio.len = 4;
	memset(run.mmio.data, 0xff, sizeof(run.mmio.data));
	exit = decode(&run);
	cr_expect_not(exit.mmio.is_write);
	cr_expect_eq(exit.mmio.data, 0);
}

Test(decode, mmio_of_an_impossible_length_is_unknown)
{
	static const uint32_t bad[] = { 0, 3, 5, 9, 16, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };

		run.mmio.len = bad[i];
		cr_expect_eq(decode(&run).kind, VCPU_EXIT_UNKNOWN);
	}
}

Test(decode, mmio_read_reply_has_the_low_bytes)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };
	struct vcpu_mmio mmio = { .len = 2, .data = 0x11223344 };

	memset(run.mmio.data, 0xee, sizeof(run.mmio.data));
	kvm_encode_mmio(&run, &mmio);
	cr_expect_eq(run.mmio.data[0], 0x44);
	cr_expect_eq(run.mmio.data[1], 0x33);
	cr_expect_eq(run.mmio.data[2], 0xee);
}

Test(decode, mmio_write_takes_no_reply)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };
	struct vcpu_mmio mmio = { .len = 4, .is_write = true, .data = 0x11223344 };

	kvm_encode_mmio(&run, &mmio);
	cr_expect_eq(run.mmio.data[0], 0);
}

Test(decode, hypercall_has_function_and_conduit)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_HYPERCALL };
	struct vcpu_exit exit;

	run.hypercall.nr = 0xc2001000;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_SMCCC);
	cr_expect_eq(exit.smccc.fid, 0xc2001000);
	cr_expect_not(exit.smccc.is_smc);
	cr_expect_eq(exit.smccc.nr_ret, 0, "no register is written unless a service says so");

	run.hypercall.flags = KVM_HYPERCALL_EXIT_SMC;
	cr_expect(decode(&run).smccc.is_smc);
}

Test(decode, system_events)
{
	static const struct {
		uint32_t type;
		uint64_t flags;
		enum vcpu_system_event want;
	} cases[] = {
		{ KVM_SYSTEM_EVENT_SHUTDOWN, 0, VCPU_SYSTEM_OFF },
		{ KVM_SYSTEM_EVENT_RESET, 0, VCPU_SYSTEM_RESET },
		{ KVM_SYSTEM_EVENT_RESET, KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2,
		  VCPU_SYSTEM_RESET2 },
		{ KVM_SYSTEM_EVENT_CRASH, 0, VCPU_SYSTEM_CRASH },
		{ KVM_SYSTEM_EVENT_SUSPEND, 0, VCPU_SYSTEM_SUSPEND },
		{ 0x7777, 0, VCPU_SYSTEM_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvm_run run = { .exit_reason = KVM_EXIT_SYSTEM_EVENT };
		struct vcpu_exit exit;

		run.system_event.type = cases[i].type;
		run.system_event.ndata = 1;
		run.system_event.data[0] = cases[i].flags;
		exit = decode(&run);
		cr_expect_eq(exit.kind, VCPU_EXIT_SYSTEM_EVENT);
		cr_expect_eq(exit.system.event, cases[i].want, "case %zu", i);
		cr_expect_eq(exit.system.raw, cases[i].type);
		cr_expect_eq(exit.system.data[0], cases[i].flags);
		cr_expect_eq(exit.system.data[1], 0);
	}
}

Test(decode, a_wake_up_only_goes_on)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_SYSTEM_EVENT };

	run.system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	cr_expect_eq(decode(&run).kind, VCPU_EXIT_INTERRUPTED);
}

Test(decode, abort_without_syndrome)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_ARM_NISV };
	struct vcpu_exit exit;

	run.arm_nisv.esr_iss = 0x46;
	run.arm_nisv.fault_ipa = 0x9000000;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_NISV);
	cr_expect_eq(exit.nisv.esr, 0x46);
	cr_expect_eq(exit.nisv.gpa, 0x9000000);
}

Test(decode, internal_error_data_is_bounded)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_INTERNAL_ERROR };
	struct vcpu_exit exit;

	run.internal.suberror = 3;
	run.internal.ndata = 0xffffffff;
	run.internal.data[0] = 0x1234;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_INTERNAL_ERROR);
	cr_expect_eq(exit.internal.suberror, 3);
	cr_expect_eq(exit.internal.ndata, ARRAY_SIZE(exit.internal.data));
	cr_expect_eq(exit.internal.data[0], 0x1234);
}

Test(decode, the_other_kinds)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_FAIL_ENTRY };
	struct vcpu_exit exit;

	run.fail_entry.hardware_entry_failure_reason = 7;
	run.fail_entry.cpu = 3;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_FAILED_ENTRY);
	cr_expect_eq(exit.failed.reason, 7);
	cr_expect_eq(exit.failed.cpu, 3);

	run = (struct kvm_run){ .exit_reason = KVM_EXIT_DEBUG };
	run.debug.arch.hsr = 0xf2000000;
	run.debug.arch.hsr_high = 1;
	run.debug.arch.far = 0x40001000;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_DEBUG);
	cr_expect_eq(exit.debug.esr, 0x1f2000000);
	cr_expect_eq(exit.debug.far, 0x40001000);

	run = (struct kvm_run){ .exit_reason = KVM_EXIT_MEMORY_FAULT };
	run.memory_fault.gpa = 0x50000000;
	run.memory_fault.size = 0x1000;
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_FAULT);
	cr_expect_eq(exit.fault.gpa, 0x50000000);
	cr_expect_eq(exit.fault.size, 0x1000);

	run = (struct kvm_run){ .exit_reason = KVM_EXIT_INTR };
	cr_expect_eq(decode(&run).kind, VCPU_EXIT_INTERRUPTED);

	run = (struct kvm_run){ .exit_reason = 0x1234 };
	exit = decode(&run);
	cr_expect_eq(exit.kind, VCPU_EXIT_UNKNOWN);
	cr_expect_eq(exit.unknown.reason, 0x1234);
}
