/* SPDX-License-Identifier: Apache-2.0 */
/* MMIO loads that extend the sign: which they are, and what their register gets. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture.h"
#include "fixture.h"

#define DEVICE 0x9000000u
#define CODE   (FIXTURE_RAM + 0x1000u)

#define LDRSB_W1  0x39c00041u /* ldrsb w1, [x2] */
#define LDRSB_X1  0x39800041u
#define LDRSH_W1  0x79c00041u
#define LDRSH_X1  0x79800041u
#define LDRSW_X1  0xb9800041u
#define LDRB_W1	  0x39400041u
#define LDR_W1	  0xb9400041u
#define LDRSW_XZR 0xb980005fu
#define LDPSW	  0x69400841u /* ldpsw x1, x2, [x2] */

static uint64_t device_value;
static unsigned int device_reads;

static uint64_t device_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	(void)offset;
	(void)len;
	device_reads++;
	return device_value;
}

static const struct mmio_ops device_ops = { .read = device_read };

static void init(void)
{
	struct vcpu_regs regs = { .pc = CODE, .pstate = 0x3c5 };

	fixture_init();
	memset(regs.x, 0xff, sizeof(regs.x));
	sim_set_regs(0, &regs);
	mmio_map_add(&fixture.mmio, DEVICE, 0x1000, "device", &device_ops, NULL);
	device_reads = 0;
}

/* The guest executes @insn, which reads @len bytes of @value. */
static enum exit_action load(uint32_t insn, uint8_t len, uint64_t value)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_MMIO, .mmio = { .addr = DEVICE, .len = len } };

	gmem_write32(&fixture.mem, CODE, insn);
	device_value = value;
	sim_play(0, &exit);
	cr_assert_eq(backend_sim.vcpu_run(fixture.env.backend, &exit), 0);
	return exit_dispatch(&fixture.env, &exit);
}

static uint64_t x1(void)
{
	struct vcpu_regs regs;

	sim_regs(0, &regs);
	return regs.x[1];
}

static void expect_extended(uint32_t insn, uint8_t len, uint64_t value, uint64_t want)
{
	struct vcpu_exit reply;

	cr_assert_eq((int)load(insn, len, value), EXIT_REPLIED);
	cr_expect_eq(x1(), want, "0x%08x: 0x%lx", insn, x1());
	cr_expect(sim_reply(0, 0, &reply));
	cr_expect_eq(reply.mmio.data, value);
	cr_expect_eq(sim_calls(SIM_VCPU_SETTLE), 1);
	cr_expect_eq(device_reads, 1);
}

/* KVM's own value is right: nobody touches a register. */
static void expect_left_to_the_backend(uint32_t insn, uint8_t len, uint64_t value)
{
	cr_assert_eq((int)load(insn, len, value), EXIT_RESUME);
	cr_expect_eq(sim_nr_replies(0), 0);
	cr_expect_eq(sim_calls(SIM_VCPU_SETTLE), 0);
	cr_expect_eq(sim_calls(SIM_VCPU_SET_X), 0);
}

TestSuite(sign, .init = init, .fini = fixture_fini);

Test(sign, byte_to_w)
{
	expect_extended(LDRSB_W1, 1, 0x80, 0xffffff80);
}

Test(sign, byte_to_x)
{
	expect_extended(LDRSB_X1, 1, 0xfe, 0xfffffffffffffffe);
}

Test(sign, half_word_to_w)
{
	expect_extended(LDRSH_W1, 2, 0x8080, 0xffff8080);
}

Test(sign, half_word_to_x)
{
	expect_extended(LDRSH_X1, 2, 0x8000, 0xffffffffffff8000);
}

Test(sign, word_to_x)
{
	expect_extended(LDRSW_X1, 4, 0x87658080, 0xffffffff87658080);
}

Test(sign, load_without_sign_is_left_to_the_backend)
{
	expect_left_to_the_backend(LDR_W1, 4, 0x80000000);
	expect_left_to_the_backend(LDRB_W1, 1, 0xff);
}

Test(sign, zero_register_is_left_to_the_backend)
{
	expect_left_to_the_backend(LDRSW_XZR, 4, 0x80000000);
}

Test(sign, instruction_of_another_width_is_left_to_the_backend)
{
	expect_left_to_the_backend(LDRSB_W1, 4, 0x80000000);
	expect_left_to_the_backend(LDRSW_X1, 1, 0x80);
}

Test(sign, pair_is_left_to_the_backend)
{
	expect_left_to_the_backend(LDPSW, 4, 0x80000000);
}

Test(sign, code_that_cannot_be_read_is_left_to_the_backend)
{
	struct vcpu_regs regs = { .pc = DEVICE, .pstate = 0x3c5 };

	sim_set_regs(0, &regs);
	expect_left_to_the_backend(LDRSW_X1, 4, 0x80000000);
}

Test(sign, nothing_is_asked_where_the_top_bit_is_clear)
{
	expect_left_to_the_backend(LDRSB_W1, 1, 0x7f);
	expect_left_to_the_backend(LDRSH_W1, 2, 0x7fff);
	expect_left_to_the_backend(LDRSW_X1, 4, 0x7fffffff);
	cr_assert_eq(sim_calls(SIM_VCPU_GET_CONTEXT), 0);
}

Test(sign, nothing_is_asked_of_8_bytes)
{
	expect_left_to_the_backend(0xf9400041, 8, UINT64_MAX);
	cr_assert_eq(sim_calls(SIM_VCPU_GET_CONTEXT), 0);
}

Test(sign, nothing_is_asked_of_a_store)
{
	struct vcpu_exit exit = {
		.kind = VCPU_EXIT_MMIO,
		.mmio = { .addr = 0x1000, .len = 4, .data = 0x80000000, .is_write = true },
	};

	cr_assert_eq((int)exit_dispatch(&fixture.env, &exit), EXIT_RESUME);
	cr_assert_eq(sim_calls(SIM_VCPU_GET_CONTEXT), 0);
}

Test(sign, host_that_fails_is_a_crash)
{
	static const enum sim_op ops[] = { SIM_VCPU_GET_CONTEXT, SIM_VCPU_REPLY, SIM_VCPU_SETTLE,
					   SIM_VCPU_SET_X };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		char *log;

		sim_fail(ops[i], 1, EIO);
		capture_start();
		cr_expect_eq((int)load(LDRSW_X1, 4, 0x80000000), EXIT_END);
		log = capture_stop();
		cr_expect_not_null(strstr(log, "cannot complete a load"), "%s", log);
		cr_expect_eq((int)fixture.end, MACHINE_CRASH);
		free(log);
	}
	cr_assert_eq(fixture.nr_ends, ARRAY_SIZE(ops));
}
