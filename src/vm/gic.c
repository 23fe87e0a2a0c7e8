/* SPDX-License-Identifier: Apache-2.0 */
/* Which interrupt controller a machine gets, and where it lies. */
#include "gic.h"

#include <errno.h>

#include "base/log.h"
#include "base/util.h"
#include "boot/layout.h"

#define GICR_FIRST_COUNT (LAYOUT_GICR_SIZE / LAYOUT_GICR_EACH)

static int choose_version(const struct backend_caps *caps, enum vm_gic wish,
			  struct gic_choice *choice)
{
	if (!caps->gic_v2 && !caps->gic_v3) {
		log_error("this host gives guests no interrupt controller; use a host with GICv3 "
			  "or GICv2; see arcvisor doctor");
		return -EINVAL;
	}
	if (wish == VM_GIC_3 && !caps->gic_v3) {
		log_error("--gic 3: this host gives guests no GICv3; use --gic 2, or auto");
		return -EINVAL;
	}
	if (wish == VM_GIC_2 && !caps->gic_v2) {
		log_error("--gic 2: this host gives guests no GICv2; use --gic 3, or auto");
		return -EINVAL;
	}
	choice->v2 = wish == VM_GIC_2 || !caps->gic_v3;
	return 0;
}

static int choose_its(const struct backend_caps *caps, enum vm_its wish, struct gic_choice *choice)
{
	bool can = caps->its && !choice->v2;

	if (wish == VM_ITS_ON && !can) {
		log_error("--its on: %s; leave it out",
			  choice->v2 ? "a GICv2 has no ITS" : "this host gives guests no ITS");
		return -EINVAL;
	}
	choice->its = can && wish != VM_ITS_OFF;
	return 0;
}

/* Beside KVM's own limit, so that the line says what sets it. */
static int check_cpus(const struct backend_caps *caps, unsigned int cpus)
{
	if (cpus <= BACKEND_GICV2_CPUS)
		return 0;
	log_error("--cpus %u: a GICv2 serves at most %u vCPUs; ask for fewer, or use %s", cpus,
		  BACKEND_GICV2_CPUS, caps->gic_v3 ? "--gic 3" : "a host with GICv3");
	return -EINVAL;
}

int gic_choose(const struct backend_caps *caps, const struct vm_config *config,
	       struct gic_choice *choice)
{
	int ret = choose_version(caps, config->gic, choice);

	if (ret == 0)
		ret = choose_its(caps, config->its, choice);
	if (ret == 0 && choice->v2)
		ret = check_cpus(caps, config->cpus);
	return ret;
}

static void add_redists(struct backend_gic_config *gic, unsigned int cpus)
{
	gic->nr_redist_regions = 1;
	gic->redist[0].base = LAYOUT_GICR_BASE;
	gic->redist[0].count = cpus < GICR_FIRST_COUNT ? cpus : GICR_FIRST_COUNT;
	if (cpus > GICR_FIRST_COUNT) {
		gic->nr_redist_regions = 2;
		gic->redist[1].base = LAYOUT_GICR2_BASE;
		gic->redist[1].count = cpus - GICR_FIRST_COUNT;
	}
}

struct backend_gic_config gic_config(const struct gic_choice *choice, unsigned int cpus,
				     unsigned int nr_irqs)
{
	struct backend_gic_config gic = {
		.nr_irqs = nr_irqs,
		.v2 = choice->v2,
		.dist_base = LAYOUT_GICD_BASE,
		.its_base = choice->its ? LAYOUT_ITS_BASE : 0,
	};

	if (choice->v2)
		gic.cpu_base = LAYOUT_GICC_BASE;
	else
		add_redists(&gic, cpus);
	return gic;
}

void gic_describe(const struct gic_choice *choice, unsigned int cpus, struct fdt_config *fdt)
{
	struct backend_gic_config gic = gic_config(choice, cpus, LAYOUT_NR_IRQS);

	fdt->gic_v2 = gic.v2;
	fdt->gicd_base = gic.dist_base;
	fdt->gicd_size = gic.v2 ? LAYOUT_GICD2_SIZE : LAYOUT_GICD_SIZE;
	fdt->gicc_base = gic.cpu_base;
	fdt->gicc_size = gic.v2 ? LAYOUT_GICC_SIZE : 0;
	fdt->its_base = gic.its_base;
	fdt->its_size = gic.its_base ? LAYOUT_ITS_SIZE : 0;
	fdt->nr_redist = gic.nr_redist_regions;
	for (unsigned int i = 0; i < gic.nr_redist_regions; i++) {
		fdt->redist[i].base = gic.redist[i].base;
		fdt->redist[i].size = (uint64_t)gic.redist[i].count * LAYOUT_GICR_EACH;
	}
}
