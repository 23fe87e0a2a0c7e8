/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores without a syndrome, executed on a device, or refused without a trace. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "capture.h"
#include "fixture.h"

#define DEVICE 0x9000000u
#define CODE   (FIXTURE_RAM + 0x1000u)

#define ISS_WNR 0x40u

#define LDP_W1_W3     0x29400c41u /* ldp w1, w3, [x2] */
#define LDP_X1_X3     0xa9400c41u
#define LDPSW_X1_X3   0x69400c41u
#define STP_W1_W3     0x29000c41u
#define STP_X1_XZR    0xa9007c41u
#define LDP_XZR_X3    0xa9400c5fu
#define LDR_W1_POST   0xb8404441u /* ldr w1, [x2], #4 */
#define LDR_W1_PRE    0xb85fcc41u /* ldr w1, [x2, #-4]! */
#define LDRSB_W1_POST 0x38c01441u /* ldrsb w1, [x2], #1 */
#define LDRSH_X1_PRE  0x78802c41u /* ldrsh x1, [x2, #2]! */
#define STR_W1_POST   0xb8004441u
#define STRB_W1_PRE   0x38001c41u /* strb w1, [x2, #1]! */
#define STP_X1_X3_PRE 0xa9bf0c41u /* stp x1, x3, [x2, #-16]! */
#define LDR_W1_SP     0xb84107e1u /* ldr w1, [sp], #16 */
#define LDR_W1_INDEX  0xb8636841u /* ldr w1, [x2, x3] */
#define LDR_S0	      0xbd400040u
#define LDR_X2_POST   0xf8408442u /* ldr x2, [x2], #8 */

struct access {
	uint64_t offset;
	unsigned int len;
	bool is_write;
	uint64_t val;
};

static struct access accesses[4];
static unsigned int nr_accesses;

static void note_access(uint64_t offset, unsigned int len, bool is_write, uint64_t val)
{
	cr_assert_lt(nr_accesses, ARRAY_SIZE(accesses));
	accesses[nr_accesses++] = (struct access){ offset, len, is_write, val };
}

static uint64_t device_read(void *dev, uint64_t offset, unsigned int len)
{
	(void)dev;
	note_access(offset, len, false, 0);
	return 0xf1f2f3f4f5f68000 + offset;
}

static void device_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	(void)dev;
	note_access(offset, len, true, val);
}

static const struct mmio_ops device_ops = { .read = device_read, .write = device_write };

static struct vcpu_regs before;

/* X1 and X3 are the data, X2 the base, in the middle of the device. */
static void init(void)
{
	fixture_init();
	memset(&before, 0, sizeof(before));
	before.pc = CODE;
	before.pstate = 0x3c5;
	before.x[1] = 0x1112131415161718;
	before.x[2] = DEVICE + 0x100;
	before.x[3] = 0x2122232425262728;
	before.sp = DEVICE + 0x200;
	before.sp_el1 = DEVICE + 0x300;
	mmio_map_add(&fixture.mmio, DEVICE, 0x2000, "device", &device_ops, NULL);
	nr_accesses = 0;
}

static struct vcpu_regs after(void)
{
	struct vcpu_regs regs;

	sim_regs(0, &regs);
	return regs;
}

/* The guest executes @insn, which faults at @gpa. */
static enum exit_action execute(uint32_t insn, gpa_t gpa, bool is_write)
{
	struct vcpu_exit exit = { .kind = VCPU_EXIT_NISV,
				  .nisv = { .gpa = gpa, .esr = is_write ? ISS_WNR : 0 } };

	gmem_write32(&fixture.mem, CODE, insn);
	sim_set_regs(0, &before);
	sim_play(0, &exit);
	cr_assert_eq(backend_sim.vcpu_run(fixture.env.backend, &exit), 0);
	return exit_dispatch(&fixture.env, &exit);
}

static void emulate(uint32_t insn, gpa_t gpa, bool is_write)
{
	cr_assert_eq((int)execute(insn, gpa, is_write), EXIT_RESUME);
	cr_assert_eq(sim_calls(SIM_VCPU_INJECT_SEA), 0);
	cr_expect_eq(after().pc, CODE + 4);
}

static void expect_access(unsigned int n, struct access want)
{
	cr_assert_lt(n, nr_accesses);
	cr_expect_eq(accesses[n].offset, want.offset);
	cr_expect_eq(accesses[n].len, want.len);
	cr_expect_eq(accesses[n].is_write, want.is_write);
	cr_expect_eq(accesses[n].val, want.val, "0x%lx", accesses[n].val);
}

