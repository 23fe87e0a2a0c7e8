/* SPDX-License-Identifier: Apache-2.0 */
/* What the host offers beside KVM: memory, limits, io_uring. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "ctl/doctor_report.h"
#include "vm/config.h"

#define THREADS_WANTED (VM_MAX_CPUS + 64u) /* a thread a vCPU, and some for the rest */
#define FILES_WANTED   1024u		   /* a descriptor a vCPU, and some for the rest */

#define TEXT_SIZE 192

/* 8 MiB, 1.5 GiB: the largest unit in which there is at least 1. */
static const char *size_text(uint64_t bytes, char *text)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double val = (double)bytes;
	size_t unit = 0;

	if (bytes == HOST_UNLIMITED)
		return "unlimited";
	for (; val >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		val /= 1024;
	snprintf(text, TEXT_SIZE, "%.*f %s", val == (double)(uint64_t)val ? 0 : 1, val,
		 units[unit]);
	return text;
}

static const char *count_text(uint64_t count, char *text)
{
	if (count == HOST_UNLIMITED)
		return "unlimited";
	snprintf(text, TEXT_SIZE, "%" PRIu64, count);
	return text;
}

/* A limit is limited where it is under what the largest or default guest wants. */
struct limit_desc {
	const char *item;
	size_t offset; /* of a uint64_t in struct doctor_host */
	uint64_t wanted;
	const char *(*text)(uint64_t val, char *text);
	const char *cost;
	const char *remedy;
};

#define HOST(member) offsetof(struct doctor_host, member)

static const struct limit_desc memory_descs[] = {
	{ "memory available", HOST(memory_available), VM_DEFAULT_MEMORY, size_text,
	  "a guest of the default 512 MiB may not fit",
	  "end what uses memory, or run smaller guests (--memory)" },
};

static const struct limit_desc limit_descs[] = {
	{ "locked memory", HOST(memlock), VM_DEFAULT_MEMORY, size_text,
	  "io_uring can register no more guest memory than this",
	  "ulimit -l unlimited; for a service, LimitMEMLOCK=infinity" },
	{ "open files", HOST(nofile), FILES_WANTED, count_text,
	  "guests with many vCPUs or devices do not start",
	  "ulimit -n 4096; for a service, LimitNOFILE=4096" },
	{ "threads", HOST(nproc), THREADS_WANTED, count_text,
	  "guests with many vCPUs do not start: each vCPU is a thread",
	  "ulimit -u 4096; for a service, LimitNPROC=4096" },
	{ "cgroup memory", HOST(cgroup_memory), VM_DEFAULT_MEMORY, size_text,
	  "a guest of the default 512 MiB is killed as its memory fills",
	  "raise memory.max; for a service, MemoryMax=; for a container, --memory" },
	{ "cgroup tasks", HOST(cgroup_pids), THREADS_WANTED, count_text,
	  "guests with many vCPUs do not start: each vCPU is a thread",
	  "raise pids.max; for a service, TasksMax=; for a container, --pids-limit" },
};

/* What cannot be read limits nothing that is known, and gets no line. */
static void report_limit(const struct limit_desc *desc, const struct doctor_host *host, FILE *out)
{
	uint64_t val = *(const uint64_t *)(const void *)((const char *)host + desc->offset);
	char text[TEXT_SIZE];

	if (val == HOST_UNKNOWN)
		return;
	doctor_line(out, val < desc->wanted ? DOCTOR_LIMITED : DOCTOR_OK, desc->item, "%s",
		    desc->text(val, text));
	if (val < desc->wanted)
		doctor_advice(out, desc->cost, desc->remedy);
}

static bool is_off(const char *setting)
{
	return strcmp(setting, "never") == 0 || strcmp(setting, "deny") == 0;
}

