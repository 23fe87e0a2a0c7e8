/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host CPU's caches, for the guest's device tree: vCPUs run on the host's CPUs, so that they
 * find its caches there.
 */
#ifndef ARCVISOR_BOOT_CACHES_H
#define ARCVISOR_BOOT_CACHES_H

#include <stdbool.h>
#include <stdint.h>

#define CACHES_MAX 8u /* CLIDR_EL1 has 7 levels; the first may be two caches */

#define CACHES_SYSFS "/sys/devices/system/cpu/cpu0/cache"

enum cache_type {
	CACHE_UNIFIED,
	CACHE_INSTRUCTION, /* level 1 only */
	CACHE_DATA,	   /* level 1 only */
};

struct cache {
	unsigned int level; /* 1 to 7 */
	enum cache_type type;
	bool shared;   /* by several CPUs, else each has its own; never at level 1 */
	uint32_t size; /* bytes, never 0 */
	uint32_t line; /* bytes; 0: not known */
	uint32_t sets; /* 0: not known */
};

/* By rising level; none where the host does not say. */
struct caches {
	unsigned int nr;
	struct cache cache[CACHES_MAX];
};

/*
 * Reads what Linux says of a CPU's caches in folder @dir (CACHES_SYSFS; Linux
 * Documentation/ABI/testing/sysfs-devices-system-cpu). A cache without type, level or size is left
 * out, and so are all above a level that has none: the guest could not tell what is next.
 */
void caches_read(const char *dir, struct caches *caches);

/*
 * The same as CLIDR_EL1.Ctype<n> has it, 3 bits a level (Arm DDI0487 D24.2.27): Linux takes a
 * cache's type from there and the rest from the device tree, and finds no caches where the two
 * differ in their number.
 */
uint32_t caches_types(const struct caches *caches);

#endif