/* The guest takes an external abort and nothing else happened. */
static void refuse(uint32_t insn, gpa_t gpa, bool is_write)
{
	unsigned int aborts = sim_calls(SIM_VCPU_INJECT_SEA);
	struct vcpu_regs regs;

	cr_expect_eq((int)execute(insn, gpa, is_write), EXIT_RESUME);
	cr_expect_eq(sim_calls(SIM_VCPU_INJECT_SEA), aborts + 1, "0x%08x", insn);
	cr_expect_eq(nr_accesses, 0, "0x%08x", insn);
	regs = after();
	cr_expect_eq(memcmp(&regs, &before, sizeof(regs)), 0, "0x%08x", insn);
}

TestSuite(nisv, .init = init, .fini = fixture_fini);

Test(nisv, ldp_loads_both_words_in_order)
{
	emulate(LDP_W1_W3, DEVICE + 0x100, false);
	cr_expect_eq(nr_accesses, 2);
	expect_access(0, (struct access){ 0x100, 4, false, 0 });
	expect_access(1, (struct access){ 0x104, 4, false, 0 });
	cr_expect_eq(after().x[1], 0xf5f68100);
	cr_expect_eq(after().x[3], 0xf5f68104);
	cr_expect_eq(after().x[2], DEVICE + 0x100);
}

Test(nisv, ldp_loads_both_double_words)
{
	emulate(LDP_X1_X3, DEVICE + 0x100, false);
	expect_access(1, (struct access){ 0x108, 8, false, 0 });
	cr_expect_eq(after().x[1], 0xf1f2f3f4f5f68100);
	cr_expect_eq(after().x[3], 0xf1f2f3f4f5f68108);
}

Test(nisv, ldpsw_extends_the_sign)
{
	emulate(LDPSW_X1_X3, DEVICE + 0x100, false);
	cr_expect_eq(after().x[1], 0xfffffffff5f68100);
	cr_expect_eq(after().x[3], 0xfffffffff5f68104);
}

Test(nisv, load_to_the_zero_register_reads_the_device)
{
	emulate(LDP_XZR_X3, DEVICE + 0x100, false);
	cr_expect_eq(nr_accesses, 2);
	cr_expect_eq(after().x[3], 0xf1f2f3f4f5f68108);
	cr_expect_eq(after().sp_el1, before.sp_el1);
}

Test(nisv, stp_stores_both_words_in_order)
{
	emulate(STP_W1_W3, DEVICE + 0x100, true);
	cr_expect_eq(nr_accesses, 2);
	expect_access(0, (struct access){ 0x100, 4, true, 0x15161718 });
	expect_access(1, (struct access){ 0x104, 4, true, 0x25262728 });
}

Test(nisv, zero_register_stores_zero)
{
	emulate(STP_X1_XZR, DEVICE + 0x100, true);
	expect_access(0, (struct access){ 0x100, 8, true, 0x1112131415161718 });
	expect_access(1, (struct access){ 0x108, 8, true, 0 });
}

Test(nisv, post_index_accesses_the_base_and_then_moves_it)
{
	emulate(LDR_W1_POST, DEVICE + 0x100, false);
	expect_access(0, (struct access){ 0x100, 4, false, 0 });
	cr_expect_eq(after().x[1], 0xf5f68100);
	cr_expect_eq(after().x[2], DEVICE + 0x104);
}

Test(nisv, pre_index_accesses_where_the_base_moves)
{
	emulate(LDR_W1_PRE, DEVICE + 0xfc, false);
	expect_access(0, (struct access){ 0xfc, 4, false, 0 });
	cr_expect_eq(after().x[1], 0xf5f680fc);
	cr_expect_eq(after().x[2], DEVICE + 0xfc);
}

Test(nisv, loads_with_write_back_extend_the_sign)
{
	before.x[2] = DEVICE + 0x90;
	emulate(LDRSB_W1_POST, DEVICE + 0x90, false);
	cr_expect_eq(after().x[1], 0xffffff90);
	cr_expect_eq(after().x[2], DEVICE + 0x91);
	emulate(LDRSH_X1_PRE, DEVICE + 0x92, false);
	cr_expect_eq(after().x[1], 0xffffffffffff8092);
	cr_expect_eq(after().x[2], DEVICE + 0x92);
}

Test(nisv, stores_write_back)
{
	emulate(STR_W1_POST, DEVICE + 0x100, true);
	cr_expect_eq(after().x[2], DEVICE + 0x104);
	emulate(STRB_W1_PRE, DEVICE + 0x101, true);
	cr_expect_eq(after().x[2], DEVICE + 0x101);
	emulate(STP_X1_X3_PRE, DEVICE + 0xf0, true);
	cr_expect_eq(after().x[2], DEVICE + 0xf0);
	expect_access(0, (struct access){ 0x100, 4, true, 0x15161718 });
	expect_access(1, (struct access){ 0x101, 1, true, 0x18 });
	expect_access(2, (struct access){ 0xf0, 8, true, 0x1112131415161718 });
	expect_access(3, (struct access){ 0xf8, 8, true, 0x2122232425262728 });
}

