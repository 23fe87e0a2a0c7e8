/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated vCPUs on one thread: scripts, replies, registers. */
#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

static void play_kind(unsigned int index, enum vcpu_exit_kind kind)
{
	const struct vcpu_exit exit = { .kind = kind };

	sim_play(index, &exit);
}

static struct vcpu_exit run(unsigned int index)
{
	struct vcpu_exit exit;

	cr_assert_eq(backend_sim.vcpu_run(vcpus[index], &exit), 0);
	return exit;
}

static uint64_t get_x(unsigned int n)
{
	uint64_t val = 0;

	cr_assert_eq(backend_sim.vcpu_get_x(vcpus[0], n, 1, &val), 0);
	return val;
}

TestSuite(sim_vcpu, .init = sim_test_init, .fini = sim_test_fini);

Test(sim_vcpu, script_plays_in_order_each_vcpu_its_own)
{
	play_kind(0, VCPU_EXIT_WFI);
	play_kind(1, VCPU_EXIT_VTIMER);
	play_kind(0, VCPU_EXIT_DEBUG);
	cr_assert_eq(run(0).kind, VCPU_EXIT_WFI);
	cr_assert_eq(run(0).kind, VCPU_EXIT_DEBUG);
	cr_assert_eq(run(1).kind, VCPU_EXIT_VTIMER);
}

Test(sim_vcpu, long_script_plays_to_its_end)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_MMIO };
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		exit.mmio.addr = i;
		sim_play(0, &exit);
	}
	for (i = 0; i < 1000; i++)
		cr_assert_eq(run(0).mmio.addr, i);
}

Test(sim_vcpu, call_puts_its_arguments_in_the_registers)
{
	const uint64_t args[] = { 0x11, 0x22 };
	struct vcpu_exit exit;

	sim_play_call(0, true, 0x84000003, 2, args);
	exit = run(0);
	cr_assert_eq(exit.kind, VCPU_EXIT_SMCCC);
	cr_assert_eq(exit.smccc.fid, 0x84000003);
	cr_assert(exit.smccc.is_smc);
	cr_assert_eq(get_x(0), 0x84000003);
	cr_assert_eq(get_x(1), 0x11);
	cr_assert_eq(get_x(2), 0x22);
}

Test(sim_vcpu, scripted_error_comes_out_of_run)
{
	struct vcpu_exit exit;

	sim_play_error(0, EIO);
	play_kind(0, VCPU_EXIT_WFI);
	cr_assert_eq(backend_sim.vcpu_run(vcpus[0], &exit), -EIO);
	cr_assert_eq(run(0).kind, VCPU_EXIT_WFI);
}

Test(sim_vcpu, reply_takes_effect_at_the_next_run)
{
	struct vcpu_exit exit;

	sim_play_call(0, false, 1, 0, NULL);
	play_kind(0, VCPU_EXIT_WFI);
	exit = run(0);
	exit.smccc.nr_ret = 2;
	exit.smccc.ret[0] = 0x77;
	exit.smccc.ret[1] = 0x88;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(get_x(0), 1);
	run(0);
	cr_assert_eq(get_x(0), 0x77);
	cr_assert_eq(get_x(1), 0x88);
}

Test(sim_vcpu, reply_takes_effect_when_settled)
{
	struct vcpu_exit exit;

	sim_play_call(0, false, 1, 0, NULL);
	exit = run(0);
	exit.smccc.nr_ret = 1;
	exit.smccc.ret[0] = 0x77;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(backend_sim.vcpu_settle(vcpus[0]), 0);
	cr_assert_eq(get_x(0), 0x77);
}

Test(sim_vcpu, reply_without_values_leaves_the_registers)
{
	struct vcpu_exit exit;

	sim_play_call(0, false, 0x1234, 0, NULL);
	exit = run(0);
	exit.smccc.ret[0] = 0x77;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(backend_sim.vcpu_settle(vcpus[0]), 0);
	cr_assert_eq(get_x(0), 0x1234);
}

Test(sim_vcpu, replies_are_kept_in_order)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_MMIO };
	unsigned int i;

	for (i = 0; i < 40; i++) {
		sim_play(0, &exit);
		exit = run(0);
		exit.mmio.data = i;
		cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	}
	cr_assert_eq(sim_nr_replies(0), 40);
	cr_assert_eq(sim_nr_replies(1), 0);
	cr_assert(sim_reply(0, 17, &exit));
	cr_assert_eq(exit.mmio.data, 17);
	cr_assert_not(sim_reply(0, 40, &exit));
}

