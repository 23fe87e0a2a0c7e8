/* SPDX-License-Identifier: Apache-2.0 */
/* --memory: what it comes to, and what is refused. */
#include <criterion/criterion.h>

#include "base/util.h"
#include "support.h"

#define RUN "run", "-k", "Image"

static struct outcome outcome;

static const struct gmem_backing *parse_memory(const char *value)
{
	parse(&outcome, RUN, "--memory", (char *)(uintptr_t)value);
	cr_assert_eq(outcome.command, COMMAND_RUN, "%s", outcome.err);
	return &outcome.config.backing;
}

Test(memory_option, plain)
{
	const struct gmem_backing *backing = parse_memory("2G");

	cr_assert_eq(outcome.config.memory, 2 * GIB);
	cr_assert_eq(backing->huge, GMEM_HUGE_WISH);
	cr_assert_not(backing->private || backing->merge || backing->prealloc || backing->bind);
}

Test(memory_option, huge_pages)
{
	cr_assert_eq(parse_memory("64,hugepages=off")->huge, GMEM_HUGE_OFF);
	cr_assert_eq(outcome.config.memory, 64 * MIB);
	cr_assert_eq(parse_memory("64M,hugepages=thp")->huge, GMEM_HUGE_THP);
	cr_assert_eq(parse_memory("64M,hugepages=2M")->huge, GMEM_HUGE_POOL);
	cr_assert_eq(outcome.config.backing.huge_size, 2 * MIB);
	cr_assert_eq(parse_memory("2G,hugepages=1G")->huge_size, GIB);
	cr_assert_eq(parse_memory("64M,hugepages=64K")->huge_size, 64 * KIB);
}

Test(memory_option, switches_and_node)
{
	const struct gmem_backing *backing = parse_memory("1G,prealloc=on,shared=off,node=1023");

	cr_assert(backing->prealloc && backing->bind);
	cr_assert_eq(outcome.config.share, VM_SHARE_OFF);
	cr_assert_eq(backing->node, 1023);
	backing = parse_memory("1G,node=0,prealloc=off,shared=on,merge=off");
	cr_assert(backing->bind && !backing->prealloc && !backing->merge);
	cr_assert_eq(outcome.config.share, VM_SHARE_ON);
	cr_assert_eq(backing->node, 0);
}

Test(memory_option, merging_makes_it_private)
{
	cr_assert(parse_memory("1G,merge=on")->merge);
	cr_assert_eq(outcome.config.share, VM_SHARE_OFF);
	cr_assert(parse_memory("1G,shared=off,merge=on")->merge);
}

Test(memory_option, pinning_takes_it_at_once)
{
	cr_assert(parse_memory("1G,pin=on")->pin);
	cr_assert(outcome.config.backing.prealloc);
	cr_assert_not(parse_memory("1G,prealloc=off,pin=off")->prealloc);
	cr_assert(parse_memory("1G,shared=off,hugepages=thp,pin=on")->pin);
}

#define REFUSED(value, line) assert_refused("--memory " line, RUN, "--memory", value)

Test(memory_option, refused_words)
{
	REFUSED("", "\"\": not a size; give MiB, or a number with K, M, G or T, such as 2G");
	REFUSED("hugepages=2M", "\"hugepages=2M\": not a size; give MiB, or a number with K, M, G "
				"or T, such as 2G");
	REFUSED("1G,", "1G: \"\" is no option of memory; see arcvisor run --help");
	REFUSED("1G,huge", "1G: \"huge\" is no option of memory; see arcvisor run --help");
	REFUSED("1G,hugepages",
		"1G: hugepages: give off, thp, or a size of pages, such as 2M or 1G");
	REFUSED("1G,hugepages=3M",
		"1G: hugepages=3M: give off, thp, or a size of pages, such as 2M or 1G");
	REFUSED("1G,hugepages=99999999999999999999",
		"1G: hugepages=99999999999999999999: give off, thp, or a size of pages, such as 2M "
		"or 1G");
	REFUSED("1G,prealloc=yes", "1G: prealloc=yes: give on or off");
	REFUSED("1G,shared", "1G: shared: give on or off");
	REFUSED("1G,merge=", "1G: merge=: give on or off");
	REFUSED("1G,node=", "1G: node=: give the number of a NUMA node");
	REFUSED("1G,node=-1", "1G: node=-1: give the number of a NUMA node");
	REFUSED("1G,node=1024", "1G: node=1024: give the number of a NUMA node");
	REFUSED("1G,node=4294967296", "1G: node=4294967296: give the number of a NUMA node");
	REFUSED("1G,node=1,node=1", "1G: node is given twice; give it once");
}

Test(memory_option, refused_together)
{
	REFUSED("1G,merge=on,shared=on", "1G: merge=on is for private memory; leave out shared=on");
	REFUSED("1G,merge=on,hugepages=2M",
		"1G: merge=on cannot merge pages of a pool; leave out hugepages=");
	REFUSED("1G,shared=off,hugepages=2M",
		"1G: shared=off is not for pages of a pool; leave it out");
	REFUSED("1G,pin=on,merge=on",
		"1G: pin=on keeps every page where it is; leave out merge=on");
	REFUSED("1G,prealloc=off,pin=on",
		"1G: pin=on keeps every page where it is; leave out prealloc=off");
	REFUSED("1536M,hugepages=1G", "1536M: not whole huge pages; give a multiple of 1024M");
	REFUSED("33M,hugepages=2M", "33M: not whole huge pages; give a multiple of 2M");
}
