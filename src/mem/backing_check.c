/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the host has memory of some kind: refusals that name thing, limit and remedy. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "mem/backing.h"

#define PATH_SIZE 256
#define LINE_SIZE 4096
#define POOLS	  "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB"
#define THP	  "/sys/kernel/mm/transparent_hugepage/"

/* ---- files ----------------------------------------------------------------------------------- */

/* The beginning of @path below @root, as a string in @text of LINE_SIZE; false where there is none.
 */
static bool read_text(const char *root, const char *path, char *text)
{
	char whole[PATH_SIZE];
	ssize_t n;
	int fd;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, LINE_SIZE - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Of the pool of pages of @size bytes; 0 where it says nothing. */
static uint64_t pool_number(const char *root, uint64_t size, const char *name)
{
	char path[PATH_SIZE], text[LINE_SIZE];

	snprintf(path, sizeof(path), POOLS "/%s", size / KIB, name);
	return read_text(root, path, text) ? strtoull(text, NULL, 10) : 0;
}

static bool has_pool(const char *root, uint64_t size)
{
	char path[PATH_SIZE], text[LINE_SIZE];

	snprintf(path, sizeof(path), POOLS "/nr_hugepages", size / KIB);
	return read_text(root, path, text);
}

/* 64K, 2M, 16G. */
static const char *size_text(uint64_t size, char *text, size_t len)
{
	if (size >= GIB)
		snprintf(text, len, "%" PRIu64 "G", size / GIB);
	else if (size >= MIB)
		snprintf(text, len, "%" PRIu64 "M", size / MIB);
	else
		snprintf(text, len, "%" PRIu64 "K", size / KIB);
	return text;
}

/* ---- pools ----------------------------------------------------------------------------------- */

static int no_pool(const char *root, const char *size)
{
	/* All that an arm64 host of any page size can have. */
	static const uint64_t sizes[] = {
		64 * KIB, 2 * MIB, 32 * MIB, 512 * MIB, GIB, 16 * GIB,
	};
	char list[64] = "";
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char text[16];

		if (has_pool(root, sizes[i]))
			at += (size_t)snprintf(list + at, sizeof(list) - at, " %s",
					       size_text(sizes[i], text, sizeof(text)));
	}
	log_error("--memory hugepages=%s: this host has no huge pages of that size; it has%s; give "
		  "hugepages=%s",
		  size, at ? list : " none", at ? "one of these" : "thp, or leave it out");
	return -EINVAL;
}

static int check_pool(const char *root, const struct gmem_backing *backing, uint64_t size)
{
	uint64_t page = backing->huge_size, wanted = size / page;
	uint64_t total = pool_number(root, page, "nr_hugepages");
	uint64_t free = pool_number(root, page, "free_hugepages");
	uint64_t reserved = pool_number(root, page, "resv_hugepages");
	uint64_t more = pool_number(root, page, "nr_overcommit_hugepages");
	uint64_t lent = pool_number(root, page, "surplus_hugepages");
	char text[16];

	size_text(page, text, sizeof(text));
	if (!has_pool(root, page))
		return no_pool(root, text);
	free = free > reserved ? free - reserved : 0;
	more = more > lent ? more - lent : 0;
	if (wanted <= free + more)
		return 0;
	log_error("--memory hugepages=%s: %" PRIu64 " pages wanted, %" PRIu64 " of %" PRIu64
		  " are free; echo %" PRIu64 " > " POOLS "/nr_hugepages, or ask for less memory",
		  text, wanted, free, total, total + wanted - free, page / KIB);
	return -EINVAL;
}

/* ---- transparent huge pages ------------------------------------------------------------------ */

static int check_thp(const char *root, const struct gmem_backing *backing)
{
	const char *path = backing->private ? THP "enabled" : THP "shmem_enabled";
	char text[LINE_SIZE];

	if (!read_text(root, path, text)) {
		log_error("--memory hugepages=thp: this host's kernel has no transparent huge "
			  "pages; leave it out");
		return -EINVAL;
	}
	if (!strstr(text, "[never]") && !strstr(text, "[deny]"))
		return 0;
	log_error("--memory hugepages=thp: turned off in this host for %s memory; echo %s > %s%s",
		  backing->private ? "private" : "shared", backing->private ? "madvise" : "advise",
		  path, backing->private ? "" : ", or give shared=off");
	return -EINVAL;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Whether a list such as 0-3,7 has @node. */
static bool list_has(const char *list, unsigned int node)
{
	for (;;) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return false;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (node >= first && node <= last)
			return true;
		if (*end != ',')
			return false;
		list = end + 1;
	}
}

static int check_node(const char *root, unsigned int node)
{
	char text[LINE_SIZE];

	if (!read_text(root, "/sys/devices/system/node/online", text)) {
		log_error("--memory node=%u: this host's kernel knows no NUMA nodes; leave it out",
			  node);
		return -EINVAL;
	}
	if (list_has(text, node))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	log_error("--memory node=%u: this host has %.64s; give one of these", node, text);
	return -EINVAL;
}

static int check_merge(const char *root)
{
	char text[LINE_SIZE];

	if (!read_text(root, "/sys/kernel/mm/ksm/run", text)) {
		log_error("--memory merge=on: this host's kernel has no CONFIG_KSM; leave it out");
		return -EINVAL;
	}
	if (strtoul(text, NULL, 10) != 1)
		log_warn("--memory merge=on: nothing is merged until KSM runs in this host: "
			 "echo 1 > /sys/kernel/mm/ksm/run");
	return 0;
}

static int check_available(const char *root, uint64_t size)
{
	char text[LINE_SIZE];
	const char *at;
	uint64_t available;

	if (!read_text(root, "/proc/meminfo", text))
		return 0;
	at = strstr(text, "MemAvailable:");
	available = at ? strtoull(at + strlen("MemAvailable:"), NULL, 10) * KIB : UINT64_MAX;
	if (size <= available)
		return 0;
	log_error("--memory prealloc=on: %" PRIu64 "M wanted, this host has %" PRIu64
		  "M available; ask for less, or leave prealloc out",
		  size / MIB, available / MIB);
	return -EINVAL;
}

int gmem_backing_check(const char *root, const struct gmem_backing *backing, uint64_t size)
{
	int ret = 0;

	if (backing->huge == GMEM_HUGE_POOL)
		ret = check_pool(root, backing, size);
	else if (backing->huge == GMEM_HUGE_THP)
		ret = check_thp(root, backing);
	if (ret == 0 && backing->bind)
		ret = check_node(root, backing->node);
	if (ret == 0 && backing->merge)
		ret = check_merge(root);
	if (ret == 0 && backing->prealloc && backing->huge != GMEM_HUGE_POOL)
		ret = check_available(root, size);
	return ret;
}