Test(sim_vcpu, reply_must_answer_the_exit_before_it_once)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_WFI };

	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), -EINVAL);
	play_kind(0, VCPU_EXIT_MMIO);
	run(0);
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), -EINVAL);
	exit.kind = VCPU_EXIT_MMIO;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), -EINVAL);
}

Test(sim_vcpu, reply_with_too_many_values_is_refused)
{
	struct vcpu_exit exit;

	sim_play_call(0, false, 1, 0, NULL);
	exit = run(0);
	exit.smccc.nr_ret = 5;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), -EINVAL);
}

Test(sim_vcpu, interrupt_comes_before_the_script_and_once)
{
	play_kind(0, VCPU_EXIT_WFI);
	backend_sim.vcpu_interrupt(vcpus[0]);
	backend_sim.vcpu_interrupt(vcpus[0]);
	cr_assert_eq(run(0).kind, VCPU_EXIT_INTERRUPTED);
	cr_assert_eq(run(0).kind, VCPU_EXIT_WFI);
}

Test(sim_vcpu, interrupted_run_takes_the_reply_before_it)
{
	struct vcpu_exit exit;

	sim_play_call(0, false, 1, 0, NULL);
	exit = run(0);
	exit.smccc.nr_ret = 1;
	exit.smccc.ret[0] = 0x77;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	backend_sim.vcpu_interrupt(vcpus[0]);
	cr_assert_eq(run(0).kind, VCPU_EXIT_INTERRUPTED);
	cr_assert_eq(get_x(0), 0x77);
}

Test(sim_vcpu, reply_to_an_interruption_is_taken_and_not_kept)
{
	struct vcpu_exit exit;

	backend_sim.vcpu_interrupt(vcpus[0]);
	exit = run(0);
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(sim_nr_replies(0), 0);
}

Test(sim_vcpu, reset_sets_the_boot_registers_and_no_others)
{
	const struct vcpu_boot boot = { .pc = 0x40080000, .x0 = 0x44000000 };
	struct vcpu_boot told;
	struct vcpu_regs regs = { .x = { [5] = 5 }, .far_el1 = 9 };

	cr_assert_not(sim_boot(1, &told));
	sim_set_regs(1, &regs);
	cr_assert_eq(backend_sim.vcpu_reset(vcpus[1], &boot), 0);
	sim_regs(1, &regs);
	cr_assert_eq(regs.pc, 0x40080000);
	cr_assert_eq(regs.x[0], 0x44000000);
	cr_assert_eq(regs.x[5], 0);
	cr_assert_eq(regs.far_el1, 0);
	cr_assert_eq(regs.pstate, 0x3c5);
	cr_assert_eq(regs.mpidr_el1, 0x80000001);
	cr_assert(sim_boot(1, &told));
	cr_assert_eq(told.pc, boot.pc);
	cr_assert_eq(told.x0, boot.x0);
}

Test(sim_vcpu, reset_drops_a_reply_that_is_pending)
{
	const struct vcpu_boot boot = { .x0 = 0x55 };
	struct vcpu_exit exit;

	sim_play_call(0, false, 1, 0, NULL);
	exit = run(0);
	exit.smccc.nr_ret = 1;
	exit.smccc.ret[0] = 0x77;
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), 0);
	cr_assert_eq(backend_sim.vcpu_reset(vcpus[0], &boot), 0);
	cr_assert_eq(backend_sim.vcpu_settle(vcpus[0]), 0);
	cr_assert_eq(get_x(0), 0x55);
}

Test(sim_vcpu, reset_leaves_no_exit_to_answer)
{
	const struct vcpu_boot boot = { .pc = 0 };
	struct vcpu_exit exit;

	play_kind(0, VCPU_EXIT_WFI);
	exit = run(0);
	cr_assert_eq(backend_sim.vcpu_reset(vcpus[0], &boot), 0);
	cr_assert_eq(backend_sim.vcpu_reply(vcpus[0], &exit), -EINVAL);
}

Test(sim_vcpu, registers_are_read_and_written_in_range_only)
{
	uint64_t val[31];

	cr_assert_eq(backend_sim.vcpu_set_x(vcpus[0], 30, 0x30), 0);
	cr_assert_eq(backend_sim.vcpu_set_x(vcpus[0], 31, 0), -EINVAL);
	cr_assert_eq(backend_sim.vcpu_get_x(vcpus[0], 0, 31, val), 0);
	cr_assert_eq(val[30], 0x30);
	cr_assert_eq(backend_sim.vcpu_get_x(vcpus[0], 1, 31, val), -EINVAL);
	cr_assert_eq(backend_sim.vcpu_get_x(vcpus[0], UINT32_MAX, 2, val), -EINVAL);
}