/* Guest memory is private, but where back ends of vhost-user map it. */
static void report_thp(const struct doctor_host *host, FILE *out)
{
	bool off = is_off(host->thp), shmem_off = is_off(host->thp_shmem);

	if (!*host->thp) {
		doctor_line(out, DOCTOR_MISSING, "transparent huge pages", "not in this kernel");
		doctor_advice(out, "guest memory is mapped by small pages: more TLB misses",
			      "a kernel with CONFIG_TRANSPARENT_HUGEPAGE");
		return;
	}
	doctor_line(out, off || shmem_off ? DOCTOR_LIMITED : DOCTOR_OK, "transparent huge pages",
		    "private memory: %s, shared memory: %s", host->thp,
		    *host->thp_shmem ? host->thp_shmem : "not in this kernel");
	if (off)
		doctor_advice(out, "guest memory is mapped by small pages: more TLB misses",
			      "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	else if (shmem_off)
		doctor_advice(out, "guests with vhost-user devices have small pages: TLB misses",
			      "echo advise > /sys/kernel/mm/transparent_hugepage/shmem_enabled");
}

static void report_hugetlb(const struct doctor_host *host, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(host->hugetlb); i++) {
		const struct host_hugetlb *pool = &host->hugetlb[i];
		char size[TEXT_SIZE];

		if (pool->total == HOST_UNKNOWN || pool->free == HOST_UNKNOWN)
			continue;
		any = true;
		doctor_line(out, DOCTOR_OK, "hugetlb pool",
			    "%" PRIu64 " of %" PRIu64 " pages of %s free", pool->free, pool->total,
			    size_text(pool->page_kib * KIB, size));
	}
	if (any)
		return;
	doctor_line(out, DOCTOR_MISSING, "hugetlb pool", "none");
	doctor_advice(out, "no memory can be set aside in huge pages",
		      "a kernel with CONFIG_HUGETLBFS");
}

void doctor_report_memory(const struct doctor_host *host, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(memory_descs); i++)
		report_limit(&memory_descs[i], host, out);
	report_thp(host, out);
	report_hugetlb(host, out);
}

static void report_io_uring(const struct doctor_host *host, FILE *out)
{
	static const char cost[] = "disk I/O falls back to blocking reads and writes";
	uint64_t disabled = host->io_uring_disabled;

	if (host->io_uring == 0) {
		doctor_line(out, DOCTOR_OK, "io_uring", "works");
	} else if (host->io_uring == -ENOSYS) {
		doctor_line(out, DOCTOR_MISSING, "io_uring", "not in this kernel");
		doctor_advice(out, cost, "a kernel with CONFIG_IO_URING, Linux 5.1 or newer");
	} else if (host->io_uring == -EPERM && disabled && disabled != HOST_UNKNOWN) {
		doctor_line(out, DOCTOR_MISSING, "io_uring",
			    "turned off: kernel.io_uring_disabled is %" PRIu64, disabled);
		doctor_advice(out, cost, "sysctl kernel.io_uring_disabled=0");
	} else if (host->io_uring == -EPERM) {
		doctor_line(out, DOCTOR_MISSING, "io_uring", "forbidden by a seccomp filter");
		doctor_advice(out, cost,
			      "allow io_uring_setup, io_uring_enter and io_uring_register in the "
			      "container's seccomp profile");
	} else {
		doctor_line(out, DOCTOR_MISSING, "io_uring", "%s", strerror(-host->io_uring));
		doctor_advice(out, cost, NULL);
	}
}

static void report_halt_poll(const struct doctor_host *host, FILE *out)
{
	if (host->halt_poll_ns == HOST_UNKNOWN)
		return;
	doctor_line(out, host->halt_poll_ns ? DOCTOR_OK : DOCTOR_LIMITED, "halt polling",
		    "up to %" PRIu64 " us", host->halt_poll_ns / 1000);
	if (!host->halt_poll_ns)
		doctor_advice(out, "a guest that waits for I/O wakes later",
			      "echo 500000 > /sys/module/kvm/parameters/halt_poll_ns");
}

void doctor_report_limits(const struct doctor_host *host, FILE *out)
{
	report_io_uring(host, out);
	for (size_t i = 0; i < ARRAY_SIZE(limit_descs); i++)
		report_limit(&limit_descs[i], host, out);
	report_halt_poll(host, out);
}
