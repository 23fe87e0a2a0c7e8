/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>

struct backend_vm *vm;
struct backend_vcpu *vcpus[TEST_NR_VCPUS];

void sim_test_init(void)
{
	static const struct backend_vm_config config;
	unsigned int i;

	cr_assert_eq(backend_sim.vm_create(&config, &vm), 0);
	for (i = 0; i < TEST_NR_VCPUS; i++)
		cr_assert_eq(backend_sim.vcpu_create(vm, i, &vcpus[i]), 0);
}

void sim_test_fini(void)
{
	unsigned int i;

	for (i = 0; i < TEST_NR_VCPUS; i++)
		backend_sim.vcpu_destroy(vcpus[i]);
	backend_sim.vm_destroy(vm);
	sim_init();
}

int create_gic(void)
{
	static const struct backend_gic_config config = {
		.nr_irqs = 64,
		.dist_base = 0x8000000,
		.nr_redist_regions = 1,
		.redist = { { .base = 0x80a0000, .count = TEST_NR_VCPUS } },
	};

	return backend_sim.gic_create(vm, &config);
}
