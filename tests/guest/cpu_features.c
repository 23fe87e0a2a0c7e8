/* SPDX-License-Identifier: Apache-2.0 */
/* Says which optional features this machine's CPUs have, for a test that knows what to expect. */
#include "check.h"
#include "features.h"

static void say(const char *name, bool has)
{
	note("feature %s=%s", name, has ? "on" : "off");
}

void guest_main(void)
{
	say("pmu", has_pmu());
	say("sve", has_sve());
	say("pauth", has_address_auth());
	say("mte", has_mte());
	say("steal-time", has_steal_time());
	check_eq(has_generic_auth(), has_address_auth(), "generic keys as address keys");
}
