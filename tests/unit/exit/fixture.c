/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <string.h>

struct exit_fixture fixture;

static void fixture_end(void *ctx, enum machine_end why)
{
	struct exit_fixture *f = ctx;

	f->end = why;
	f->nr_ends++;
}

void fixture_init(void)
{
	static const struct backend_vm_config config;

	memset(&fixture, 0, sizeof(fixture));
	cr_assert(backend_sim.vm_create(&config, &fixture.vm) == 0);
	gmem_init(&fixture.mem);
	cr_assert(gmem_add(&fixture.mem, FIXTURE_RAM, FIXTURE_RAM_SIZE) == 0);
	mmio_map_init(&fixture.mmio);
	smccc_table_init(&fixture.smccc);
	fixture.sink = (struct exit_sink){ .end = fixture_end, .ctx = &fixture };
	fixture.env = (struct exit_env){
		.ops = &backend_sim,
		.mem = &fixture.mem,
		.mmio = &fixture.mmio,
		.smccc = &fixture.smccc,
		.sink = &fixture.sink,
	};
	cr_assert(backend_sim.vcpu_create(fixture.vm, 0, &fixture.env.backend) == 0);
}

void fixture_fini(void)
{
	backend_sim.vcpu_destroy(fixture.env.backend);
	backend_sim.vm_destroy(fixture.vm);
	gmem_fini(&fixture.mem);
	sim_init();
}
