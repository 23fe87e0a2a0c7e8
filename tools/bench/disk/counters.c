/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../event.h"
#include "../vmm.h"
#include "counters.h"

#define KVMFS	    "/sys/kernel/debug/kvm/"
#define MAX_THREADS 256

/* The number after @key at a line's start, or the first one where @key is empty; 0 without. */
static uint64_t read_number(const char *path, const char *key)
{
	uint64_t value = 0;
	char line[4096];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		value = strtoull(line + strlen(key), NULL, 10);
		break;
	}
	if (f)
		fclose(f);
	return value;
}

/* ---- counters of the kernel's and of the processor's ---- */

/* In the order of struct snapshot. Without a tracepoint it is the processor's instructions. */
static const struct {
	unsigned int what;
	const char *tracepoint;
} kinds[] = {
	{ COUNT_CALLS, "raw_syscalls/sys_enter" },
	{ COUNT_CALLS, "kvm/kvm_userspace_exit" },
	{ COUNT_INSTRUCTIONS, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int events[MAX_THREADS * KINDS];
static unsigned int event_count;

static int count_event(const char *tracepoint, pid_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.inherit = 1,
	};

	if (tracepoint) {
		attr.type = PERF_TYPE_TRACEPOINT;
		attr.config = tracepoint_id(tracepoint);
		if (!attr.config)
			return -ENOENT;
	}
	return event_open(&attr, tid, -1);
}

/* What cannot be counted counts as none. */
static void count_thread(pid_t tid, unsigned int what)
{
	for (unsigned int i = 0; i < KINDS && event_count < MAX_THREADS * KINDS; i++)
		events[event_count++] =
			what & kinds[i].what ? count_event(kinds[i].tracepoint, tid) : -ENOENT;
}

void counters_stop(void)
{
	while (event_count) {
		if (events[--event_count] >= 0)
			close(events[event_count]);
	}
}

static uint64_t counted(unsigned int which)
{
	uint64_t sum = 0, value;

	for (unsigned int i = which; i < event_count; i += KINDS) {
		if (events[i] >= 0 && read(events[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	}
	return sum;
}

/* ---- the process ---- */

static bool is_vcpu(pid_t pid, const char *tid)
{
	char path[128], name[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", pid, tid);
	f = fopen(path, "r");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = '\0';
	if (f)
		fclose(f);
	return strstr(name, "vcpu") || strstr(name, "/KVM");
}

static int pin_thread(const char *tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return sched_setaffinity((pid_t)strtol(tid, NULL, 10), sizeof(set), &set) ? -errno : 0;
}

static void add_thread(pid_t pid, struct snapshot *s, const char *tid)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, tid);
	s->cpu_ns += read_number(path, "");
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", pid, tid);
	s->switches += read_number(path, "voluntary_ctxt_switches:");
	s->switches += read_number(path, "nonvoluntary_ctxt_switches:");
}

static void each_thread(pid_t pid, struct snapshot *s, unsigned int what)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (s)
			add_thread(pid, s, entry->d_name);
		else
			count_thread((pid_t)strtol(entry->d_name, NULL, 10), what);
	}
	if (dir)
		closedir(dir);
}

/* Each thread of the group @pid goes into @s; without one @what is counted from now on. */
static void each_process(pid_t pid, struct snapshot *s, unsigned int what)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	while (dir && (entry = readdir(dir))) {
		pid_t member = (pid_t)strtol(entry->d_name, NULL, 10);

		if (member > 0 && getpgid(member) == pid)
			each_thread(member, s, what);
	}
	if (dir)
		closedir(dir);
}

int counters_pin(pid_t pid, int cpu)
{
	char path[64], others[MAX_THREADS][24];
	struct dirent *entry;
	int count = 0, ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && !ret) {
		if (entry->d_name[0] == '.')
			continue;
		if (is_vcpu(pid, entry->d_name))
			ret = pin_thread(entry->d_name, cpu++);
		else if (count < MAX_THREADS)
			snprintf(others[count++], sizeof(others[0]), "%.20s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	while (count && !ret)
		ret = pin_thread(others[--count], cpu);
	return ret;
}

void counters_start(pid_t pid, unsigned int what)
{
	each_process(pid, NULL, what);
}

struct snapshot counters_snap(pid_t pid)
{
	struct snapshot s = {
		.ns = now_ns(),
		.exits = read_number(KVMFS "exits", ""),
		.mmio = read_number(KVMFS "mmio_exit_user", ""),
		.signals = read_number(KVMFS "signal_exits", ""),
		.hvcs = read_number(KVMFS "hvc_exit_stat", ""),
		.wfis = read_number(KVMFS "wfi_exit_stat", ""),
		.interrupts = read_number("/proc/stat", "intr"),
		.syscalls = counted(0),
		.user_exits = counted(1),
		.instructions = counted(2),
	};

	each_process(pid, &s, 0);
	return s;
}

/* Resident memory in KiB, without the mappings that are the guest's by their size. */
uint64_t counters_resident_kib(pid_t pid, uint64_t guest_mib)
{
	char path[64], line[512], key[64];
	uint64_t from, to, kib, sum = 0;
	bool is_guest = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
			is_guest = guest_mib && to - from >= guest_mib << 19;
		else if (!is_guest && sscanf(line, "%63[^:]: %" SCNu64 " kB", key, &kib) == 2 &&
			 !strcmp(key, "Rss"))
			sum += kib;
	}
	if (f)
		fclose(f);
	return sum;
}
