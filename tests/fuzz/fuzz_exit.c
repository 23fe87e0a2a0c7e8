/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit dispatch: a vCPU of the simulated backend, with registers, page tables and code that the
 * input chooses, plays exits that the input chooses. Handlers take none of it for granted, and
 * their replies are ones that a backend can take.
 */
#include <errno.h>

#include "backend/sim.h"
#include "exit/dispatch.h"
#include "hvc/psci.h"
#include "hvc/vendor.h"
#include "input.h"

#define RAM	  0x40000000u
#define RAM_SIZE  0x10000u
#define NR_VCPUS  4u
#define MAX_EXITS 64u
#define DEV_BASE  0x09000000u
#define DEV_SIZE  0x1000u

struct rig {
	struct fuzz_input *in;
	struct gmem *mem;
	struct backend_vm *vm;
	struct mmio_map mmio;
	struct smccc_table smccc;
	struct psci psci;
	struct exit_sink sink;
	struct exit_env env;
	unsigned int ends;
};

static void rig_end(void *ctx, enum machine_end why)
{
	struct rig *rig = ctx;

	fuzz_check(why != MACHINE_RUNNING);
	rig->ends++;
}

/* What mmio.h promises to devices. */
static void check_access(uint64_t offset, unsigned int len)
{
	fuzz_check(len == 1 || len == 2 || len == 4 || len == 8);
	fuzz_check(offset < DEV_SIZE && len <= DEV_SIZE - offset);
}

static uint64_t dev_read(void *dev, uint64_t offset, unsigned int len)
{
	check_access(offset, len);
	return fuzz_u64(((struct rig *)dev)->in);
}

static void dev_write(void *dev, uint64_t offset, unsigned int len, uint64_t val)
{
	(void)dev;
	check_access(offset, len);
	fuzz_check(len == 8 || val < 1ull << 8 * len);
}

static const struct mmio_ops dev_ops = { .read = dev_read, .write = dev_write };

static enum psci_code rig_cpu_on(void *ctx, unsigned int target, uint64_t entry, uint64_t context)
{
	(void)context;
	fuzz_check(target < NR_VCPUS);
	fuzz_check(gmem_slice(((struct rig *)ctx)->mem, entry, 4));
	return PSCI_SUCCESS;
}

static enum psci_affinity rig_affinity(void *ctx, unsigned int target)
{
	(void)ctx;
	fuzz_check(target < NR_VCPUS);
	return PSCI_AFFINITY_OFF;
}

static int rig_suspend(void *ctx, unsigned int vcpu)
{
	(void)ctx;
	fuzz_check(vcpu == 0);
	return -ENOTSUP;
}

static void rig_off(void *ctx)
{
	((struct rig *)ctx)->ends++;
}

static const struct psci_ops rig_psci_ops = {
	.cpu_on = rig_cpu_on,
	.affinity = rig_affinity,
	.suspend = rig_suspend,
	.system_off = rig_off,
	.system_reset = rig_off,
};

/*
 * Guest memory begins with a table that maps the first 2 GiB to themselves, in blocks of 1 GiB;
 * then the input puts into it what it likes, there too. One mapping serves every input.
 */
static struct gmem *guest_memory(struct fuzz_input *in)
{
	static struct gmem mem;

	if (!mem.nr_regions) {
		gmem_init(&mem);
		fuzz_check(gmem_add(&mem, RAM, RAM_SIZE) == 0);
	}
	gmem_zero(&mem, RAM, RAM_SIZE);
	gmem_write64(&mem, RAM, 1);
	gmem_write64(&mem, RAM + 8, 0x40000001);
	for (unsigned int n = fuzz_upto(in, 4); n; n--) {
		uint32_t at = fuzz_u32(in) & (RAM_SIZE - 1) & ~7u;

		gmem_write64(&mem, RAM + at, fuzz_u64(in));
	}
	return &mem;
}

static void rig_init(struct rig *rig, struct fuzz_input *in)
{
	static const struct backend_vm_config config;

	*rig = (struct rig){ .in = in, .mem = guest_memory(in) };
	rig->sink = (struct exit_sink){ .end = rig_end, .ctx = rig };
	fuzz_check(backend_sim.vm_create(&config, &rig->vm) == 0);
	mmio_map_init(&rig->mmio);
	fuzz_check(mmio_map_add(&rig->mmio, DEV_BASE, DEV_SIZE, "dev", &dev_ops, rig) == 0);
	mmio_map_freeze(&rig->mmio);
	rig->psci = (struct psci){ &rig_psci_ops, rig, NR_VCPUS, rig->mem };
	smccc_table_init(&rig->smccc);
	fuzz_check(psci_register(&rig->psci, &rig->smccc) == 0);
	fuzz_check(vendor_register(&rig->smccc, NULL) == 0);
	fuzz_check(smccc_table_install(&rig->smccc, &backend_sim, rig->vm) == 0);
	rig->env = (struct exit_env){
		.ops = &backend_sim,
		.mem = rig->mem,
		.mmio = &rig->mmio,
		.smccc = &rig->smccc,
		.sink = &rig->sink,
	};
	fuzz_check(backend_sim.vcpu_create(rig->vm, 0, &rig->env.backend) == 0);
}

static void rig_fini(struct rig *rig)
{
	backend_sim.vcpu_destroy(rig->env.backend);
	backend_sim.vm_destroy(rig->vm);
	sim_init();
}

