/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: every kind of exit, played by the simulated backend. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "fixture.h"

static struct vcpu_exit played;

/* Has the vCPU play @exit, dispatches it, and hands the reply back if the vCPU goes on. */
static enum exit_action play(struct vcpu_exit exit)
{
	const struct backend_ops *ops = fixture.env.ops;
	enum exit_action action;

	sim_play(0, &exit);
	cr_assert_eq(ops->vcpu_run(fixture.env.backend, &played), 0);
	action = exit_dispatch(&fixture.env, &played);
	if (action == EXIT_RESUME)
		cr_assert_eq(ops->vcpu_reply(fixture.env.backend, &played), 0);
	return action;
}

static void expect_resume(enum vcpu_exit_kind kind)
{
	cr_assert_eq((int)play((struct vcpu_exit){ .kind = kind }), EXIT_RESUME);
	cr_assert_eq(fixture.nr_ends, 0);
	cr_assert_eq(fixture.env.counts[kind], 1);
}

static void expect_end(struct vcpu_exit exit, enum machine_end why)
{
	cr_assert_eq((int)play(exit), EXIT_END);
	cr_assert_eq(fixture.nr_ends, 1);
	cr_assert_eq((int)fixture.end, (int)why);
}

/* A crash whose report says @words. */
static void expect_crash(struct vcpu_exit exit, const char *words)
{
	char *log;

	capture_start();
	expect_end(exit, MACHINE_CRASH);
	log = capture_stop();
	cr_assert_not_null(strstr(log, words), "no \"%s\" in:\n%s", words, log);
	cr_assert_not_null(strstr(log, "X30"), "no registers in:\n%s", log);
	free(log);
}

static struct vcpu_exit system_event(enum vcpu_system_event event)
{
	return (struct vcpu_exit){
		.kind = VCPU_EXIT_SYSTEM_EVENT,
		.system = { .event = event, .raw = 77 },
	};
}

static uint64_t dev_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	(void)len;
	return 0xffff0000 | offset;
}

static void dev_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	(void)offset;
	(void)len;
	*(uint64_t *)dev = val;
}

static const struct mmio_ops dev_ops = { .read = dev_read, .write = dev_write };

static enum smccc_action serve(void *ctx, struct smccc_call *call)
{
	smccc_return(call, 0x1234);
	return *(enum smccc_action *)ctx;
}

static enum exit_action play_call(enum smccc_action answer)
{
	smccc_table_add(&fixture.smccc, 0x84000000, 1, "test", serve, &answer);
	return play((struct vcpu_exit){ .kind = VCPU_EXIT_SMCCC, .smccc = { .fid = 0x84000000 } });
}

TestSuite(dispatch, .init = fixture_init, .fini = fixture_fini);

Test(dispatch, interrupted_resumes)
{
	expect_resume(VCPU_EXIT_INTERRUPTED);
}

Test(dispatch, wfi_resumes)
{
	expect_resume(VCPU_EXIT_WFI);
}

Test(dispatch, vtimer_resumes)
{
	expect_resume(VCPU_EXIT_VTIMER);
}

Test(dispatch, mmio_read_takes_its_value_from_the_device)
{
	struct vcpu_exit reply;
	enum exit_action action;

	mmio_map_add(&fixture.mmio, 0x9000000, 0x1000, "dev", &dev_ops, NULL);
	action = play((struct vcpu_exit){ .kind = VCPU_EXIT_MMIO,
					  .mmio = { .addr = 0x9000018, .len = 2 } });
	cr_assert_eq((int)action, EXIT_RESUME);
	cr_assert(sim_reply(0, 0, &reply));
	cr_assert_eq(reply.mmio.data, 0x18);
}

Test(dispatch, mmio_write_reaches_the_device)
{
	uint64_t written = 0;

	mmio_map_add(&fixture.mmio, 0x9000000, 0x1000, "dev", &dev_ops, &written);
	play((struct vcpu_exit){
		.kind = VCPU_EXIT_MMIO,
		.mmio = { .addr = 0x9000000, .len = 4, .is_write = true, .data = 0x5a } });
	cr_assert_eq(written, 0x5a);
}

