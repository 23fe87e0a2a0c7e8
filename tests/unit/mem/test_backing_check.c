/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of memory that a made-up host has, or has not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "mem/backing.h"

static char root[] = "/tmp/backing.XXXXXX";
static int said;

static void init(void)
{
	cr_assert_not_null(mkdtemp(root));
	said = memfd_create("said", MFD_CLOEXEC);
	cr_assert(said >= 0 && dup2(said, STDERR_FILENO) >= 0);
}

static void fini(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(backing_check, .init = init, .fini = fini);

static void put(const char *path, const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "mkdir -p $(dirname %s%s) && echo '%s' >%s%s", root,
		 path, text, root, path);
	cr_assert_eq(system(command), 0);
}

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static void put_pool(const char *total, const char *free, const char *reserved)
{
	put(POOL "nr_hugepages", total);
	put(POOL "free_hugepages", free);
	put(POOL "resv_hugepages", reserved);
}

/* The check's answer; what it says is @line, or nothing where that is NULL. */
static void expect(const struct gmem_backing *backing, uint64_t size, int ret, const char *line)
{
	char text[1024] = "", want[1024] = "";

	cr_assert_eq(ftruncate(said, 0), 0);
	lseek(said, 0, SEEK_SET);
	cr_expect_eq(gmem_backing_check(root, backing, size), ret);
	cr_assert(pread(said, text, sizeof(text) - 1, 0) >= 0);
	if (line)
		snprintf(want, sizeof(want), "arcvisor: %s--memory %s\n",
			 ret ? "" : "warning: ", line);
	cr_expect_str_eq(text, want);
}

Test(backing_check, of_nothing_special)
{
	static const struct gmem_backing plain;

	expect(&plain, GIB, 0, NULL);
}

Test(backing_check, pools)
{
	static const struct gmem_backing backing = { .huge = GMEM_HUGE_POOL, .huge_size = 2 * MIB };

	expect(&backing, GIB, -EINVAL,
	       "hugepages=2M: this host has no huge pages of that size; it has none; give "
	       "hugepages=thp, or leave it out");
	put("/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages", "0");
	put("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0");
	expect(&backing, GIB, -EINVAL,
	       "hugepages=2M: this host has no huge pages of that size; it has 64K 1G; give "
	       "hugepages=one of these");
	put_pool("100", "100", "0");
	expect(&backing, 200 * MIB, 0, NULL);
	expect(&backing, GIB, -EINVAL,
	       "hugepages=2M: 512 pages wanted, 100 of 100 are free; echo 512 > "
	       "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, or ask for less memory");
	put_pool("100", "40", "30");
	expect(&backing, 22 * MIB, -EINVAL,
	       "hugepages=2M: 11 pages wanted, 10 of 100 are free; echo 101 > "
	       "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, or ask for less memory");
	expect(&backing, 20 * MIB, 0, NULL);
	put(POOL "nr_overcommit_hugepages", "5");
	put(POOL "surplus_hugepages", "4");
	expect(&backing, 22 * MIB, 0, NULL);
}

Test(backing_check, transparent_huge_pages)
{
	struct gmem_backing backing = { .huge = GMEM_HUGE_THP };

	expect(&backing, GIB, -EINVAL,
	       "hugepages=thp: this host's kernel has no transparent huge pages; leave it out");
	put("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always advise [never] deny");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
	expect(&backing, GIB, -EINVAL,
	       "hugepages=thp: turned off in this host for shared memory; echo advise > "
	       "/sys/kernel/mm/transparent_hugepage/shmem_enabled, or give shared=off");
	backing.private = true;
	expect(&backing, GIB, 0, NULL);
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
	expect(&backing, GIB, -EINVAL,
	       "hugepages=thp: turned off in this host for private memory; echo madvise > "
	       "/sys/kernel/mm/transparent_hugepage/enabled");
	put("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always [advise] never deny");
	backing.private = false;
	expect(&backing, GIB, 0, NULL);
}

Test(backing_check, nodes)
{
	struct gmem_backing backing = { .bind = true, .node = 2 };

	expect(&backing, GIB, -EINVAL,
	       "node=2: this host's kernel knows no NUMA nodes; leave it out");
	put("/sys/devices/system/node/online", "0-1,4-5,7");
	expect(&backing, GIB, -EINVAL, "node=2: this host has 0-1,4-5,7; give one of these");
	for (unsigned int node = 0; node < 10; node++) {
		bool there = node < 2 || node == 4 || node == 5 || node == 7;

		backing.node = node;
		cr_expect_eq(gmem_backing_check(root, &backing, GIB), there ? 0 : -EINVAL, "%u",
			     node);
	}
}

Test(backing_check, merging)
{
	static const struct gmem_backing backing = { .private = true, .merge = true };

	expect(&backing, GIB, -EINVAL,
	       "merge=on: this host's kernel has no CONFIG_KSM; leave it out");
	put("/sys/kernel/mm/ksm/run", "0");
	expect(&backing, GIB, 0,
	       "merge=on: nothing is merged until KSM runs in this host: echo 1 > "
	       "/sys/kernel/mm/ksm/run");
	put("/sys/kernel/mm/ksm/run", "1");
	expect(&backing, GIB, 0, NULL);
}

Test(backing_check, memory_that_is_taken_at_once)
{
	static const struct gmem_backing backing = { .prealloc = true };

	put("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable:    1048576 kB");
	expect(&backing, GIB, 0, NULL);
	expect(&backing, GIB + MIB, -EINVAL,
	       "prealloc=on: 1025M wanted, this host has 1024M available; ask for less, or leave "
	       "prealloc out");
}
