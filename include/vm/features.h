/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optional features of a machine's CPUs: their names, and which of them a guest gets. A feature is
 * on wherever the host has it, unless the user says otherwise.
 */
#ifndef ARCVISOR_VM_FEATURES_H
#define ARCVISOR_VM_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

/* Bits of a set of features: VCPU_FEATURE_*, and what the device tree alone says. */
#define CPU_FEATURE_CACHE_INFO BIT(16) /* the host's caches are described to the guest */

#define CPU_FEATURE_NAMES "pmu, sve, pauth, mte, steal-time or cache-info"

/* What the user asked for; a bit is in one of them at most. */
struct cpu_feature_wish {
	uint32_t on;
	uint32_t off;
};

/* The bit of the feature whose name is the first @len bytes of @name; 0: none has that name. */
uint32_t cpu_feature_find(const char *name, size_t len);

/*
 * What the guest gets: all that the host has, less what is wished off. @knows_caches: the host says
 * what caches it has. 0, or -EINVAL after one line in the log where a wish cannot be had.
 */
int cpu_features_choose(const struct backend_caps *caps, bool knows_caches,
			const struct cpu_feature_wish *wish, uint32_t *features);

#endif
