/* SPDX-License-Identifier: Apache-2.0 */
/* --net: what it comes to, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct net_config *parse_net(const char *value)
{
	parse(&outcome, RUN, "--net", (char *)(uintptr_t)value);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	cr_assert_eq(outcome.config.nr_nets, 1);
	return &outcome.config.nets[0];
}

Test(net_option, none)
{
	parse(&outcome, RUN);
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.nr_nets, 0);
}

Test(net_option, defaults)
{
	const struct net_config *net = parse_net("tap=tap0");

	cr_assert_eq(net->kind, NET_TAP);
	cr_assert_str_eq(net->tap, "tap0");
	cr_assert_str_eq(net->id, "net0");
	cr_assert_not(net->has_mac);
	cr_assert_eq(net->queues, 0);
	cr_assert_eq(net->mtu, 0);
	cr_assert_not(net->vhost);
}

Test(net_option, everything)
{
	static const uint8_t mac[] = { 0x02, 0xaB, 0xcd, 0xef, 0x01, 0xfe };
	const struct net_config *net =
		parse_net("tap=fifteen_letters,mac=02:aB:cd:EF:01:fe,queues=64,mtu=65535");

	cr_assert_str_eq(net->tap, "fifteen_letters");
	cr_assert(net->has_mac);
	cr_assert_eq(memcmp(net->mac, mac, 6), 0);
	cr_assert_eq(net->queues, 64);
	cr_assert_eq(net->mtu, 65535);
}

Test(net_option, other_places)
{
	cr_assert_str_empty(parse_net("tap=auto,mtu=68")->tap);
	cr_assert_eq(parse_net("fd=3,queues=1")->kind, NET_FD);
	cr_assert_eq(parse_net("fd=1000000")->fd, 1000000);
}

Test(net_option, user_with_forwards)
{
	const struct net_config *net = parse_net("user,tcp=8080:80,udp=53,tcp=127.0.0.1/22:22");

	cr_assert_eq(net->kind, NET_USER);
	cr_assert_eq(net->nr_forwards, 3);
	cr_assert_str_eq(net->forwards[0].ports, "8080:80");
	cr_assert_not(net->forwards[0].udp);
	cr_assert(net->forwards[1].udp);
	cr_assert_str_eq(net->forwards[2].ports, "127.0.0.1/22:22");
}

Test(net_option, by_the_hosts_kernel)
{
	cr_assert(parse_net("tap=tap0,vhost=on")->vhost);
	cr_assert(parse_net("fd=3,vhost=on")->vhost);
	cr_assert_not(parse_net("tap=tap0,vhost=off")->vhost);
	cr_assert_not(parse_net("user,vhost=off")->vhost);
	assert_refused("--net user: the host's kernel has no part in passt; leave out vhost=on",
		       RUN, "--net", "user,vhost=on");
	assert_refused("--net tap=a: vhost=auto: give on or off", RUN, "--net", "tap=a,vhost=auto");
	assert_refused("--net tap=a: vhost is given twice; give it once", RUN, "--net",
		       "tap=a,vhost=on,vhost=on");
}

Test(net_option, several)
{
	parse(&outcome, RUN, "-n", "tap=a", "--net=fd=7", "-n", "tap=auto");
	cr_assert_eq(outcome.command, COMMAND_RUN);
	cr_assert_eq(outcome.config.nr_nets, 3);
	cr_assert_str_eq(outcome.config.nets[1].id, "net1");
	cr_assert_str_eq(outcome.config.nets[2].id, "net2");
	assert_refused("--net tap=9: a machine has at most 8 network cards; leave some out", RUN,
		       "-n", "tap=1", "-n", "tap=2", "-n", "tap=3", "-n", "tap=4", "-n", "tap=5",
		       "-n", "tap=6", "-n", "tap=7", "-n", "tap=8", "-n", "tap=9");
}

#define REFUSED(value, line) assert_refused("--net " line, RUN, "--net", value)

Test(net_option, refused_places)
{
	REFUSED("", "\"\": give tap=NAME, tap=auto, fd=N or user first");
	REFUSED("tap0", "\"tap0\": give tap=NAME, tap=auto, fd=N or user first");
	REFUSED("tap", "\"tap\": give tap=NAME, tap=auto, fd=N or user first");
	REFUSED("mtu=1500,tap=a", "\"mtu=1500\": give tap=NAME, tap=auto, fd=N or user first");
	REFUSED("tap=", "tap=: give an interface's name, at most 15 characters, or auto");
	REFUSED("tap=sixteen__letters",
		"tap=sixteen__letters: give an interface's name, at most 15 characters, or auto");
	REFUSED("tap=a/b", "tap=a/b: give an interface's name, at most 15 characters, or auto");
	REFUSED("tap=a%d", "tap=a%d: give an interface's name, at most 15 characters, or auto");
	REFUSED("tap=..", "tap=..: give an interface's name, at most 15 characters, or auto");
	REFUSED("fd=", "fd=: give a descriptor, 3 or more, that is a tap");
	REFUSED("fd=2", "fd=2: give a descriptor, 3 or more, that is a tap");
	REFUSED("fd=-1", "fd=-1: give a descriptor, 3 or more, that is a tap");
	REFUSED("fd=4294967299", "fd=4294967299: give a descriptor, 3 or more, that is a tap");
	REFUSED("fd=3x", "fd=3x: give a descriptor, 3 or more, that is a tap");
	REFUSED("fd=3,queues=2", "fd=3: one descriptor is one queue; leave out queues=");
}

#define FORWARD_RULE "give PORT or PORT:PORT, as passt --tcp-ports, at most 16 times"

Test(net_option, refused_forwards)
{
	REFUSED("user=1", "\"user=1\": give tap=NAME, tap=auto, fd=N or user first");
	REFUSED("user,queues=2", "user: passt has one queue; leave out queues=");
	REFUSED("tap=a,tcp=80", "tap=a: tcp= and udp= are for user; a tap needs none");
	REFUSED("user,tcp=", "user: tcp=: " FORWARD_RULE);
	REFUSED("user,tcp=80 81", "user: tcp=80 81: " FORWARD_RULE);
	REFUSED("user,tcp=1,tcp=2,tcp=3,tcp=4,tcp=5,tcp=6,tcp=7,tcp=8,tcp=9,tcp=10,tcp=11,tcp=12,"
		"tcp=13,tcp=14,tcp=15,tcp=16,tcp=17",
		"user: tcp=17: " FORWARD_RULE);
}

#define MAC_RULE "give six pairs of hexadecimal digits, such as 02:00:00:00:00:01, and of no group"

Test(net_option, refused_addresses)
{
	REFUSED("tap=a,mac=", "tap=a: mac=: " MAC_RULE);
	REFUSED("tap=a,mac", "tap=a: mac: " MAC_RULE);
	REFUSED("tap=a,mac=02:00:00:00:00", "tap=a: mac=02:00:00:00:00: " MAC_RULE);
	REFUSED("tap=a,mac=02:00:00:00:00:0", "tap=a: mac=02:00:00:00:00:0: " MAC_RULE);
	REFUSED("tap=a,mac=02:00:00:00:00:001", "tap=a: mac=02:00:00:00:00:001: " MAC_RULE);
	REFUSED("tap=a,mac=02:00:00:00:00:01:02", "tap=a: mac=02:00:00:00:00:01:02: " MAC_RULE);
	REFUSED("tap=a,mac=02-00-00-00-00-01", "tap=a: mac=02-00-00-00-00-01: " MAC_RULE);
	REFUSED("tap=a,mac=0g:00:00:00:00:01", "tap=a: mac=0g:00:00:00:00:01: " MAC_RULE);
	REFUSED("tap=a,mac=01:00:5e:00:00:01", "tap=a: mac=01:00:5e:00:00:01: " MAC_RULE);
	REFUSED("tap=a,mac=ff:ff:ff:ff:ff:ff", "tap=a: mac=ff:ff:ff:ff:ff:ff: " MAC_RULE);
	REFUSED("tap=a,mac=00:00:00:00:00:00", "tap=a: mac=00:00:00:00:00:00: " MAC_RULE);
	assert_refused("--net tap=b: mac= is another card's; give each its own", RUN, "-n",
		       "tap=a,mac=02:00:00:00:00:01", "-n", "tap=b,mac=02:00:00:00:00:01");
	assert_refused("--net fd=3: is another card's; give each its own", RUN, "-n", "fd=3", "-n",
		       "fd=3");
}

Test(net_option, refused_words)
{
	REFUSED("tap=a,queues=0", "tap=a: queues=0: give 1 to 64");
	REFUSED("tap=a,queues=65", "tap=a: queues=65: give 1 to 64");
	REFUSED("tap=a,mtu=67", "tap=a: mtu=67: give 68 to 65535");
	REFUSED("tap=a,mtu=65536", "tap=a: mtu=65536: give 68 to 65535");
	REFUSED("tap=a,mtu=1500,mtu=1500", "tap=a: mtu is given twice; give it once");
	REFUSED("tap=a,", "tap=a: \"\" is no option of a network card; see arcvisor run --help");
	REFUSED("tap=a,speed=1",
		"tap=a: \"speed=1\" is no option of a network card; see arcvisor run --help");
}
