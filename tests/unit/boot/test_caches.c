/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux says of caches, read from made-up folders. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "boot/caches.h"

static char root[64];
static struct caches caches;

static void setup(void)
{
	strcpy(root, "/tmp/caches_test.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_expect_eq(system(command), 0);
}

TestSuite(caches, .init = setup, .fini = teardown);

static void write_file(unsigned int index, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/index%u", root, index);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/index%u/%s", root, index, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* NULL: there is no such file. */
static void write_cache(unsigned int index, const char *level, const char *type, const char *size,
			const char *line, const char *sets, const char *cpus)
{
	const char *const files[][2] = {
		{ "level", level },	    { "type", type },
		{ "size", size },	    { "coherency_line_size", line },
		{ "number_of_sets", sets }, { "shared_cpu_list", cpus },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (files[i][1])
			write_file(index, files[i][0], files[i][1]);
}

/* A Graviton 3 with 64 cores. */
static void write_server(void)
{
	write_cache(0, "1\n", "Data\n", "64K\n", "64\n", "256\n", "0\n");
	write_cache(1, "1\n", "Instruction\n", "64K\n", "64\n", "256\n", "0\n");
	write_cache(2, "2\n", "Unified\n", "1024K\n", "64\n", "2048\n", "0\n");
	write_cache(3, "3\n", "Unified\n", "32768K\n", "64\n", "32768\n", "0-63\n");
}

static void expect_cache(unsigned int n, const struct cache *want)
{
	const struct cache *got = &caches.cache[n];

	cr_expect_eq(got->level, want->level, "cache %u", n);
	cr_expect_eq(got->type, want->type, "cache %u", n);
	cr_expect_eq(got->shared, want->shared, "cache %u", n);
	cr_expect_eq(got->size, want->size, "cache %u", n);
	cr_expect_eq(got->line, want->line, "cache %u", n);
	cr_expect_eq(got->sets, want->sets, "cache %u", n);
}

Test(caches, of_a_server_are_read)
{
	write_server();
	caches_read(root, &caches);
	cr_assert_eq(caches.nr, 4);
	expect_cache(0, &(struct cache){ 1, CACHE_DATA, false, 64 * KIB, 64, 256 });
	expect_cache(1, &(struct cache){ 1, CACHE_INSTRUCTION, false, 64 * KIB, 64, 256 });
	expect_cache(2, &(struct cache){ 2, CACHE_UNIFIED, false, 1024 * KIB, 64, 2048 });
	expect_cache(3, &(struct cache){ 3, CACHE_UNIFIED, true, 32768 * KIB, 64, 32768 });
}

Test(caches, none_where_the_host_says_nothing)
{
	caches_read(root, &caches);
	cr_expect_eq(caches.nr, 0);
	caches_read("/nowhere/at/all", &caches);
	cr_expect_eq(caches.nr, 0);
}

/* As on a host whose firmware does not tell: Linux knows levels and types from CLIDR_EL1. */
Test(caches, none_where_the_first_has_no_size)
{
	write_cache(0, "1\n", "Instruction\n", NULL, NULL, NULL, "0\n");
	write_cache(1, "2\n", "Unified\n", "1024K\n", "64\n", "2048\n", "0-1\n");
	caches_read(root, &caches);
	cr_expect_eq(caches.nr, 0);
}

Test(caches, threads_of_a_core_do_not_make_its_caches_shared)
{
	write_cache(0, "1\n", "Data\n", "32K\n", "64\n", "64\n", "0-3\n");
	write_cache(1, "2\n", "Unified\n", "256K\n", "64\n", "512\n", "0-3\n");
	write_cache(2, "3\n", "Unified\n", "4096K\n", "64\n", "4096\n", "0-127\n");
	caches_read(root, &caches);
	cr_assert_eq(caches.nr, 3);
	cr_expect_not(caches.cache[0].shared);
	cr_expect_not(caches.cache[1].shared);
	cr_expect(caches.cache[2].shared);
}

Test(caches, unknown_lines_and_sets_are_zero)
{
	write_cache(0, "1\n", "Unified\n", "64K\n", NULL, NULL, "0\n");
	caches_read(root, &caches);
	cr_assert_eq(caches.nr, 1);
	expect_cache(0, &(struct cache){ 1, CACHE_UNIFIED, false, 64 * KIB, 0, 0 });
}

/* What comes after something that makes no sense is not looked at. */
Test(caches, nonsense_ends_the_list)
{
	static const char *const bad[][3] = {
		{ "2\n", "Unified\n", "much\n" },	{ "2\n", "Unified\n", "99999999999K\n" },
		{ "2\n", "Unified\n", "4294967296\n" }, { "2\n", "Unified\n", "0K\n" },
		{ "2\n", "Trace\n", "64K\n" },		{ "0\n", "Unified\n", "64K\n" },
		{ "8\n", "Unified\n", "64K\n" },	{ "3\n", "Unified\n", "64K\n" },
		{ "2\n", "Data\n", "64K\n" },		{ "1\n", "Data\n", "64K\n" },
		{ "-2\n", "Unified\n", "64K\n" },	{ "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write_cache(0, "1\n", "Data\n", "64K\n", "64\n", "256\n", "0\n");
		write_cache(1, bad[i][0], bad[i][1], bad[i][2], "64\n", "256\n", "0\n");
		caches_read(root, &caches);
		cr_expect_eq(caches.nr, 1, "case %zu: %u caches", i, caches.nr);
	}
}

Test(caches, more_than_there_can_be_are_cut)
{
	for (unsigned int i = 0; i < 12; i++) {
		char level[8];

		snprintf(level, sizeof(level), "%u\n", i + 1);
		write_cache(i, level, "Unified\n", "64K\n", "64\n", "256\n", "0\n");
	}
	caches_read(root, &caches);
	cr_expect_eq(caches.nr, 7);
}

Test(caches, types_are_as_clidr_has_them)
{
	write_server();
	caches_read(root, &caches);
	cr_expect_eq(caches_types(&caches), 3u | 4u << 3 | 4u << 6);
	caches.nr = 1;
	cr_expect_eq(caches_types(&caches), 2u);
	caches.nr = 0;
	cr_expect_eq(caches_types(&caches), 0u);
}