Test(dispatch, mmio_in_a_hole_reads_zero_and_resumes)
{
	cr_assert_eq((int)play((struct vcpu_exit){
			     .kind = VCPU_EXIT_MMIO,
			     .mmio = { .addr = 0x1, .len = 8, .data = UINT64_MAX } }),
		     EXIT_RESUME);
	cr_assert_eq(played.mmio.data, 0);
}

Test(dispatch, smccc_reply_arrives_in_the_registers)
{
	struct vcpu_regs regs;

	cr_assert_eq((int)play_call(SMCCC_RETURN), EXIT_RESUME);
	backend_sim.vcpu_settle(fixture.env.backend);
	sim_regs(0, &regs);
	cr_assert_eq(regs.x[0], 0x1234);
}

Test(dispatch, smccc_call_may_power_the_vcpu_off)
{
	cr_assert_eq((int)play_call(SMCCC_CPU_OFF), EXIT_CPU_OFF);
	cr_assert_eq(fixture.nr_ends, 0);
}

Test(dispatch, smccc_call_may_end_the_machine)
{
	cr_assert_eq((int)play_call(SMCCC_END), EXIT_END);
	cr_assert_eq(fixture.nr_ends, 0);
}

Test(dispatch, smccc_call_that_nobody_takes_is_not_supported)
{
	play((struct vcpu_exit){ .kind = VCPU_EXIT_SMCCC, .smccc = { .fid = 0x80000001 } });
	cr_assert_eq(played.smccc.nr_ret, 1);
	cr_assert_eq(played.smccc.ret[0], UINT64_MAX);
}

Test(dispatch, system_off_ends_the_machine_as_off)
{
	expect_end(system_event(VCPU_SYSTEM_OFF), MACHINE_OFF);
}

Test(dispatch, system_reset_ends_the_machine_as_reset)
{
	expect_end(system_event(VCPU_SYSTEM_RESET), MACHINE_RESET);
}

Test(dispatch, system_reset2_ends_the_machine_as_reset)
{
	expect_end(system_event(VCPU_SYSTEM_RESET2), MACHINE_RESET);
}

Test(dispatch, system_crash_is_reported)
{
	expect_crash(system_event(VCPU_SYSTEM_CRASH), "system event: crash (77)");
}

Test(dispatch, system_serror_is_reported)
{
	expect_crash(system_event(VCPU_SYSTEM_SERROR), "system event: SError (77)");
}

Test(dispatch, system_event_of_another_kind_is_reported)
{
	expect_crash(system_event(VCPU_SYSTEM_OTHER), "system event: other (77)");
}

Test(dispatch, system_event_out_of_range_is_reported)
{
	expect_crash(system_event((enum vcpu_system_event)99), "system event: other (77)");
}

Test(dispatch, system_suspend_is_denied)
{
	struct vcpu_regs regs;

	cr_assert_eq((int)play(system_event(VCPU_SYSTEM_SUSPEND)), EXIT_RESUME);
	sim_regs(0, &regs);
	cr_assert_eq((int64_t)regs.x[0], -3);
}

Test(dispatch, system_suspend_that_cannot_be_denied_is_a_crash)
{
	sim_fail(SIM_VCPU_SET_X, 1, EIO);
	expect_crash(system_event(VCPU_SYSTEM_SUSPEND), "system event: suspend");
}

Test(dispatch, access_without_syndrome_gets_an_external_abort)
{
	expect_resume(VCPU_EXIT_NISV);
	cr_assert_eq(sim_calls(SIM_VCPU_INJECT_SEA), 1);
}

Test(dispatch, abort_that_cannot_be_injected_is_a_crash)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_NISV, .nisv = { .gpa = 0xabc000 } };

	sim_fail(SIM_VCPU_INJECT_SEA, 1, EINVAL);
	expect_crash(exit, "no syndrome: access at 0xabc000");
}

