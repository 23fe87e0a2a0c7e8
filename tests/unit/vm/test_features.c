/* SPDX-License-Identifier: Apache-2.0 */
/* Which optional features a guest's CPUs get. */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/util.h"
#include "vm/features.h"

#define EVERY (VCPU_FEATURES | CPU_FEATURE_CACHE_INFO)

static const struct backend_caps full_host = {
	.sve = true,
	.pmu_v3 = true,
	.pauth = true,
	.mte = true,
	.steal_time = true,
};
static const struct backend_caps bare_host;

static uint32_t chosen(const struct backend_caps *caps, bool caches, uint32_t on, uint32_t off)
{
	struct cpu_feature_wish wish = { .on = on, .off = off };
	uint32_t features = ~0u;

	cr_assert_eq(cpu_features_choose(caps, caches, &wish, &features), 0);
	return features;
}

Test(features, all_that_the_host_has_is_on)
{
	cr_expect_eq(chosen(&full_host, true, 0, 0), EVERY);
	cr_expect_eq(chosen(&full_host, false, 0, 0), VCPU_FEATURES);
	cr_expect_eq(chosen(&bare_host, true, 0, 0), CPU_FEATURE_CACHE_INFO);
	cr_expect_eq(chosen(&bare_host, false, 0, 0), 0);
}

Test(features, each_can_be_off_alone)
{
	for (uint32_t bit = 1; bit; bit <<= 1)
		if (bit & EVERY)
			cr_expect_eq(chosen(&full_host, true, 0, bit), EVERY & ~bit);
}

Test(features, off_asks_nothing_of_the_host)
{
	cr_expect_eq(chosen(&bare_host, false, 0, EVERY), 0);
}

Test(features, on_where_the_host_has_it_not_is_refused)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		struct cpu_feature_wish wish = { .on = bit };
		uint32_t features;

		if (!(bit & EVERY))
			continue;
		cr_expect_eq(cpu_features_choose(&bare_host, false, &wish, &features), -EINVAL);
		cr_expect_eq(chosen(&full_host, true, bit, 0), EVERY);
	}
}

Test(features, names_are_found_whole)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = {
		{ "pmu", VCPU_FEATURE_PMU },
		{ "sve", VCPU_FEATURE_SVE },
		{ "pauth", VCPU_FEATURE_PAUTH },
		{ "mte", VCPU_FEATURE_MTE },
		{ "steal-time", VCPU_FEATURE_STEAL_TIME },
		{ "cache-info", CPU_FEATURE_CACHE_INFO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(names[i].name);

		cr_expect_eq(cpu_feature_find(names[i].name, len), names[i].bit);
		cr_expect_eq(cpu_feature_find(names[i].name, len - 1), 0);
	}
	cr_expect_eq(cpu_feature_find("", 0), 0);
	cr_expect_eq(cpu_feature_find("pmus", 4), 0);
}
