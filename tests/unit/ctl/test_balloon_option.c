/* SPDX-License-Identifier: Apache-2.0 */
/* --balloon: what it comes to, and what is refused. */
#include <criterion/criterion.h>

#include "base/util.h"
#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct vballoon_config *parse_balloon(const char *value)
{
	parse(&outcome, RUN, "--balloon", (char *)(uintptr_t)value);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert(outcome.config.has_balloon);
	return &outcome.config.balloon;
}

Test(balloon_option, none)
{
	parse(&outcome, RUN);
	cr_assert_not(outcome.config.has_balloon);
}

Test(balloon_option, words)
{
	const struct vballoon_config *balloon = parse_balloon("on");

	cr_expect_eq(balloon->target, 0);
	cr_expect_not(balloon->deflate_on_oom || balloon->reporting);
	balloon = parse_balloon("size=256M,deflate-on-oom=on,free-page-reporting=on");
	cr_expect_eq(balloon->target, 256 * MIB);
	cr_expect(balloon->deflate_on_oom && balloon->reporting);
	balloon = parse_balloon("free-page-reporting=off,size=16,deflate-on-oom=off");
	cr_expect_eq(balloon->target, 16 * MIB);
	cr_expect_not(balloon->deflate_on_oom || balloon->reporting);
}

#define REFUSED(value, line) assert_refused("--balloon" line, RUN, "--balloon", value)

Test(balloon_option, refused)
{
	REFUSED("", " \"\": give on, size=, deflate-on-oom= or free-page-reporting=");
	REFUSED("off", " \"off\": give on, size=, deflate-on-oom= or free-page-reporting=");
	REFUSED("on,", " \"\": give on, size=, deflate-on-oom= or free-page-reporting=");
	REFUSED("size", " size: give MiB, or a number with K, M, G or T; whole pages of 4K");
	REFUSED("size=2K", " size=2K: give MiB, or a number with K, M, G or T; whole pages of 4K");
	REFUSED("size=256T",
		" size=256T: give MiB, or a number with K, M, G or T; whole pages of 4K");
	REFUSED("size=x", " size=x: give MiB, or a number with K, M, G or T; whole pages of 4K");
	REFUSED("deflate-on-oom", " deflate-on-oom: give on or off");
	REFUSED("free-page-reporting=1", " free-page-reporting=1: give on or off");
	REFUSED("size=1M,size=1M", ": size is given twice; give it once");
	assert_refused("--balloon on: given before; give it once", RUN, "--balloon", "on",
		       "--balloon", "on");
}
