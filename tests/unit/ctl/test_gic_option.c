/* SPDX-License-Identifier: Apache-2.0 */
/* --gic, --its and --conduit. */
#include <criterion/criterion.h>

#include "support.h"

static struct outcome outcome;

#define RUN "run", "--kernel", "Image"

static const struct {
	char *value;
	enum vm_gic gic;
} gics[] = { { "auto", VM_GIC_AUTO }, { "2", VM_GIC_2 }, { "3", VM_GIC_3 } };

Test(gic_option, each_value)
{
	parse(&outcome, RUN);
	cr_expect_eq(outcome.config.gic, VM_GIC_AUTO);
	cr_expect_eq(outcome.config.its, VM_ITS_AUTO);
	for (size_t i = 0; i < sizeof(gics) / sizeof(gics[0]); i++) {
		parse(&outcome, RUN, "--gic", gics[i].value);
		cr_expect_eq(outcome.command, COMMAND_RUN);
		cr_expect_eq(outcome.config.gic, gics[i].gic, "%s", gics[i].value);
	}
	parse(&outcome, RUN, "--its=on");
	cr_expect_eq(outcome.config.its, VM_ITS_ON);
	parse(&outcome, RUN, "--its", "off");
	cr_expect_eq(outcome.config.its, VM_ITS_OFF);
	cr_expect_eq(outcome.config.smc, false);
	parse(&outcome, RUN, "--conduit", "smc");
	cr_expect_eq(outcome.config.smc, true);
	parse(&outcome, RUN, "--conduit", "hvc");
	cr_expect_eq(outcome.config.smc, false);
}

Test(gic_option, anything_else_is_refused)
{
	assert_refused("--gic \"4\": give auto, 2 or 3", RUN, "--gic", "4");
	assert_refused("--gic \"\": give auto, 2 or 3", RUN, "--gic", "");
	assert_refused("--its \"auto\": give on or off", RUN, "--its", "auto");
	assert_refused("--conduit \"SMC\": give hvc or smc", RUN, "--conduit", "SMC");
}
