/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated machine: what it records, what it refuses. */
#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

#define PAGE 0x1000u

static _Alignas(PAGE) uint8_t ram[4 * PAGE];

TestSuite(sim_vm, .init = sim_test_init, .fini = sim_test_fini);

Test(sim_vm, probe_gives_the_capabilities_that_were_set)
{
	struct backend_caps caps;

	cr_assert_eq(backend_sim.probe(&caps), 0);
	cr_assert(caps.smccc_filter && caps.gic_v3);
	caps.smccc_filter = false;
	caps.ipa_bits = 36;
	sim_set_caps(&caps);
	cr_assert_eq(backend_sim.probe(&caps), 0);
	cr_assert_not(caps.smccc_filter);
	cr_assert_eq(caps.ipa_bits, 36);
}

Test(sim_vm, second_machine_is_refused_while_one_lives)
{
	static const struct backend_vm_config config;
	struct backend_vm *second;

	cr_assert_eq(backend_sim.vm_create(&config, &second), -EBUSY);
}

Test(sim_vm, next_machine_starts_empty)
{
	static const struct backend_vm_config config;
	struct sim_memory memory;

	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE), 0);
	cr_assert_eq(create_gic(), 0);
	backend_sim.vcpu_destroy(vcpus[0]);
	backend_sim.vcpu_destroy(vcpus[1]);
	backend_sim.vm_destroy(vm);
	cr_assert_not(sim_machine_lives());
	cr_assert(sim_memory(0, &memory)); /* until then the records stay */

	cr_assert_eq(backend_sim.vm_create(&config, &vm), 0);
	cr_assert(sim_machine_lives());
	cr_assert_eq(sim_nr_memory(), 0);
	cr_assert_eq(backend_sim.vcpu_create(vm, 0, &vcpus[0]), 0);
	cr_assert_eq(backend_sim.vcpu_create(vm, 1, &vcpus[1]), 0);
	cr_assert_eq(create_gic(), 0);
}

Test(sim_vm, destroying_no_machine_is_fine)
{
	backend_sim.vm_destroy(NULL);
	cr_assert(sim_machine_lives());
}

Test(sim_vm, memory_is_recorded)
{
	struct sim_memory memory;

	cr_assert_eq(backend_sim.mem_map(vm, 0x40000000, ram, 2 * PAGE), 0);
	cr_assert_eq(sim_nr_memory(), 1);
	cr_assert(sim_memory(0, &memory));
	cr_assert_eq(memory.gpa, 0x40000000);
	cr_assert_eq(memory.host, ram);
	cr_assert_eq(memory.size, 2 * PAGE);
	cr_assert_not(sim_memory(1, &memory));
}

Test(sim_vm, memory_that_can_only_be_read_is_recorded)
{
	struct sim_memory memory;

	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE), 0);
	cr_assert_eq(backend_sim.mem_map_readonly(vm, PAGE, ram, PAGE), 0);
	cr_assert_eq(backend_sim.mem_map_readonly(vm, PAGE, ram, PAGE), -EEXIST);
	cr_assert(sim_memory(0, &memory));
	cr_assert_not(memory.read_only);
	cr_assert(sim_memory(1, &memory));
	cr_assert(memory.read_only);
}

Test(sim_vm, memory_that_overlaps_is_refused)
{
	cr_assert_eq(backend_sim.mem_map(vm, PAGE, ram, 2 * PAGE), 0);
	cr_assert_eq(backend_sim.mem_map(vm, 2 * PAGE, ram, PAGE), -EEXIST);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, 2 * PAGE), -EEXIST);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE), 0);
	cr_assert_eq(backend_sim.mem_map(vm, 3 * PAGE, ram, PAGE), 0);
}

Test(sim_vm, memory_that_is_not_whole_pages_is_refused)
{
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, 0), -EINVAL);
	cr_assert_eq(backend_sim.mem_map(vm, 1, ram, PAGE), -EINVAL);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram + 1, PAGE), -EINVAL);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE + 1), -EINVAL);
}

