/* SPDX-License-Identifier: Apache-2.0 */
/* Which interrupt controller a machine gets, on every kind of host, and where it lies. */
#include <criterion/criterion.h>
#include <errno.h>

#include "../../../src/vm/gic.h"
#include "base/log.h"
#include "boot/layout.h"

static const struct backend_caps v3_its = { .gic_v3 = true, .its = true };
static const struct backend_caps v3_alone = { .gic_v3 = true };
static const struct backend_caps v2_alone = { .gic_v2 = true };
static const struct backend_caps both = { .gic_v2 = true, .gic_v3 = true, .its = true };
static const struct backend_caps none;

static struct vm_config want(enum vm_gic gic, enum vm_its its, unsigned int cpus)
{
	return (struct vm_config){ .gic = gic, .its = its, .cpus = cpus };
}

static void expect_choice(const struct backend_caps *caps, struct vm_config config, bool v2,
			  bool its)
{
	struct gic_choice choice = { .v2 = !v2, .its = !its };

	cr_assert_eq(gic_choose(caps, &config, &choice), 0);
	cr_expect_eq(choice.v2, v2);
	cr_expect_eq(choice.its, its);
}

static void expect_refused(const struct backend_caps *caps, struct vm_config config)
{
	struct gic_choice choice;

	cr_expect_eq(gic_choose(caps, &config, &choice), -EINVAL);
}

/* Complaint 15: a host with GICv2 alone is no reason to refuse. */
Test(gic_choose, auto_takes_the_newest_that_there_is)
{
	expect_choice(&v3_its, want(VM_GIC_AUTO, VM_ITS_AUTO, 2), false, true);
	expect_choice(&v3_alone, want(VM_GIC_AUTO, VM_ITS_AUTO, 2), false, false);
	expect_choice(&v2_alone, want(VM_GIC_AUTO, VM_ITS_AUTO, 2), true, false);
	expect_choice(&both, want(VM_GIC_AUTO, VM_ITS_AUTO, 2), false, true);
	expect_refused(&none, want(VM_GIC_AUTO, VM_ITS_AUTO, 2));
}

Test(gic_choose, what_is_asked_for_is_had_or_refused)
{
	expect_choice(&both, want(VM_GIC_2, VM_ITS_AUTO, 2), true, false);
	expect_choice(&both, want(VM_GIC_3, VM_ITS_AUTO, 2), false, true);
	expect_refused(&v3_its, want(VM_GIC_2, VM_ITS_AUTO, 2));
	expect_refused(&v2_alone, want(VM_GIC_3, VM_ITS_AUTO, 2));
	expect_choice(&both, want(VM_GIC_AUTO, VM_ITS_ON, 2), false, true);
	expect_choice(&both, want(VM_GIC_AUTO, VM_ITS_OFF, 2), false, false);
	expect_refused(&v3_alone, want(VM_GIC_AUTO, VM_ITS_ON, 2));
	expect_refused(&v2_alone, want(VM_GIC_AUTO, VM_ITS_ON, 2));
	expect_refused(&both, want(VM_GIC_2, VM_ITS_ON, 2));
}

Test(gic_choose, a_gicv2_serves_eight_vcpus)
{
	expect_choice(&v2_alone, want(VM_GIC_AUTO, VM_ITS_AUTO, 8), true, false);
	expect_refused(&v2_alone, want(VM_GIC_AUTO, VM_ITS_AUTO, 9));
	expect_refused(&both, want(VM_GIC_2, VM_ITS_AUTO, 9));
	expect_choice(&both, want(VM_GIC_AUTO, VM_ITS_AUTO, 512), false, true);
}

/* Complaint 13: a redistributor for each vCPU, no two in one place, clear of all else. */
Test(gic_config, redistributors_for_any_number_of_vcpus)
{
	const struct gic_choice v3 = { .its = true };

	for (unsigned int cpus = 1; cpus <= VM_MAX_CPUS; cpus++) {
		struct backend_gic_config gic = gic_config(&v3, cpus, 256);
		unsigned int count = 0;

		for (unsigned int i = 0; i < gic.nr_redist_regions; i++) {
			gpa_t end =
				gic.redist[i].base + (gpa_t)gic.redist[i].count * LAYOUT_GICR_EACH;

			cr_expect_gt(gic.redist[i].count, 0);
			count += gic.redist[i].count;
			cr_expect_leq(end,
				      i ? LAYOUT_GICR2_BASE + LAYOUT_GICR2_SIZE : LAYOUT_UART_BASE);
		}
		cr_expect_eq(count, cpus);
		cr_expect_eq(gic.nr_redist_regions, cpus > 123 ? 2 : 1);
	}
	cr_expect_eq(LAYOUT_ITS_BASE + LAYOUT_ITS_SIZE, LAYOUT_GICR_BASE);
}

Test(gic_config, a_gicv2_has_a_cpu_interface_and_no_redistributor)
{
	const struct gic_choice v2 = { .v2 = true };
	struct backend_gic_config gic = gic_config(&v2, 8, 288);
	struct fdt_config fdt = { 0 };

	cr_expect(gic.v2);
	cr_expect_eq(gic.nr_irqs, 288);
	cr_expect_eq(gic.dist_base, LAYOUT_GICD_BASE);
	cr_expect_eq(gic.cpu_base, LAYOUT_GICC_BASE);
	cr_expect_eq(gic.its_base, 0);
	cr_expect_eq(gic.nr_redist_regions, 0);

	gic_describe(&v2, 8, &fdt);
	cr_expect(fdt.gic_v2);
	cr_expect_eq(fdt.gicc_base, LAYOUT_GICC_BASE);
	cr_expect_eq(fdt.nr_redist, 0);
	cr_expect_eq(fdt.its_base, 0);
}
