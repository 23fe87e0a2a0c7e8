/* SPDX-License-Identifier: Apache-2.0 */
/* --vsock: what it comes to, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

Test(vsock_option, none)
{
	parse(&outcome, RUN);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.vsock.cid, 0);
}

Test(vsock_option, both_words_in_any_order)
{
	parse(&outcome, RUN, "--vsock", "path=/run/a,,b,cid=4294967294");
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.vsock.cid, 4294967294u);
	cr_assert_str_eq(outcome.config.vsock.path, "/run/a,b");
	parse(&outcome, RUN, "--vsock=cid=3,path=x");
	cr_assert_eq(outcome.config.vsock.cid, 3);
	cr_assert_not(outcome.config.vsock.vhost);
	parse(&outcome, RUN, "--vsock", "cid=3,vhost=on");
	cr_assert(outcome.config.vsock.vhost, "%s", outcome.err);
	cr_assert_null(outcome.config.vsock.path);
}

#define REFUSED(value, line) assert_refused("--vsock" line, RUN, "--vsock", value)
#define WHOLE		     "give cid=N,path=PATH or cid=N,vhost=on"
#define CID_RULE	     "give it once, 3 to 4294967294"
#define PATH_RULE	     "give it once, 1 to 96 bytes; _PORT goes behind it"

Test(vsock_option, refused)
{
	char longest[128] = "cid=3,path=", line[192];

	REFUSED("cid=3", ": path= is missing; " WHOLE);
	REFUSED("cid=3,vhost=off", ": path= is missing; " WHOLE);
	REFUSED("path=x", ": cid= is missing; " WHOLE);
	REFUSED("vhost=on", ": cid= is missing; " WHOLE);
	REFUSED("cid=3,path=x,vhost=on",
		" vhost=on: the host's kernel has no path; leave one of them out");
	REFUSED("cid=3,vhost=1", " vhost=1: give on or off");
	REFUSED("cid=2,path=x", " cid=2: " CID_RULE);
	REFUSED("cid=4294967295,path=x", " cid=4294967295: " CID_RULE);
	REFUSED("cid=,path=x", " cid=: " CID_RULE);
	REFUSED("cid=3x,path=x", " cid=3x: " CID_RULE);
	REFUSED("cid=3,cid=3,path=x", " cid=3: " CID_RULE);
	REFUSED("cid=3,path=", " path=: " PATH_RULE);
	REFUSED("cid=3,path=x,path=y", " path=y: " PATH_RULE);
	REFUSED("", " \"\": is no option of a socket device; " WHOLE);
	REFUSED("3,x", " \"3\": is no option of a socket device; " WHOLE);
	memset(longest + 11, 'x', 96);
	parse(&outcome, RUN, "--vsock", longest);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	strcpy(longest, "cid=3,path=");
	memset(longest + 11, 'x', 97);
	snprintf(line, sizeof(line), "--vsock %s: " PATH_RULE, longest + 6);
	assert_refused(line, RUN, "--vsock", longest);
}