/*
 * Registers. Half of the time those that lead somewhere do, so that a load or store at PC is found
 * and its base, X1, points at the device.
 */
static void set_regs(struct rig *rig)
{
	static const uint32_t opcodes[] = {
		0x28800020, 0xa8c00020, 0x29800020, 0x69c00020, /* STP, LDP, LDPSW */
		0x38000420, 0xf8400420, 0xb8000c20, 0x38c00c20, /* STRB, LDR, STR, LDRSB */
		0xb9800020, 0x39c00020, 0x79400020, 0x3c000020, /* LDRSW, LDRSB, LDRH, SIMD */
	};
	struct fuzz_input *in = rig->in;
	struct vcpu_regs regs = { 0 };
	uint32_t insn;

	if (fuzz_u8(in) & 1) {
		fuzz_take(in, &regs, sizeof(regs));
	} else {
		regs.pc = RAM + 0x1000;
		regs.pstate = 5;
		regs.sctlr_el1 = fuzz_u8(in) & 1;
		regs.tcr_el1 = 25;
		regs.ttbr0_el1 = RAM;
		regs.x[1] = DEV_BASE + (fuzz_u32(in) & (2 * DEV_SIZE - 1));
		regs.x[2] = fuzz_u64(in);
		insn = opcodes[fuzz_upto(in, 11)] | (fuzz_u32(in) & 0x3ffc1f);
		gmem_write32(rig->mem, regs.pc, insn);
	}
	sim_set_regs(0, &regs);
}

/* A call of PSCI, of the vendor range, or any. */
static uint32_t take_fid(struct fuzz_input *in)
{
	switch (fuzz_upto(in, 2)) {
	case 0:
		return PSCI_FN32 + (fuzz_u32(in) & 0x4000001f);
	case 1:
		return VENDOR_FN_FIRST + (fuzz_u32(in) & 0xff);
	}
	return fuzz_u32(in);
}

static void take_exit(struct fuzz_input *in, struct vcpu_exit *exit)
{
	memset(exit, 0, sizeof(*exit));
	exit->kind = (enum vcpu_exit_kind)fuzz_upto(in, VCPU_EXIT_KINDS + 2);
	if (exit->kind ==
	    VCPU_EXIT_MMIO) { /* len and is_write are the backend's, never the guest's */
		exit->mmio.addr =
			fuzz_u8(in) & 1 ? DEV_BASE + fuzz_u32(in) % (2 * DEV_SIZE) : fuzz_u64(in);
		exit->mmio.is_write = fuzz_u8(in) & 1;
		exit->mmio.len = (uint8_t)(1u << fuzz_upto(in, 3));
		exit->mmio.data = fuzz_u64(in) >> (64 - 8 * exit->mmio.len);
		return;
	}
	if (exit->kind == VCPU_EXIT_SMCCC) {
		exit->smccc.fid = take_fid(in);
		exit->smccc.is_smc = fuzz_u8(in) & 1;
		return;
	}
	if (exit->kind == VCPU_EXIT_NISV) {
		exit->nisv.esr = fuzz_u64(in);
		exit->nisv.gpa = DEV_BASE + fuzz_u32(in) % (2 * DEV_SIZE);
		return;
	}
	if (exit->kind == VCPU_EXIT_SYSREG) {
		fuzz_take(in, &exit->sysreg.value, 13);
		exit->sysreg.is_write = fuzz_u8(in) & 1;
		return;
	}
	exit->internal.suberror = fuzz_u32(in);
	exit->internal.ndata = fuzz_u32(in);
	fuzz_take(in, exit->internal.data, sizeof(exit->internal.data));
}

/* Every now and then the host fails in one of the calls that a handler makes. */
static enum exit_action dispatch(struct rig *rig, struct vcpu_exit *exit)
{
	enum sim_op op = SIM_VCPU_REPLY + fuzz_upto(rig->in, SIM_OPS - SIM_VCPU_REPLY - 1);
	enum exit_action action;

	if (fuzz_upto(rig->in, 15) == 1)
		sim_fail(op, 1 + fuzz_upto(rig->in, 2), EIO);
	action = exit_dispatch(&rig->env, exit);
	sim_fail(op, 0, 0);
	return action;
}

/* One exit from the guest to its reply; false where the vCPU goes no further. */
static bool play(struct rig *rig)
{
	unsigned int ends = rig->ends;
	enum exit_action action;
	struct vcpu_exit exit;

	take_exit(rig->in, &exit);
	sim_play(0, &exit);
	set_regs(rig);
	fuzz_check(backend_sim.vcpu_run(rig->env.backend, &exit) == 0);
	action = dispatch(rig, &exit);
	switch (action) {
	case EXIT_RESUME:
		fuzz_check(rig->ends == ends);
		fuzz_check(backend_sim.vcpu_reply(rig->env.backend, &exit) == 0);
		return true;
	case EXIT_REPLIED:
		fuzz_check(rig->ends == ends);
		return true;
	case EXIT_CPU_OFF:
		fuzz_check(rig->ends == ends);
		return false;
	case EXIT_END:
		fuzz_check(rig->ends == ends + 1);
		return false;
	}
	abort(); /* an action that there is not */
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct rig rig;

	rig_init(&rig, &in);
	for (unsigned int i = 0; i < MAX_EXITS && in.left && play(&rig); i++)
		;
	rig_fini(&rig);
	return 0;
}
