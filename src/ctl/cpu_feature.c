/* SPDX-License-Identifier: Apache-2.0 */
/* --cpu-feature NAME=on|off. */
#include <string.h>

#include "base/log.h"
#include "ctl/options.h"

bool set_cpu_feature(struct option_values *values, const char *name, const char *value)
{
	struct cpu_feature_wish *wish = &values->config.cpu_features;
	size_t len = strcspn(value, "=");
	uint32_t bit = cpu_feature_find(value, len);
	const char *state = value[len] ? value + len + 1 : "";

	if (!bit) {
		log_error("--%s \"%.64s\": no such feature; give " CPU_FEATURE_NAMES
			  ", and =on or =off",
			  name, value);
		return false;
	}
	if ((wish->on | wish->off) & bit) {
		log_error("--%s %.64s: given before; give each feature once", name, value);
		return false;
	}
	if (strcmp(state, "on") == 0) {
		wish->on |= bit;
	} else if (strcmp(state, "off") == 0) {
		wish->off |= bit;
	} else {
		log_error("--%s %.64s: give %.*s=on or %.*s=off", name, value, (int)len, value,
			  (int)len, value);
		return false;
	}
	return true;
}
