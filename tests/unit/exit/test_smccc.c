/* SPDX-License-Identifier: Apache-2.0 */
/* The SMCCC table: which service takes a call, how it gets its arguments. */
#include <criterion/criterion.h>
#include <errno.h>

#include "fixture.h"

static uint64_t args[7];
static int args_err;

/* Answers with the low half of the function identifier and its context. */
static enum smccc_action serve(void *ctx, struct smccc_call *call)
{
	smccc_return(call, (uint64_t)(uintptr_t)ctx << 16 | (call->exit->fid & 0xffff));
	return SMCCC_RETURN;
}

static enum smccc_action serve_nothing(void *ctx, struct smccc_call *call)
{
	(void)ctx;
	(void)call;
	return SMCCC_RETURN;
}

static enum smccc_action fetch_args(void *ctx, struct smccc_call *call)
{
	args_err = smccc_args(call, (unsigned int)(uintptr_t)ctx, args);
	return SMCCC_RETURN;
}

static int add(uint32_t first, uint32_t count, uintptr_t ctx)
{
	return smccc_table_add(&fixture.smccc, first, count, "test", serve, (void *)ctx);
}

static struct vcpu_smccc dispatch(uint32_t fid)
{
	struct vcpu_smccc exit = { .fid = fid, .nr_ret = 4 };
	struct smccc_call call = {
		.ops = fixture.env.ops,
		.backend = fixture.env.backend,
		.exit = &exit,
	};

	cr_assert_eq((int)smccc_dispatch(&fixture.smccc, &call), SMCCC_RETURN);
	return exit;
}

static void set_x(void)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		backend_sim.vcpu_set_x(fixture.env.backend, i, 0xf00000000ull + i);
}

TestSuite(smccc, .init = fixture_init, .fini = fixture_fini);

Test(smccc, call_that_nobody_takes_answers_minus_one)
{
	struct vcpu_smccc exit;

	add(0x84000000, 0x20, 1);
	exit = dispatch(0x83ffffff);
	cr_assert_eq(exit.nr_ret, 1);
	cr_assert_eq(exit.ret[0], UINT64_MAX);
	cr_assert_eq(dispatch(0x84000020).ret[0], UINT64_MAX);
	cr_assert_eq(dispatch(0).ret[0], UINT64_MAX);
	cr_assert_eq(dispatch(UINT32_MAX).ret[0], UINT64_MAX);
}

Test(smccc, range_takes_its_first_and_last_call)
{
	add(0xc4000000, 0x20, 3);
	add(0x84000000, 0x20, 1);
	add(0xc2000000, 0x10000, 2);
	cr_assert_eq(dispatch(0x84000000).ret[0], 0x10000);
	cr_assert_eq(dispatch(0x8400001f).ret[0], 0x1001f);
	cr_assert_eq(dispatch(0xc2000000).ret[0], 0x20000);
	cr_assert_eq(dispatch(0xc200ffff).ret[0], 0x2ffff);
	cr_assert_eq(dispatch(0xc400001f).ret[0], 0x3001f);
}

Test(smccc, range_may_end_at_the_last_identifier)
{
	cr_assert_eq(add(0xffffffff, 1, 1), 0);
	cr_assert_eq(dispatch(UINT32_MAX).ret[0], 0x1ffff);
}

Test(smccc, empty_and_wrapping_ranges_are_refused)
{
	cr_assert_eq(add(0x84000000, 0, 1), -EINVAL);
	cr_assert_eq(add(0xffffffff, 2, 1), -EINVAL);
	cr_assert_eq(add(1, UINT32_MAX, 1), 0);
}

Test(smccc, overlap_is_refused_on_either_side)
{
	cr_assert_eq(add(0x100, 0x10, 1), 0);
	cr_assert_eq(add(0x10f, 1, 1), -EEXIST);
	cr_assert_eq(add(0xff, 2, 1), -EEXIST);
	cr_assert_eq(add(0, UINT32_MAX, 1), -EEXIST);
	cr_assert_eq(add(0x110, 1, 1), 0);
	cr_assert_eq(add(0xff, 1, 1), 0);
}

