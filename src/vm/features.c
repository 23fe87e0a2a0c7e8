/* SPDX-License-Identifier: Apache-2.0 */
/* Which optional features a guest's CPUs get. */
#include "vm/features.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

static const struct feature_desc {
	const char *name;
	uint32_t bit;
	size_t cap;	     /* of a bool in struct backend_caps */
	const char *missing; /* completes "this host ..." */
} feature_descs[] = {
	{ "pmu", VCPU_FEATURE_PMU, offsetof(struct backend_caps, pmu_v3),
	  "gives guests no performance counters" },
	{ "sve", VCPU_FEATURE_SVE, offsetof(struct backend_caps, sve),
	  "has no scalable vectors for guests" },
	{ "pauth", VCPU_FEATURE_PAUTH, offsetof(struct backend_caps, pauth),
	  "has no pointer authentication for guests" },
	{ "mte", VCPU_FEATURE_MTE, offsetof(struct backend_caps, mte),
	  "cannot tag guest memory (that takes a CPU with MTE2 and Linux 6.2)" },
	{ "steal-time", VCPU_FEATURE_STEAL_TIME, offsetof(struct backend_caps, steal_time),
	  "does not tell guests of stolen time" },
};

static const char cache_info[] = "cache-info";

static bool name_is(const char *name, size_t len, const char *known)
{
	return strlen(known) == len && memcmp(name, known, len) == 0;
}

uint32_t cpu_feature_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(feature_descs); i++)
		if (name_is(name, len, feature_descs[i].name))
			return feature_descs[i].bit;
	return name_is(name, len, cache_info) ? CPU_FEATURE_CACHE_INFO : 0;
}

static int refused(const char *name, const char *missing)
{
	log_error("--cpu-feature %s=on: this host %s; leave it out; see arcvisor doctor", name,
		  missing);
	return -EINVAL;
}

int cpu_features_choose(const struct backend_caps *caps, bool knows_caches,
			const struct cpu_feature_wish *wish, uint32_t *features)
{
	uint32_t all = knows_caches ? CPU_FEATURE_CACHE_INFO : 0;

	for (size_t i = 0; i < ARRAY_SIZE(feature_descs); i++) {
		const struct feature_desc *desc = &feature_descs[i];

		if (*(const bool *)((const char *)caps + desc->cap))
			all |= desc->bit;
		else if (wish->on & desc->bit)
			return refused(desc->name, desc->missing);
	}
	if (wish->on & ~all) {
		log_error("--cpu-feature %s=on: this host does not say what caches it has; leave "
			  "it out",
			  cache_info);
		return -EINVAL;
	}
	*features = all & ~wish->off;
	return 0;
}
