/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a VMM whose guest measures its disk (tools/bench/disk/guest.sh), and passes on what the
 * guest says, with what that cost the host. tools/bench/disk/in-host runs it in the emulated host.
 *
 *   vmmdisk [--count] [--symbols FILE] -- VMM ARG...
 *
 * The guest prints "bench: ready" before each case and waits for a line; then the case's result,
 * "how=...", and at the end "bench: done". Each result is printed with these, of the whole case:
 *
 *   exits      from the guest, those that KVM handles included
 *   user_exits exits to the VMM for memory-mapped I/O, and for signals
 *   hvcs       HVC instructions
 *   wfis       WFI instructions that trapped
 *   syscalls   of the VMM's threads; with --count, which disturbs the times by a few percent
 *
 * --symbols: where the VMM's code lies (lines of /proc/PID/maps after "map "), and the lines of the
 * guest's console that begin with "sym ", go to FILE.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../event.h"
#include "../vmm.h"

#define KVMFS "/sys/kernel/debug/kvm/"
/* A guest that says nothing for so long (of the host's clock) hangs. */
#define SILENCE_MS 120000

struct snapshot {
	uint64_t exits, mmio, signals, hvcs, wfis, syscalls;
};

static int syscalls_fd = -1;
static FILE *symbols;

static uint64_t read_number(const char *path)
{
	uint64_t value = 0;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%" SCNu64, &value) != 1)
		die("cannot read %s", path);
	fclose(f);
	return value;
}

static struct snapshot snap(void)
{
	struct snapshot s = {
		.exits = read_number(KVMFS "exits"),
		.mmio = read_number(KVMFS "mmio_exit_user"),
		.signals = read_number(KVMFS "signal_exits"),
		.hvcs = read_number(KVMFS "hvc_exit_stat"),
		.wfis = read_number(KVMFS "wfi_exit_stat"),
	};

	if (syscalls_fd >= 0 &&
	    read(syscalls_fd, &s.syscalls, sizeof(s.syscalls)) != sizeof(s.syscalls))
		die("cannot read the counter of system calls");
	return s;
}

/* Counts what the VMM and its threads call, from its exec on. */
static void count_syscalls(pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = tracepoint_id("raw_syscalls/sys_enter"),
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
	};

	syscalls_fd = attr.config ? event_open(&attr, pid, -1) : -ENOENT;
	if (syscalls_fd < 0)
		die("cannot count system calls: %s", strerror(-syscalls_fd));
}

static void report(const char *result, const struct snapshot *a, const struct snapshot *b)
{
	printf("%s exits=%" PRIu64 " user_exits=%" PRIu64 " hvcs=%" PRIu64 " wfis=%" PRIu64, result,
	       b->exits - a->exits, b->mmio - a->mmio + b->signals - a->signals, b->hvcs - a->hvcs,
	       b->wfis - a->wfis);
	if (syscalls_fd >= 0)
		printf(" syscalls=%" PRIu64, b->syscalls - a->syscalls);
	putchar('\n');
}

/* Once, when all of it is loaded. */
static void print_maps(void)
{
	static bool printed;
	char path[64], line[512];
	FILE *maps;

	if (!symbols || printed)
		return;
	printed = true;
	snprintf(path, sizeof(path), "/proc/%d/maps", vmm.pid);
	maps = fopen(path, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, " r-xp "))
			fprintf(symbols, "map %s", line);
	if (maps)
		fclose(maps);
}

static void parse(int argc, char **argv, int *first, bool *count)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--count")) {
			*count = true;
		} else if (!strcmp(argv[i], "--symbols") && i + 1 < argc) {
			symbols = fopen(argv[++i], "a");
			if (!symbols)
				die("cannot write %s: %s", argv[i], strerror(errno));
		} else {
			die("unknown argument %s", argv[i]);
		}
	}
	if (i + 1 >= argc)
		die("usage: vmmdisk [--count] [--symbols FILE] -- VMM ARG...");
	*first = i + 1;
}

int main(int argc, char **argv)
{
	struct snapshot before = { 0 }, after;
	bool count = false, done = false;
	int first, status;
	char line[512];

	parse(argc, argv, &first, &count);
	setbuf(stdout, NULL);
	vmm_start(argv + first);
	if (count)
		count_syscalls(vmm.pid);
	vmm_go();
	while (vmm_line(line, sizeof(line), SILENCE_MS)) {
		if (strstr(line, "bench: ready")) {
			print_maps();
			before = snap();
			if (write(vmm.in, "\n", 1) != 1)
				die("the VMM takes no input");
		} else if (!strncmp(line, "how=", 4)) {
			after = snap();
			report(line, &before, &after);
		} else if (symbols && !strncmp(line, "sym ", 4)) {
			fprintf(symbols, "%s\n", line);
		} else if (strstr(line, "bench: done")) {
			done = true;
		} else if (strstr(line, "blkbench:")) {
			die("in the guest: %s", line);
		}
	}
	if (waitpid(vmm.pid, &status, 0) != vmm.pid || status || !done)
		die("the VMM failed (status %#x, last line: %s)", (unsigned int)status, vmm.last);
	return 0;
}
