/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what the host says of itself in /proc, /sys and by system calls. */
#include <errno.h>
#include <inttypes.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/doctor_host.h"

#define PATH_SIZE 1024
#define LINE_SIZE 512

static FILE *open_below(const char *root, const char *path)
{
	char full[PATH_SIZE];
	int len = snprintf(full, sizeof(full), "%s%s", root, path);

	if (len < 0 || (size_t)len >= sizeof(full))
		return NULL;
	return fopen(full, "re");
}

/* The first line of a file, without its end; "" where there is none. */
static void read_line(const char *root, const char *path, char *line, int size)
{
	FILE *file = open_below(root, path);

	if (!file || !fgets(line, size, file))
		*line = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static uint64_t parse_number(const char *text)
{
	char *end;
	uint64_t val;

	if (strcmp(text, "max") == 0)
		return HOST_UNLIMITED;
	errno = 0;
	val = strtoull(text, &end, 0);
	return end == text || errno ? HOST_UNKNOWN : val;
}

static uint64_t read_number(const char *root, const char *path)
{
	char line[LINE_SIZE];

	read_line(root, path, line, sizeof(line));
	return parse_number(line);
}

/* The value of the first line "KEY: VALUE" of a file, in @value of LINE_SIZE; "" if none. */
static void read_field(const char *root, const char *path, const char *key, char *value)
{
	FILE *file = open_below(root, path);
	char line[LINE_SIZE];
	size_t len = strlen(key);

	*value = '\0';
	if (!file)
		return;
	while (!*value && fgets(line, sizeof(line), file)) {
		char *colon;

		if (strncmp(line, key, len) != 0)
			continue;
		colon = line + len + strspn(line + len, "\t ");
		if (*colon != ':')
			continue;
		colon[strcspn(colon, "\n")] = '\0';
		strcpy(value, colon + 1 + strspn(colon + 1, "\t "));
	}
	fclose(file);
}

static uint64_t read_field_number(const char *root, const char *path, const char *key)
{
	char value[LINE_SIZE];

	read_field(root, path, key, value);
	return parse_number(value);
}

/* The word in brackets of "always [madvise] never". */
static void read_choice(const char *root, const char *path, char *word, size_t size)
{
	char line[LINE_SIZE];
	char *start;

	read_line(root, path, line, sizeof(line));
	start = strchr(line, '[');
	*word = '\0';
	if (!start || strcspn(start, "]") > size)
		return;
	start[strcspn(start, "]")] = '\0';
	strcpy(word, start + 1);
}

static void gather_hugetlb(const char *root, struct doctor_host *host)
{
	static const uint64_t sizes[HOST_HUGETLB_SIZES] = { 64,	    2048,    32768,
							    524288, 1048576, 16777216 };
	char path[PATH_SIZE];

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct host_hugetlb *pool = &host->hugetlb[i];

		pool->page_kib = sizes[i];
		snprintf(path, sizeof(path),
			 "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages", sizes[i]);
		pool->total = read_number(root, path);
		snprintf(path, sizeof(path),
			 "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
			 sizes[i]);
		pool->free = read_number(root, path);
	}
}

static void gather_memory(const char *root, struct doctor_host *host)
{
	uint64_t kib = read_field_number(root, "/proc/meminfo", "MemAvailable");

	host->memory_available = kib == HOST_UNKNOWN ? kib : kib * KIB;
	read_choice(root, "/sys/kernel/mm/transparent_hugepage/enabled", host->thp,
		    sizeof(host->thp));
	read_choice(root, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", host->thp_shmem,
		    sizeof(host->thp_shmem));
	gather_hugetlb(root, host);
}

/* A limit binds all cgroups below too: the least from @group, "" or "/...", to the root counts. */
static uint64_t cgroup_limit(const char *root, const char *group, const char *file)
{
	uint64_t least = HOST_UNKNOWN;
	char dir[LINE_SIZE];
	char path[PATH_SIZE];

	snprintf(dir, sizeof(dir), "%s", group);
	for (;;) {
		uint64_t limit;

		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", dir, file);
		limit = read_number(root, path);
		if (limit != HOST_UNKNOWN && (least == HOST_UNKNOWN || limit < least))
			least = limit;
		if (!*dir)
			return least;
		*strrchr(dir, '/') = '\0';
	}
}

/* cgroup v2 only: its line in /proc/self/cgroup is "0::/PATH" (Linux cgroup-v2.rst). */
static void gather_cgroup(const char *root, struct doctor_host *host)
{
	char value[LINE_SIZE];
	const char *group;

	read_field(root, "/proc/self/cgroup", "0", value);
	group = value[0] == ':' && value[1] == '/' ? value + 1 : "";
	host->cgroup_memory = cgroup_limit(root, group, "memory.max");
	host->cgroup_pids = cgroup_limit(root, group, "pids.max");
}

/* @err is what getrlimit(2) said; C libraries disagree on the type of its first argument. */
static uint64_t soft_limit(int err, const struct rlimit *limit)
{
	if (err)
		return HOST_UNKNOWN;
	return limit->rlim_cur == RLIM_INFINITY ? HOST_UNLIMITED : limit->rlim_cur;
}

static void gather_limits(struct doctor_host *host)
{
	struct rlimit limit;

	host->memlock = soft_limit(getrlimit(RLIMIT_MEMLOCK, &limit), &limit);
	host->nofile = soft_limit(getrlimit(RLIMIT_NOFILE, &limit), &limit);
	host->nproc = soft_limit(getrlimit(RLIMIT_NPROC, &limit), &limit);
}

/* By number, since liburing has one door and this is not it. */
static int probe_io_uring(void)
{
	struct io_uring_params params = { 0 };
	long fd = syscall(__NR_io_uring_setup, 1, &params);

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

static void gather_system(struct doctor_host *host)
{
	struct utsname name;

	if (uname(&name) == 0) {
		snprintf(host->machine, sizeof(host->machine), "%s", name.machine);
		snprintf(host->release, sizeof(host->release), "%s", name.release);
	}
	host->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	gather_limits(host);
	host->io_uring = probe_io_uring();
}

void doctor_host_gather(const char *root, struct doctor_host *host)
{
	memset(host, 0, sizeof(*host));
	gather_system(host);
	gather_memory(root, host);
	gather_cgroup(root, host);
	host->cpu_implementer = read_field_number(root, "/proc/cpuinfo", "CPU implementer");
	host->cpu_part = read_field_number(root, "/proc/cpuinfo", "CPU part");
	host->io_uring_disabled = read_number(root, "/proc/sys/kernel/io_uring_disabled");
	host->halt_poll_ns = read_number(root, "/sys/module/kvm/parameters/halt_poll_ns");
}

const char *doctor_cpu_name(uint64_t implementer, uint64_t part)
{
	static const struct {
		uint64_t implementer, part; /* Linux arch/arm64/include/asm/cputype.h */
		const char *name;
	} cpus[] = {
		{ 0x41, 0xd08, "Cortex-A72" },	{ 0x41, 0xd0c, "Neoverse N1" },
		{ 0x41, 0xd40, "Neoverse V1" }, { 0x41, 0xd49, "Neoverse N2" },
		{ 0x41, 0xd4f, "Neoverse V2" }, { 0xc0, 0xac3, "Ampere-1" },
		{ 0xc0, 0xac4, "Ampere-1A" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++)
		if (cpus[i].implementer == implementer && cpus[i].part == part)
			return cpus[i].name;
	return NULL;
}
