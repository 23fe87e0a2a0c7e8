/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of each kind that this machine has: what it is, how it is taken and given back. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "fixture.h"

#define BASE ((gpa_t)0x40000000)
#define SIZE (8 * MIB)

TestSuite(backing, .init = fixture_empty, .fini = fixture_fini);

static uint64_t pages_there(void)
{
	static unsigned char map[SIZE / 4096];
	uint64_t there = 0;

	cr_assert_eq(mincore(mem.regions[0].host, SIZE, map), 0);
	for (uint64_t i = 0; i < SIZE / page; i++)
		there += map[i] & 1;
	return there;
}

static void add(const struct gmem_backing *backing)
{
	cr_assert_eq(gmem_add_backed(&mem, BASE, SIZE, backing), 0);
	cr_assert_eq(mem.regions[0].page, page);
}

/* One byte of each page, and which pages have one. */
static void fill(void)
{
	for (uint64_t at = 0; at < SIZE; at += page)
		cr_assert_eq(gmem_write8(&mem, BASE + at, 7), 0);
}

static void expect_bytes(gpa_t from, gpa_t to, uint8_t want)
{
	uint8_t byte;

	for (gpa_t at = from; at < to; at += page) {
		cr_assert_eq(gmem_read8(&mem, at, &byte), 0);
		cr_assert_eq(byte, want, "at %#lx", (unsigned long)at);
	}
}

Test(backing, shared_memory_is_a_file_that_keeps_its_size)
{
	static const struct gmem_backing plain;
	struct stat st;

	add(&plain);
	cr_assert_eq(fstat(mem.regions[0].fd, &st), 0);
	cr_assert_eq(st.st_size, SIZE);
	cr_assert_eq(fcntl(mem.regions[0].fd, F_GET_SEALS),
		     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL |
			     (fcntl(mem.regions[0].fd, F_GET_SEALS) & ~0xf));
	cr_assert_neq(ftruncate(mem.regions[0].fd, SIZE / 2), 0);
	cr_assert_neq(ftruncate(mem.regions[0].fd, SIZE * 2), 0);
}

Test(backing, private_memory_has_no_file)
{
	static const struct gmem_backing backing = { .private = true };

	add(&backing);
	cr_assert_eq(mem.regions[0].fd, -1);
	fill();
	expect_bytes(BASE, BASE + SIZE, 7);
}

static void check_taken(bool private)
{
	struct gmem_backing backing = { .private = private, .huge = GMEM_HUGE_OFF };

	add(&backing);
	cr_assert_eq(pages_there(), 0);
	gmem_fini(&mem);
	backing.prealloc = true;
	add(&backing);
	cr_assert_eq(pages_there(), SIZE / page);
	expect_bytes(BASE, BASE + SIZE, 0);
}

Test(backing, shared_memory_is_taken_at_once)
{
	check_taken(false);
}

Test(backing, private_memory_is_taken_at_once)
{
	check_taken(true);
}

static uint64_t discard(const void *at, uint64_t len)
{
	int64_t given = gmem_discard(&mem, at, len);

	cr_assert_geq(given, 0, "%ld", (long)given);
	return (uint64_t)given;
}

/* Whole pages go, what lies beside them stays; a range may begin and end anywhere. */
static void check_discard(bool private)
{
	const struct gmem_backing backing = { .private = private, .huge = GMEM_HUGE_OFF };
	uint8_t *host;

	add(&backing);
	fill();
	host = gmem_slice(&mem, BASE, SIZE);
	cr_assert_eq(discard(host + 2 * page, page), page);
	expect_bytes(BASE + 2 * page, BASE + 3 * page, 0);
	cr_assert_eq(discard(host + 4 * page + 1, 3 * page), 2 * page);
	expect_bytes(BASE + 4 * page, BASE + 5 * page, 7);
	expect_bytes(BASE + 5 * page, BASE + 7 * page, 0);
	expect_bytes(BASE + 7 * page, BASE + SIZE, 7);
	cr_assert_eq(discard(host + 9 * page + 1, page - 1), 0);
	cr_assert_eq(discard(host + 9 * page + 1, page), 0);
	cr_assert_eq(discard(host + 9 * page, page - 1), 0);
	expect_bytes(BASE + 8 * page, BASE + SIZE, 7);
	cr_assert_eq(discard(host + SIZE - page, page), page);
	cr_assert_eq(discard(host, SIZE), SIZE);
	cr_assert_eq(pages_there(), 0);
	fill();
	expect_bytes(BASE, BASE + SIZE, 7);
}

