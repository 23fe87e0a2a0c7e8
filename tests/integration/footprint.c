/* SPDX-License-Identifier: Apache-2.0 */
#include "footprint.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static unsigned long status_value(pid_t pid, const char *name)
{
	unsigned long value = 0;
	char line[256];
	FILE *status;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	status = fopen(line, "r");
	cr_assert_not_null(status, "%s", line);
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ": %lu", &value);
	fclose(status);
	cr_assert_gt(value, 0, "%s", name);
	return value;
}

static unsigned long count_fds(pid_t pid)
{
	unsigned long n = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

struct footprint footprint_of(pid_t pid)
{
	return (struct footprint){
		.anon_kb = status_value(pid, "RssAnon"),
		.threads = status_value(pid, "Threads"),
		.fds = count_fds(pid),
	};
}

void footprint_expect_same(const struct footprint *first, const struct footprint *last,
			   unsigned long workers, unsigned long slack)
{
	cr_expect_leq(last->anon_kb, first->anon_kb + slack, "%lu KiB, then %lu", first->anon_kb,
		      last->anon_kb);
	cr_expect_leq(last->threads, first->threads + workers, "%lu threads, then %lu",
		      first->threads, last->threads);
	cr_expect_eq(last->fds, first->fds, "%lu descriptors, then %lu", first->fds, last->fds);
}