Test(dispatch, sysreg_reads_as_zero)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_SYSREG, .sysreg = { .value = 5 } };

	cr_assert_eq((int)play(exit), EXIT_RESUME);
	cr_assert_eq(played.sysreg.value, 0);
}

Test(dispatch, sysreg_ignores_writes)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_SYSREG,
		.sysreg = { .value = 5, .is_write = true },
	};

	cr_assert_eq((int)play(exit), EXIT_RESUME);
	cr_assert_eq(played.sysreg.value, 5);
}

Test(dispatch, debug_is_a_crash)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_DEBUG, .debug = { .esr = 0xf2000001 } };

	expect_crash(exit, "debug: ESR 0xf2000001, BRK, immediate 0x1, FAR 0x0");
}

Test(dispatch, fault_is_a_crash)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_FAULT,
		.fault = { .gpa = 0x40001000, .size = 0x1000, .flags = 8 },
	};

	expect_crash(exit, "memory at 0x40001000, 0x1000 bytes, flags 0x8");
}

Test(dispatch, failed_entry_is_a_crash)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_FAILED_ENTRY,
		.failed = { .reason = 0xbad, .cpu = 3 },
	};

	expect_crash(exit, "failed entry: reason 0xbad on host CPU 3");
}

Test(dispatch, internal_error_is_a_crash)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_INTERNAL_ERROR,
		.internal = { .suberror = 4, .ndata = 2, .data = { 0x11, 0x22 } },
	};

	expect_crash(exit, "internal error: suberror 4, data 0x11 0x22\n");
}

Test(dispatch, internal_error_with_too_much_data_shows_what_there_is)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_INTERNAL_ERROR,
		.internal = { .ndata = UINT32_MAX, .data = { 1, 2, 3, 4 } },
	};

	expect_crash(exit, "suberror 0, data 0x1 0x2 0x3 0x4\n");
}

Test(dispatch, unknown_exit_is_a_crash)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_UNKNOWN, .unknown = { .reason = 41 } };

	expect_crash(exit, "unknown: reason 41");
	cr_assert_eq(fixture.env.counts[VCPU_EXIT_UNKNOWN], 1);
}

Test(dispatch, kind_out_of_range_is_an_unknown_exit)
{
	static const unsigned int kinds[] = { VCPU_EXIT_KINDS, 1000, UINT32_MAX };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct vcpu_exit exit = { .kind = (enum vcpu_exit_kind)kinds[i] };

		fixture.nr_ends = 0;
		expect_crash(exit, "unknown: kind ");
	}
	cr_assert_eq(fixture.env.counts[VCPU_EXIT_UNKNOWN], 3);
}

Test(dispatch, exits_are_counted_by_kind)
{
	play((struct vcpu_exit){ .kind = VCPU_EXIT_WFI });
	play((struct vcpu_exit){ .kind = VCPU_EXIT_WFI });
	play((struct vcpu_exit){ .kind = VCPU_EXIT_SYSREG });
	cr_assert_eq(fixture.env.counts[VCPU_EXIT_WFI], 2);
	cr_assert_eq(fixture.env.counts[VCPU_EXIT_SYSREG], 1);
	cr_assert_eq(fixture.env.counts[VCPU_EXIT_MMIO], 0);
}

Test(dispatch, every_kind_has_a_name_of_its_own)
{
	unsigned int a, b;

	for (a = 0; a < VCPU_EXIT_KINDS; a++)
		for (b = 0; b < a; b++)
			cr_assert_str_neq(exit_kind_name(a), exit_kind_name(b));
	cr_assert_str_eq(exit_kind_name(VCPU_EXIT_FAILED_ENTRY), "failed entry");
	cr_assert_str_eq(exit_kind_name(VCPU_EXIT_KINDS), "unknown");
}