Test(backing, shared_memory_is_given_back)
{
	check_discard(false);
}

Test(backing, private_memory_is_given_back)
{
	check_discard(true);
}

/* What is not there is taken; what is, stays what it is. */
Test(backing, memory_is_taken_again)
{
	static const struct gmem_backing backing = { .huge = GMEM_HUGE_OFF };

	add(&backing);
	cr_assert_eq(gmem_write8(&mem, BASE + page, 9), 0);
	cr_assert_eq(gmem_take(&mem, BASE + 1, 2 * page), 0);
	cr_assert_eq(pages_there(), 3);
	expect_bytes(BASE + page, BASE + 2 * page, 9);
	cr_assert_eq(gmem_take(&mem, BASE + SIZE - page, page), 0);
	cr_assert_eq(gmem_take(&mem, BASE + SIZE - page, page + 1), -EFAULT);
	cr_assert_eq(gmem_take(&mem, BASE - 1, 1), -EFAULT);
	cr_assert_eq(pages_there(), 4);
}

Test(backing, discards_in_the_region_that_the_address_is_of)
{
	uint8_t *host;

	cr_assert_eq(gmem_add(&mem, 0x80000000, 4 * page), 0);
	cr_assert_eq(gmem_add(&mem, 0x40000000, 4 * page), 0);
	cr_assert_eq(gmem_write8(&mem, 0x80000000, 1), 0);
	cr_assert_eq(gmem_write8(&mem, 0x40000000, 1), 0);
	host = gmem_slice(&mem, 0x80000000, page);
	cr_assert_eq(discard(host, page), page);
	expect_bytes(0x80000000, 0x80000000 + page, 0);
	expect_bytes(0x40000000, 0x40000000 + page, 1);
}

Test(backing, is_of_a_node)
{
	struct gmem_backing backing = { .bind = true, .node = 0 };
	unsigned long mask[16] = { 0 };
	int mode = -1, ret = gmem_add_backed(&mem, BASE, SIZE, &backing);

	if (ret == -ENOSYS || ret == -EPERM)
		cr_skip_test("this machine lets nobody choose a node");
	cr_assert_eq(ret, 0);
	cr_assert_eq(
		syscall(SYS_get_mempolicy, &mode, mask, 1024ul, mem.regions[0].host, MPOL_F_ADDR),
		0);
	cr_assert_eq(mode, MPOL_BIND);
	cr_assert_eq(mask[0], 1);
	gmem_fini(&mem);
	backing.node = 1023;
	cr_assert_eq(gmem_add_backed(&mem, BASE, SIZE, &backing), -EINVAL);
	cr_assert_eq(mem.nr_regions, 0);
}

/* VmFlags of /proc/self/smaps for the region. */
static bool has_flag(const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[256], start[32];
	bool inside = false, found = false;

	snprintf(start, sizeof(start), "%lx-", (unsigned long)mem.regions[0].host);
	while (fgets(line, sizeof(line), maps)) {
		if (strncmp(line, start, strlen(start)) == 0)
			inside = true;
		if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag);
			break;
		}
	}
	fclose(maps);
	return found;
}

Test(backing, is_merged)
{
	static const struct gmem_backing backing = { .private = true, .merge = true };
	int ret = gmem_add_backed(&mem, BASE, SIZE, &backing);

	if (ret == -EINVAL && access("/sys/kernel/mm/ksm/run", F_OK) < 0)
		cr_skip_test("no KSM in this kernel");
	cr_assert_eq(ret, 0);
	cr_assert(has_flag(" mg"));
}

