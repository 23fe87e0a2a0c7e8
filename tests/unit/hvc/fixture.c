/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "hvc/vendor.h"

struct hvc_fixture hvc;

static enum psci_code test_cpu_on(void *ctx, unsigned int target, uint64_t entry, uint64_t context)
{
	struct hvc_fixture *f = ctx;

	f->nr_cpu_on++;
	f->target = target;
	f->entry = entry;
	f->context = context;
	return f->cpu_on_answer;
}

static enum psci_affinity test_affinity(void *ctx, unsigned int target)
{
	struct hvc_fixture *f = ctx;

	cr_assert_lt(target, f->psci.nr_vcpus);
	return f->affinity[target];
}

static int test_suspend(void *ctx, unsigned int vcpu)
{
	struct hvc_fixture *f = ctx;

	f->nr_suspend++;
	f->suspended = vcpu;
	return f->suspend_answer;
}

static void test_off(void *ctx)
{
	((struct hvc_fixture *)ctx)->nr_off++;
}

static void test_reset(void *ctx)
{
	((struct hvc_fixture *)ctx)->nr_reset++;
}

static const struct psci_ops test_psci_ops = {
	.cpu_on = test_cpu_on,
	.affinity = test_affinity,
	.suspend = test_suspend,
	.system_off = test_off,
	.system_reset = test_reset,
};

void hvc_init(void)
{
	static const struct backend_vm_config config;

	memset(&hvc, 0, sizeof(hvc));
	gmem_init(&hvc.mem);
	cr_assert_eq(gmem_add(&hvc.mem, TEST_RAM_BASE, TEST_RAM_SIZE), 0);
	hvc.psci = (struct psci){
		.ops = &test_psci_ops,
		.ctx = &hvc,
		.nr_vcpus = 4,
		.mem = &hvc.mem,
	};
	smccc_table_init(&hvc.table);
	cr_assert_eq(psci_register(&hvc.psci, &hvc.table), 0);
	cr_assert_eq(vendor_register(&hvc.table, NULL), 0);
	cr_assert_eq(backend_sim.vm_create(&config, &hvc.vm), 0);
	cr_assert_eq(backend_sim.vcpu_create(hvc.vm, 0, &hvc.backend), 0);
}

void hvc_fini(void)
{
	backend_sim.vcpu_destroy(hvc.backend);
	backend_sim.vm_destroy(hvc.vm);
	gmem_fini(&hvc.mem);
	sim_init();
}

uint64_t hvc_call_by(bool is_smc, uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	const uint64_t args[] = { x1, x2, x3 };
	struct vcpu_exit exit;
	struct smccc_call call = {
		.ops = &backend_sim,
		.backend = hvc.backend,
		.vcpu = hvc.caller,
		.exit = &exit.smccc,
	};
	struct vcpu_regs regs;

	sim_play_call(0, is_smc, fid, 3, args);
	cr_assert_eq(backend_sim.vcpu_run(hvc.backend, &exit), 0);
	hvc.action = smccc_dispatch(&hvc.table, &call);
	hvc.nr_ret = exit.smccc.nr_ret;
	cr_assert_eq(backend_sim.vcpu_reply(hvc.backend, &exit), 0);
	cr_assert_eq(backend_sim.vcpu_settle(hvc.backend), 0);
	sim_regs(0, &regs);
	return regs.x[0];
}

int64_t hvc_call(uint32_t fid, uint64_t x1, uint64_t x2, uint64_t x3)
{
	return (int64_t)hvc_call_by(false, fid, x1, x2, x3);
}