Test(sim_vm, memory_beyond_the_address_space_is_refused)
{
	const gpa_t end = 1ull << 40;

	cr_assert_eq(backend_sim.mem_map(vm, end, ram, PAGE), -EFAULT);
	cr_assert_eq(backend_sim.mem_map(vm, end - PAGE, ram, 2 * PAGE), -EFAULT);
	cr_assert_eq(backend_sim.mem_map(vm, end - PAGE, ram, PAGE), 0);
}

Test(sim_vm, gic_is_recorded_once)
{
	struct backend_gic_config config;

	cr_assert_not(sim_gic(&config));
	cr_assert_eq(create_gic(), 0);
	cr_assert(sim_gic(&config));
	cr_assert_eq(config.dist_base, 0x8000000);
	cr_assert_eq(create_gic(), -EEXIST);
}

Test(sim_vm, gic_must_have_a_redistributor_for_each_vcpu)
{
	struct backend_gic_config config = { .nr_irqs = 64, .nr_redist_regions = 1 };

	config.redist[0].count = TEST_NR_VCPUS - 1;
	cr_assert_eq(backend_sim.gic_create(vm, &config), -EINVAL);
}

Test(sim_vm, gic_is_of_a_kind_that_the_host_has)
{
	struct backend_gic_config config = { .nr_irqs = 64, .v2 = true };

	cr_assert_eq(backend_sim.gic_create(vm, &config), -ENODEV);
	config = (struct backend_gic_config){ .nr_irqs = 64, .its_base = 0x8080000 };
	cr_assert_eq(backend_sim.gic_create(vm, &config), -ENODEV);
}

Test(sim_vm, gic_refuses_impossible_numbers_of_interrupts)
{
	static const unsigned int numbers[] = { 0, 32, 65, 1056 };
	struct backend_gic_config config = { .nr_redist_regions = 1, .redist = { { .count = 2 } } };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		config.nr_irqs = numbers[i];
		cr_assert_eq(backend_sim.gic_create(vm, &config), -EINVAL);
	}
}

Test(sim_vm, wire_keeps_its_level_and_counts_its_edges)
{
	cr_assert_eq(create_gic(), 0);
	cr_assert_eq(backend_sim.irq_set(vm, 33, true), 0);
	cr_assert_eq(backend_sim.irq_set(vm, 33, true), 0);
	cr_assert(sim_irq_level(33));
	cr_assert_eq(sim_irq_edges(33), 1);
	cr_assert_eq(backend_sim.irq_set(vm, 33, false), 0);
	cr_assert_not(sim_irq_level(33));
	cr_assert_eq(backend_sim.irq_set(vm, 33, true), 0);
	cr_assert_eq(sim_irq_edges(33), 2);
	cr_assert_eq(sim_irq_edges(34), 0);
}

Test(sim_vm, wires_that_are_not_there_are_refused)
{
	cr_assert_eq(backend_sim.irq_set(vm, 33, true), -ENXIO);
	cr_assert_eq(create_gic(), 0);
	cr_assert_eq(backend_sim.irq_set(vm, 31, true), -EINVAL);
	cr_assert_eq(backend_sim.irq_set(vm, 64, true), -EINVAL);
	cr_assert_eq(backend_sim.irq_set(vm, 63, true), 0);
}

Test(sim_vm, irqfd_is_bound_and_unbound)
{
	cr_assert_eq(create_gic(), 0);
	cr_assert_eq(sim_irqfd(40), -1);
	cr_assert_eq(backend_sim.irqfd_bind(vm, 7, 40), 0);
	cr_assert_eq(sim_irqfd(40), 7);
	cr_assert_eq(backend_sim.irqfd_bind(vm, 8, 40), -EBUSY);
	cr_assert_eq(backend_sim.irqfd_unbind(vm, 8, 40), -ENOENT);
	cr_assert_eq(backend_sim.irqfd_unbind(vm, 7, 40), 0);
	cr_assert_eq(sim_irqfd(40), -1);
}

