/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/vm: which interrupt controller a machine gets, and where it lies. */
#ifndef ARCVISOR_VM_GIC_H
#define ARCVISOR_VM_GIC_H

#include <stdbool.h>

#include "backend/backend.h"
#include "boot/fdt.h"
#include "vm/config.h"

struct gic_choice {
	bool v2;  /* else GICv3 */
	bool its; /* GICv3 only */
};

/*
 * What @config asks for, of what the host has: a GICv3 rather than a GICv2, an ITS with it where
 * there is one. 0, or -EINVAL after one line in the log; more vCPUs than a GICv2 serves are refused
 * too.
 */
int gic_choose(const struct backend_caps *caps, const struct vm_config *config,
	       struct gic_choice *choice);

/* It for @cpus vCPUs and @nr_irqs INTIDs, for the backend. */
struct backend_gic_config gic_config(const struct gic_choice *choice, unsigned int cpus,
				     unsigned int nr_irqs);

/* Its part of the device tree. */
void gic_describe(const struct gic_choice *choice, unsigned int cpus, struct fdt_config *fdt);

#endif
