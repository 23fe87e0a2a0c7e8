/* SPDX-License-Identifier: Apache-2.0 */
/* --on-reset, --on-crash, --watchdog and --stop-timeout: how a guest ends, and what comes then. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/options.h"

/* The number of @value among @names, or -1. */
static int find_name(const char *const *names, unsigned int nr, const char *value)
{
	for (unsigned int i = 0; i < nr; i++)
		if (strcmp(value, names[i]) == 0)
			return (int)i;
	return -1;
}

bool set_on_reset(struct option_values *values, const char *name, const char *value)
{
	values->config.exit_on_reset = strcmp(value, "exit") == 0;
	if (values->config.exit_on_reset || strcmp(value, "reboot") == 0)
		return true;
	log_error("--%s \"%.64s\": give reboot or exit", name, value);
	return false;
}

bool set_stop_timeout(struct option_values *values, const char *name, const char *value)
{
	unsigned long seconds = strtoul(value, NULL, 10); /* ULONG_MAX where it overflows */

	if (!*value || value[strspn(value, "0123456789")] || seconds > VM_MAX_STOP) {
		log_error("--%s \"%.64s\": give seconds, 0 to %u", name, value, VM_MAX_STOP);
		return false;
	}
	values->config.stop_timeout = (unsigned int)seconds;
	return true;
}

bool set_on_crash(struct option_values *values, const char *name, const char *value)
{
	static const char *const names[] = {
		[VM_CRASH_EXIT] = "exit",
		[VM_CRASH_PAUSE] = "pause",
		[VM_CRASH_DUMP] = "dump",
	};
	int found = find_name(names, ARRAY_SIZE(names), value);

	if (found < 0) {
		log_error("--%s \"%.64s\": give exit, pause or dump", name, value);
		return false;
	}
	values->config.on_crash = (enum vm_on_crash)found;
	return true;
}

bool set_watchdog(struct option_values *values, const char *name, const char *value)
{
	static const char *const names[] = {
		[VM_WATCHDOG_OFF] = "off",
		[VM_WATCHDOG_RESET] = "reset",
		[VM_WATCHDOG_EXIT] = "exit",
		[VM_WATCHDOG_PAUSE] = "pause",
	};
	int found = find_name(names, ARRAY_SIZE(names), value);

	if (found < 0) {
		log_error("--%s \"%.64s\": give reset, exit, pause or off", name, value);
		return false;
	}
	values->config.watchdog = (enum vm_watchdog)found;
	return true;
}