Test(sim_vm, ioeventfd_of_a_value_is_beside_others)
{
	cr_assert_eq(backend_sim.ioeventfd_bind_value(vm, 5, 0xa000050, 0), 0);
	cr_assert_eq(backend_sim.ioeventfd_bind_value(vm, 6, 0xa000050, 1), 0);
	cr_assert_eq(backend_sim.ioeventfd_bind_value(vm, 7, 0xa000050, 1), -EEXIST);
	cr_assert_eq(sim_ioeventfd_value(0xa000050, 1), 6);
	cr_assert_eq(sim_ioeventfd(0xa000050, 4), -1);
	cr_assert_eq(backend_sim.ioeventfd_unbind_value(vm, 6, 0xa000050, 0), -ENOENT);
	cr_assert_eq(backend_sim.ioeventfd_unbind_value(vm, 5, 0xa000050, 0), 0);
	cr_assert_eq(sim_ioeventfd_value(0xa000050, 0), -1);
	cr_assert_eq(sim_ioeventfd_value(0xa000050, 1), 6);
}

Test(sim_vm, ioeventfd_is_bound_and_unbound)
{
	cr_assert_eq(backend_sim.ioeventfd_bind(vm, 5, 0xa000050, 4), 0);
	cr_assert_eq(backend_sim.ioeventfd_bind(vm, 6, 0xa000250, 4), 0);
	cr_assert_eq(backend_sim.ioeventfd_bind(vm, 9, 0xa000050, 4), -EEXIST);
	cr_assert_eq(sim_ioeventfd(0xa000050, 4), 5);
	cr_assert_eq(sim_ioeventfd(0xa000050, 2), -1);
	cr_assert_eq(backend_sim.ioeventfd_unbind(vm, 6, 0xa000050, 4), -ENOENT);
	cr_assert_eq(backend_sim.ioeventfd_unbind(vm, 5, 0xa000050, 4), 0);
	cr_assert_eq(sim_ioeventfd(0xa000050, 4), -1);
	cr_assert_eq(sim_ioeventfd(0xa000250, 4), 6);
}

Test(sim_vm, forwards_are_recorded)
{
	cr_assert_eq(backend_sim.smccc_forward(vm, 0x84000000, 0x20), 0);
	cr_assert(sim_forwarded(0x84000000) && sim_forwarded(0x8400001f));
	cr_assert_not(sim_forwarded(0x83ffffff) || sim_forwarded(0x84000020));
	cr_assert_eq(backend_sim.smccc_forward(vm, 0x8400001f, 1), -EEXIST);
	cr_assert_eq(backend_sim.smccc_forward(vm, 0xffffffff, 2), -EINVAL);
	cr_assert_eq(backend_sim.smccc_forward(vm, 0x1, 0), -EINVAL);
}

Test(sim_vm, forward_without_the_filter_is_not_supported)
{
	struct backend_caps caps;

	backend_sim.probe(&caps);
	caps.smccc_filter = false;
	sim_set_caps(&caps);
	cr_assert_eq(backend_sim.smccc_forward(vm, 0x84000000, 0x20), -ENOTSUP);
}

Test(sim_vm, set_up_is_over_once_a_vcpu_has_run)
{
	const struct vcpu_exit wfi = { .kind = VCPU_EXIT_WFI };
	struct vcpu_exit exit;

	sim_play(0, &wfi);
	cr_assert_eq(backend_sim.vcpu_run(vcpus[0], &exit), 0);
	cr_assert_eq(backend_sim.smccc_forward(vm, 0x84000000, 0x20), -EBUSY);
	cr_assert_eq(create_gic(), -EBUSY);
}

Test(sim_vm, nth_call_fails_and_the_next_works)
{
	sim_fail(SIM_MEM_MAP, 3, ENOMEM);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE), 0);
	cr_assert_eq(backend_sim.mem_map(vm, PAGE, ram, PAGE), 0);
	cr_assert_eq(backend_sim.mem_map(vm, 2 * PAGE, ram, PAGE), -ENOMEM);
	cr_assert_eq(sim_nr_memory(), 2);
	cr_assert_eq(backend_sim.mem_map(vm, 2 * PAGE, ram, PAGE), 0);
	cr_assert_eq(sim_calls(SIM_MEM_MAP), 4);
}