Test(sim_vcpu, index_is_taken_once_and_bounded)
{
	struct backend_vcpu *vcpu;
	struct backend_caps caps;

	cr_assert_eq(backend_sim.vcpu_create(vm, 1, &vcpu), -EEXIST);
	cr_assert_eq(backend_sim.vcpu_create(vm, SIM_MAX_VCPUS, &vcpu), -EINVAL);
	backend_sim.probe(&caps);
	caps.max_vcpus = 2;
	sim_set_caps(&caps);
	cr_assert_eq(backend_sim.vcpu_create(vm, 2, &vcpu), -EINVAL);
}

Test(sim_vcpu, script_goes_on_over_machines)
{
	static const struct backend_vm_config config;
	unsigned int i;

	play_kind(0, VCPU_EXIT_WFI);
	play_kind(0, VCPU_EXIT_DEBUG);
	cr_assert_eq(run(0).kind, VCPU_EXIT_WFI);
	for (i = 0; i < TEST_NR_VCPUS; i++)
		backend_sim.vcpu_destroy(vcpus[i]);
	cr_assert_eq(sim_nr_vcpus(), 0);
	backend_sim.vm_destroy(vm);
	cr_assert_eq(backend_sim.vm_create(&config, &vm), 0);
	for (i = 0; i < TEST_NR_VCPUS; i++)
		cr_assert_eq(backend_sim.vcpu_create(vm, i, &vcpus[i]), 0);
	cr_assert_eq(sim_nr_vcpus(), TEST_NR_VCPUS);
	cr_assert_eq(run(0).kind, VCPU_EXIT_DEBUG);
}

Test(sim_vcpu, init_forgets_scripts_and_counts)
{
	play_kind(0, VCPU_EXIT_WFI);
	sim_fail(SIM_VM_CREATE, 1, EIO);
	sim_test_fini();
	cr_assert_eq(sim_calls(SIM_VCPU_CREATE), 0);
	sim_test_init();
	backend_sim.vcpu_interrupt(vcpus[0]);
	cr_assert_eq(run(0).kind, VCPU_EXIT_INTERRUPTED);
	play_kind(0, VCPU_EXIT_DEBUG);
	cr_assert_eq(run(0).kind, VCPU_EXIT_DEBUG);
}

Test(sim_vcpu, context_has_the_stack_pointer_that_pstate_selects)
{
	struct vcpu_regs regs = {
		.sp = 1,
		.sp_el1 = 2,
		.pc = 3,
		.sctlr_el1 = 4,
		.tcr_el1 = 5,
		.ttbr0_el1 = 6,
		.ttbr1_el1 = 7,
	};
	struct vcpu_context context;

	for (uint64_t pstate = 0x3c4; pstate <= 0x3c5; pstate++) {
		regs.pstate = pstate;
		sim_set_regs(0, &regs);
		cr_assert_eq(backend_sim.vcpu_get_context(vcpus[0], &context), 0);
		cr_assert_eq(context.sp, pstate == 0x3c5 ? 2 : 1);
		cr_assert_eq(context.pc, 3);
		cr_assert_eq(context.pstate, pstate);
		cr_assert_eq(context.sctlr_el1, 4);
		cr_assert_eq(context.tcr_el1, 5);
		cr_assert_eq(context.ttbr0_el1, 6);
		cr_assert_eq(context.ttbr1_el1, 7);
	}
}

Test(sim_vcpu, stack_pointer_in_use_is_set)
{
	struct vcpu_regs regs = { .sp = 1, .sp_el1 = 2, .pstate = 0x3c5 };

	sim_set_regs(0, &regs);
	cr_assert_eq(backend_sim.vcpu_set_sp(vcpus[0], 9), 0);
	sim_regs(0, &regs);
	cr_assert_eq(regs.sp_el1, 9);
	cr_assert_eq(regs.sp, 1);
}

Test(sim_vcpu, skipped_instruction_counts_as_executed)
{
	struct vcpu_regs regs = { .pc = 0x1000, .pstate = 0x200fc5 };

	sim_set_regs(0, &regs);
	cr_assert_eq(backend_sim.vcpu_skip(vcpus[0]), 0);
	sim_regs(0, &regs);
	cr_assert_eq(regs.pc, 0x1004);
	cr_assert_eq(regs.pstate, 0x3c5);
}