Test(backing, asks_for_transparent_huge_pages_or_for_none)
{
	struct gmem_backing backing = { .huge = GMEM_HUGE_OFF };

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK) < 0)
		cr_skip_test("no transparent huge pages in this kernel");
	add(&backing);
	if (!has_flag(" nh"))
		cr_skip_test("this kernel does not say so");
	cr_assert_not(mem.regions[0].collapse);
	gmem_fini(&mem);
	backing.huge = GMEM_HUGE_THP;
	add(&backing);
	cr_assert(has_flag(" hg"));
	cr_assert(mem.regions[0].collapse);
}

/* A pool that has nothing, as far as one more page than all memory goes. */
Test(backing, a_pool_that_is_empty_refuses)
{
	struct gmem_backing backing = { .huge = GMEM_HUGE_POOL, .huge_size = 2 * MIB };
	int ret;

	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK) < 0)
		cr_skip_test("no pool of 2 MiB pages in this kernel");
	ret = gmem_add_backed(&mem, BASE, (uint64_t)1 << 45, &backing);
	cr_assert(ret == -ENOMEM || ret == -ENOSPC, "%d", ret);
	cr_assert_eq(mem.nr_regions, 0);
	cr_assert_eq(gmem_add_backed(&mem, BASE, MIB, &backing), -EINVAL);
	cr_assert_eq(gmem_add_backed(&mem, BASE + MIB, 2 * MIB, &backing), -EINVAL);
}

/* Of a host that has some free: the emulated one has. */
static bool has_pool_pages(uint64_t wanted)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned long have = 0;

	if (!file)
		return false;
	if (fscanf(file, "%lu", &have) != 1)
		have = 0;
	fclose(file);
	return have >= wanted;
}

static uint64_t pool_pages_used(void)
{
	struct stat st;

	cr_assert_eq(fstat(mem.regions[0].fd, &st), 0);
	return (uint64_t)st.st_blocks * 512 / (2 * MIB);
}

Test(backing, pages_of_a_pool)
{
	static const struct gmem_backing backing = { .huge = GMEM_HUGE_POOL, .huge_size = 2 * MIB };
	uint8_t *host;

	if (!has_pool_pages(4))
		cr_skip_test("no free pages in a pool");
	cr_assert_eq(gmem_add_backed(&mem, BASE, SIZE, &backing), 0);
	cr_assert_eq(mem.regions[0].page, 2 * MIB);
	cr_assert_eq((uintptr_t)mem.regions[0].host % (2 * MIB), 0);
	cr_assert_neq(ftruncate(mem.regions[0].fd, 0), 0);
	gmem_want_huge(&mem, BASE, SIZE);
	cr_assert_eq(pool_pages_used(), 0);
	fill();
	cr_assert_eq(pool_pages_used(), 4);
	host = gmem_slice(&mem, BASE, SIZE);
	cr_assert_eq(discard(host + page, 4 * MIB), 2 * MIB);
	cr_assert_eq(pool_pages_used(), 3);
	expect_bytes(BASE, BASE + 2 * MIB, 7);
	cr_assert_eq(gmem_take(&mem, BASE + 3 * MIB, page), 0);
	cr_assert_eq(pool_pages_used(), 4);
	expect_bytes(BASE + 2 * MIB, BASE + 4 * MIB, 0);
	expect_bytes(BASE + 4 * MIB, BASE + SIZE, 7);
}

Test(backing, pages_of_a_pool_are_taken_at_once)
{
	static const struct gmem_backing backing = {
		.huge = GMEM_HUGE_POOL,
		.huge_size = 2 * MIB,
		.prealloc = true,
	};

	if (!has_pool_pages(4))
		cr_skip_test("no free pages in a pool");
	cr_assert_eq(gmem_add_backed(&mem, BASE, SIZE, &backing), 0);
	cr_assert_eq(pool_pages_used(), 4);
}
