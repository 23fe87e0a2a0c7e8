/* SPDX-License-Identifier: Apache-2.0 */
/* --fs and --vhost-user-blk: what they come to, and what is refused. */
#include <criterion/criterion.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct vhost_config *parse_one(const char *option, const char *value)
{
	parse(&outcome, RUN, (char *)(uintptr_t)option, (char *)(uintptr_t)value);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_vhosts, 1);
	return &outcome.config.vhosts[0];
}

Test(vhost_option, folders)
{
	const struct vhost_config *vhost =
		parse_one("--fs", "tag=home,path=/home/a,,b,ro,queues=16");

	cr_expect_eq(vhost->kind, VHOST_FS);
	cr_expect_str_eq(vhost->id, "fs0");
	cr_expect_str_eq(vhost->tag, "home");
	cr_expect_str_eq(vhost->path, "/home/a,b");
	cr_expect_null(vhost->socket);
	cr_expect(vhost->read_only);
	cr_expect_eq(vhost->queues, 16);
	vhost = parse_one("--fs", "socket=/run/s,tag=123456789012345678901234567890123456");
	cr_expect_str_eq(vhost->socket, "/run/s");
	cr_expect_null(vhost->path);
	cr_expect_eq(vhost->queues, 0);
}

Test(vhost_option, disks_and_several)
{
	cr_expect_eq(parse_one("--vhost-user-blk", "socket=/run/d,queues=4")->kind, VHOST_BLK);
	parse(&outcome, RUN, "--fs", "tag=a,path=/", "--vhost-user-blk", "socket=/s", "--fs",
	      "tag=b,path=/");
	cr_assert_eq(outcome.config.nr_vhosts, 3);
	cr_expect_str_eq(outcome.config.vhosts[1].id, "vblk0");
	cr_expect_str_eq(outcome.config.vhosts[2].id, "fs1");
}

#define FS(value, line)	 assert_refused("--fs" line, RUN, "--fs", value)
#define BLK(value, line) assert_refused("--vhost-user-blk" line, RUN, "--vhost-user-blk", value)

Test(vhost_option, refused)
{
	FS("", ": \"\" is no option of it; see arcvisor run --help");
	FS("tag=a", ": give tag=TAG and path=DIR, or tag=TAG and socket=PATH");
	FS("path=/", ": give tag=TAG and path=DIR, or tag=TAG and socket=PATH");
	FS("tag=a,path=/,socket=/s", ": give tag=TAG and path=DIR, or tag=TAG and socket=PATH");
	FS("tag=a,socket=/s,ro", " tag=a: ro is for path=; tell the back end at socket=");
	FS("tag=,path=/", " tag=: give 1 to 36 bytes, by which the guest mounts it");
	FS("tag=1234567890123456789012345678901234567,path=/",
	   " tag=1234567890123456789012345678901234567: give 1 to 36 bytes, by which the guest "
	   "mounts it");
	FS("tag=a,path=", " path=: give a folder of the host");
	FS("tag=a,path=/,queues=17", " queues=17: give 1 to 16");
	FS("tag=a,tag=b,path=/", ": tag is given twice; give it once");
	BLK("queues=1", ": give socket=PATH, where its back end listens");
	BLK("socket=", " socket=: give the path where its back end listens");
	BLK("tag=a,socket=/s", ": \"tag=a\" is no option of it; see arcvisor run --help");
	BLK("path=/", ": \"path=/\" is no option of it; see arcvisor run --help");
	assert_refused("--fs tag=a: is another folder's; give each its own", RUN, "--fs",
		       "tag=a,path=/", "--fs", "tag=a,path=/tmp");
	assert_refused("--fs tag=i,path=/: a machine has at most 8 devices of vhost-user; leave "
		       "some out",
		       RUN, "--fs", "tag=a,path=/", "--fs", "tag=b,path=/", "--fs", "tag=c,path=/",
		       "--fs", "tag=d,path=/", "--fs", "tag=e,path=/", "--fs", "tag=f,path=/",
		       "--fs", "tag=g,path=/", "--fs", "tag=h,path=/", "--fs", "tag=i,path=/");
}