Test(smccc, full_table_takes_no_more)
{
	uint32_t i;

	for (i = 0; i < SMCCC_MAX_SERVICES; i++)
		cr_assert_eq(add(i * 2, 1, 1), 0);
	cr_assert_eq(add(1001, 1, 1), -ENOSPC);
}

Test(smccc, reply_is_empty_where_the_handler_sets_none)
{
	smccc_table_add(&fixture.smccc, 1, 1, "quiet", serve_nothing, NULL);
	cr_assert_eq(dispatch(1).nr_ret, 0);
}

Test(smccc, install_forwards_every_range_and_freezes)
{
	add(0x84000000, 0x20, 1);
	add(0xc2000000, 0x10000, 2);
	cr_assert_eq(smccc_table_install(&fixture.smccc, &backend_sim, fixture.vm), 0);
	cr_assert(sim_forwarded(0x8400001f));
	cr_assert(sim_forwarded(0xc2000000));
	cr_assert_not(sim_forwarded(0x84000020));
	cr_assert_eq(add(0x1, 1, 1), -EBUSY);
}

Test(smccc, install_says_that_the_host_has_no_filter)
{
	struct backend_caps caps;

	backend_sim.probe(&caps);
	caps.smccc_filter = false;
	sim_set_caps(&caps);
	add(0x84000000, 0x20, 1);
	cr_assert_eq(smccc_table_install(&fixture.smccc, &backend_sim, fixture.vm), -ENOTSUP);
}

Test(smccc, install_hands_up_the_backend_error)
{
	add(0x84000000, 0x20, 1);
	add(0xc4000000, 0x20, 1);
	sim_fail(SIM_SMCCC_FORWARD, 2, ENOMEM);
	cr_assert_eq(smccc_table_install(&fixture.smccc, &backend_sim, fixture.vm), -ENOMEM);
}

Test(smccc, arguments_of_a_64_bit_call_are_whole)
{
	set_x();
	smccc_table_add(&fixture.smccc, 0xc2000000, 1, "args", fetch_args, (void *)7);
	dispatch(0xc2000000);
	cr_assert_eq(args_err, 0);
	cr_assert_eq(args[0], 0xf00000001);
	cr_assert_eq(args[6], 0xf00000007);
}

Test(smccc, arguments_of_a_32_bit_call_are_low_halves)
{
	set_x();
	smccc_table_add(&fixture.smccc, 0x82000000, 1, "args", fetch_args, (void *)7);
	dispatch(0x82000000);
	cr_assert_eq(args[0], 1);
	cr_assert_eq(args[6], 7);
}

Test(smccc, arguments_are_fetched_by_one_call_of_the_backend)
{
	smccc_table_add(&fixture.smccc, 0xc2000000, 1, "args", fetch_args, (void *)7);
	dispatch(0xc2000000);
	cr_assert_eq(sim_calls(SIM_VCPU_GET_X), 1);
}

Test(smccc, no_more_arguments_are_fetched_than_asked_for)
{
	set_x();
	args[1] = 0x1234;
	smccc_table_add(&fixture.smccc, 0xc2000000, 1, "args", fetch_args, (void *)1);
	dispatch(0xc2000000);
	cr_assert_eq(args[0], 0xf00000001);
	cr_assert_eq(args[1], 0x1234);
}

Test(smccc, failure_to_fetch_arguments_is_handed_up)
{
	smccc_table_add(&fixture.smccc, 0x82000000, 1, "args", fetch_args, (void *)3);
	sim_fail(SIM_VCPU_GET_X, 1, EIO);
	dispatch(0x82000000);
	cr_assert_eq(args_err, -EIO);
}
