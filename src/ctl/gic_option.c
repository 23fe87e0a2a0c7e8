/* SPDX-License-Identifier: Apache-2.0 */
/* --gic, --its and --conduit. */
#include <string.h>

#include "base/log.h"
#include "ctl/options.h"

bool set_gic(struct option_values *values, const char *name, const char *value)
{
	if (strcmp(value, "auto") == 0) {
		values->config.gic = VM_GIC_AUTO;
	} else if (strcmp(value, "2") == 0) {
		values->config.gic = VM_GIC_2;
	} else if (strcmp(value, "3") == 0) {
		values->config.gic = VM_GIC_3;
	} else {
		log_error("--%s \"%.64s\": give auto, 2 or 3", name, value);
		return false;
	}
	return true;
}

bool set_its(struct option_values *values, const char *name, const char *value)
{
	if (strcmp(value, "on") == 0) {
		values->config.its = VM_ITS_ON;
	} else if (strcmp(value, "off") == 0) {
		values->config.its = VM_ITS_OFF;
	} else {
		log_error("--%s \"%.64s\": give on or off", name, value);
		return false;
	}
	return true;
}

bool set_conduit(struct option_values *values, const char *name, const char *value)
{
	values->config.smc = strcmp(value, "smc") == 0;
	if (values->config.smc || strcmp(value, "hvc") == 0)
		return true;
	log_error("--%s \"%.64s\": give hvc or smc", name, value);
	return false;
}