Test(sim_vm, failure_can_be_disarmed)
{
	sim_fail(SIM_MEM_MAP, 1, ENOMEM);
	sim_fail(SIM_MEM_MAP, 0, 0);
	cr_assert_eq(backend_sim.mem_map(vm, 0, ram, PAGE), 0);
}

static int call_vm_op(enum sim_op op)
{
	static const struct backend_vm_config config;
	struct backend_vcpu *vcpu;
	struct backend_caps caps;
	struct backend_vm *other;

	switch (op) {
	case SIM_PROBE:
		return backend_sim.probe(&caps);
	case SIM_VM_CREATE:
		return backend_sim.vm_create(&config, &other);
	case SIM_MEM_MAP:
		return backend_sim.mem_map(vm, 0, ram, PAGE);
	case SIM_GIC_CREATE:
		return create_gic();
	case SIM_IRQ_SET:
		return backend_sim.irq_set(vm, 32, true);
	case SIM_IRQFD_BIND:
		return backend_sim.irqfd_bind(vm, 1, 32);
	case SIM_IRQFD_UNBIND:
		return backend_sim.irqfd_unbind(vm, 1, 32);
	case SIM_IOEVENTFD_BIND:
		return backend_sim.ioeventfd_bind(vm, 1, 0, 4);
	case SIM_IOEVENTFD_UNBIND:
		return backend_sim.ioeventfd_unbind(vm, 1, 0, 4);
	case SIM_SMCCC_FORWARD:
		return backend_sim.smccc_forward(vm, 1, 1);
	case SIM_VCPU_CREATE:
		return backend_sim.vcpu_create(vm, 2, &vcpu);
	default:
		return 0;
	}
}

static int call_vcpu_op(enum sim_op op)
{
	const struct vcpu_exit wfi = { .kind = VCPU_EXIT_WFI };
	const struct vcpu_boot boot = { .pc = 0 };
	struct vcpu_context context;
	struct vcpu_regs regs;
	struct vcpu_exit exit;
	uint64_t x;

	switch (op) {
	case SIM_VCPU_RESET:
		return backend_sim.vcpu_reset(vcpus[0], &boot);
	case SIM_VCPU_RUN:
		return backend_sim.vcpu_run(vcpus[0], &exit);
	case SIM_VCPU_REPLY:
		return backend_sim.vcpu_reply(vcpus[0], &wfi);
	case SIM_VCPU_SETTLE:
		return backend_sim.vcpu_settle(vcpus[0]);
	case SIM_VCPU_GET_X:
		return backend_sim.vcpu_get_x(vcpus[0], 0, 1, &x);
	case SIM_VCPU_SET_X:
		return backend_sim.vcpu_set_x(vcpus[0], 0, 0);
	case SIM_VCPU_GET_REGS:
		return backend_sim.vcpu_get_regs(vcpus[0], &regs);
	case SIM_VCPU_GET_CONTEXT:
		return backend_sim.vcpu_get_context(vcpus[0], &context);
	case SIM_VCPU_SET_SP:
		return backend_sim.vcpu_set_sp(vcpus[0], 0);
	case SIM_VCPU_SKIP:
		return backend_sim.vcpu_skip(vcpus[0]);
	case SIM_VCPU_INJECT_SEA:
		return backend_sim.vcpu_inject_sea(vcpus[0]);
	case SIM_VCPU_GET_COUNTER:
		return backend_sim.vcpu_get_counter(vcpus[0], &x);
	case SIM_VCPU_SET_COUNTER:
		return backend_sim.vcpu_set_counter(vcpus[0], 0);
	default:
		return call_vm_op(op);
	}
}

Test(sim_vm, every_operation_that_returns_can_be_told_to_fail)
{
	enum sim_op op;

	for (op = 0; op < SIM_OPS; op++) {
		if (op == SIM_VM_DESTROY || op == SIM_VCPU_DESTROY || op == SIM_VCPU_INTERRUPT)
			continue;
		sim_fail(op, 1, EMULTIHOP);
		cr_assert_eq(call_vcpu_op(op), -EMULTIHOP, "operation %d", (int)op);
	}
}
