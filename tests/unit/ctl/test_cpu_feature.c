/* SPDX-License-Identifier: Apache-2.0 */
/* --cpu-feature NAME=on|off. */
#include <criterion/criterion.h>

#include "support.h"

Test(cpu_feature, none_is_wished_by_default)
{
	struct outcome outcome;

	parse(&outcome, "run", "--kernel", "Image");
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_expect_eq(outcome.config.cpu_features.on, 0);
	cr_expect_eq(outcome.config.cpu_features.off, 0);
}

Test(cpu_feature, each_has_its_own_wish)
{
	struct outcome outcome;

	parse(&outcome, "run", "--kernel", "Image", "--cpu-feature", "pmu=on", "--cpu-feature",
	      "sve=off", "--cpu-feature=pauth=on", "--cpu-feature=mte=off", "--cpu-feature",
	      "steal-time=on", "--cpu-feature", "cache-info=off");
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_expect_eq(outcome.config.cpu_features.on,
		     VCPU_FEATURE_PMU | VCPU_FEATURE_PAUTH | VCPU_FEATURE_STEAL_TIME);
	cr_expect_eq(outcome.config.cpu_features.off,
		     VCPU_FEATURE_SVE | VCPU_FEATURE_MTE | CPU_FEATURE_CACHE_INFO);
}

#define RUN "run", "--kernel", "Image"

Test(cpu_feature, unknown_names_are_refused)
{
	assert_refused("--cpu-feature \"vhe=on\": no such feature; give pmu, sve, pauth, mte, "
		       "steal-time or cache-info, and =on or =off",
		       RUN, "--cpu-feature", "vhe=on");
	assert_refused("--cpu-feature \"pm=on\": no such feature; give pmu, sve, pauth, mte, "
		       "steal-time or cache-info, and =on or =off",
		       RUN, "--cpu-feature", "pm=on");
	assert_refused("--cpu-feature \"=on\": no such feature; give pmu, sve, pauth, mte, "
		       "steal-time or cache-info, and =on or =off",
		       RUN, "--cpu-feature", "=on");
}

Test(cpu_feature, anything_but_on_and_off_is_refused)
{
	assert_refused("--cpu-feature pmu=yes: give pmu=on or pmu=off", RUN, "--cpu-feature",
		       "pmu=yes");
	assert_refused("--cpu-feature pmu: give pmu=on or pmu=off", RUN, "--cpu-feature", "pmu");
	assert_refused("--cpu-feature steal-time=: give steal-time=on or steal-time=off", RUN,
		       "--cpu-feature", "steal-time=");
}

Test(cpu_feature, one_feature_twice_is_refused)
{
	assert_refused("--cpu-feature pmu=off: given before; give each feature once", RUN,
		       "--cpu-feature", "pmu=on", "--cpu-feature", "pmu=off");
}