Test(nisv, base_31_is_the_stack_pointer_in_use)
{
	emulate(LDR_W1_SP, DEVICE + 0x300, false);
	expect_access(0, (struct access){ 0x300, 4, false, 0 });
	cr_expect_eq(after().sp_el1, DEVICE + 0x310);
	cr_expect_eq(after().sp, before.sp);
	before.pstate = 0x3c4; /* EL1t */
	emulate(LDR_W1_SP, DEVICE + 0x200, false);
	expect_access(1, (struct access){ 0x200, 4, false, 0 });
	cr_expect_eq(after().sp, DEVICE + 0x210);
	cr_expect_eq(after().sp_el1, before.sp_el1);
}

Test(nisv, instruction_counts_as_executed)
{
	before.pstate |= 0x200c00; /* SS, BTYPE */
	emulate(LDP_W1_W3, DEVICE + 0x100, false);
	cr_expect_eq(after().pstate, 0x3c5);
}

Test(nisv, address_goes_through_stage_1)
{
	/* A table of one level: 2 MiB blocks, the second of which is where the device is. */
	gmem_write64(&fixture.mem, FIXTURE_RAM, FIXTURE_RAM | 0x701);
	gmem_write64(&fixture.mem, FIXTURE_RAM + 8, DEVICE | 0x701);
	before.sctlr_el1 = 1;
	before.tcr_el1 = 64 - 30;
	before.ttbr0_el1 = FIXTURE_RAM;
	before.pc = CODE - FIXTURE_RAM;
	before.x[2] = 0x200100;
	cr_assert_eq((int)execute(LDP_W1_W3, DEVICE + 0x100, false), EXIT_RESUME);
	cr_expect_eq(nr_accesses, 2);
	expect_access(0, (struct access){ 0x100, 4, false, 0 });
	cr_expect_eq(after().pc, CODE - FIXTURE_RAM + 4);
}

/* The host may know the page alone (include/backend/exit.h). */
Test(nisv, page_of_the_fault_is_enough)
{
	emulate(LDP_W1_W3, DEVICE, false);
	expect_access(0, (struct access){ 0x100, 4, false, 0 });
}

Test(nisv, other_instructions_are_refused)
{
	refuse(LDR_S0, DEVICE + 0x100, false);
	refuse(LDR_W1_INDEX, DEVICE + 0x100, false);
	refuse(LDR_X2_POST, DEVICE + 0x100, false);
	refuse(0xd503201f, DEVICE + 0x100, false); /* nop */
}

Test(nisv, fault_in_another_page_is_refused)
{
	refuse(LDP_W1_W3, DEVICE + 0x1100, false);
	refuse(LDP_W1_W3, DEVICE - 8, false);
}

Test(nisv, fault_in_the_other_direction_is_refused)
{
	refuse(LDP_W1_W3, DEVICE + 0x100, true);
	refuse(STP_W1_W3, DEVICE + 0x100, false);
}

Test(nisv, access_over_the_end_of_a_page_is_refused)
{
	before.x[2] = DEVICE + 0xff8;
	refuse(LDP_X1_X3, DEVICE + 0xff8, false);
	refuse(LDP_X1_X3, DEVICE + 0x1000, false);
}

Test(nisv, code_that_cannot_be_read_is_refused)
{
	before.pc = DEVICE;
	refuse(LDP_W1_W3, DEVICE + 0x100, false);
}

Test(nisv, host_that_fails_is_a_crash)
{
	static const struct {
		enum sim_op op;
		uint32_t insn;
		bool is_write;
	} cases[] = {
		{ SIM_VCPU_GET_CONTEXT, LDP_W1_W3, false }, { SIM_VCPU_GET_X, LDP_W1_W3, false },
		{ SIM_VCPU_SET_X, LDP_W1_W3, false },	    { SIM_VCPU_SET_SP, LDR_W1_SP, false },
		{ SIM_VCPU_SKIP, STP_W1_W3, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *log;

		nr_accesses = 0;
		sim_fail(cases[i].op, 1, EIO);
		capture_start();
		cr_expect_eq((int)execute(cases[i].insn, DEVICE + 0x100, cases[i].is_write),
			     EXIT_END);
		log = capture_stop();
		cr_expect_not_null(strstr(log, "cannot emulate an access"), "%s", log);
		cr_expect_eq((int)fixture.end, MACHINE_CRASH);
		free(log);
	}
	cr_assert_eq(fixture.nr_ends, ARRAY_SIZE(cases));
}

/* What a store transfers is known before any of it is written. */
Test(nisv, store_that_cannot_be_read_writes_nothing)
{
	sim_fail(SIM_VCPU_GET_X, 3, EIO); /* the base, the first register, the second */
	capture_start();
	cr_expect_eq((int)execute(STP_W1_W3, DEVICE + 0x100, true), EXIT_END);
	free(capture_stop());
	cr_assert_eq(nr_accesses, 0);
}
