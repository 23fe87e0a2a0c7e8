/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a VMM whose guest runs fio (tools/bench/disk/fio-guest.sh), or that script itself on the
 * host, and says what each case cost. tools/bench/disk/fio-host runs it.
 *
 *   vmmcount [--silence SECONDS] [--memory MIB] [--kvm] [--pin CPU] -- PROGRAM ARG...
 *
 * PROGRAM's output is lines, of which these matter:
 *
 *   bench: case NAME plain|counted   the next case, and whether system calls are to be counted
 *   bench: begin, bench: end         its first and its last operation; each waits for a line
 *   bench: result JSON               what fio said
 *   bench: failed TEXT               the case failed; the next one comes
 *   bench: done                      all is done
 *
 * One line of JSON is printed for each case: {"case", "counted", "fio", "host"}, or {"case",
 * "failed"}. In "host" are the differences between begin and end:
 *
 *   ns         of the host's clock
 *   exits      from the guest, those that KVM handles included; hvcs, wfis, mmio, signals of them
 *   cpu_ns     that the process and its children ran, the guest's time included
 *   switches   context switches of its threads
 *   interrupts of the whole host
 *   syscalls, user_exits
 *              of its threads, and their returns out of KVM_RUN; in a counted case alone, whose
 *              times are longer for it
 *   resident_kib
 *              resident at the end beside guest memory, which is what is at least MIB / 2 large
 *
 * With --pin each vCPU's thread gets a CPU of its own, CPU and the ones after it, and all others
 * share the next. Where PROGRAM ends before it is done, or is silent for so long, the status is 1
 * after a line of why on standard error.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../vmm.h"
#include "counters.h"

static bool has_kvm;
static uint64_t memory_mib;
static int silence_ms = 600000;
static int first_cpu = -1; /* of --pin */

struct bench_case {
	char name[64];
	bool counted, begun, ended;
	struct snapshot before, after;
	uint64_t resident_kib;
};

/* A text for JSON; what would need an escape becomes a blank. */
static const char *plain(char *text)
{
	for (char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
			*c = ' ';
	}
	return text;
}

static void print_difference(const char *name, uint64_t a, uint64_t b)
{
	printf(",\"%s\":%" PRIu64, name, b > a ? b - a : 0);
}

static void report(const struct bench_case *c, const char *result)
{
	const struct snapshot *a = &c->before, *b = &c->after;

	if (!c->begun || !c->ended || result[0] != '{') {
		printf("{\"case\":\"%s\",\"failed\":\"its beginning, end or result is missing\"}\n",
		       c->name);
		return;
	}
	printf("{\"case\":\"%s\",\"counted\":%s,\"fio\":%s,\"host\":{\"resident_kib\":%" PRIu64,
	       c->name, c->counted ? "true" : "false", result, c->resident_kib);
	print_difference("ns", a->ns, b->ns);
	print_difference("cpu_ns", a->cpu_ns, b->cpu_ns);
	print_difference("switches", a->switches, b->switches);
	print_difference("interrupts", a->interrupts, b->interrupts);
	if (has_kvm) {
		print_difference("exits", a->exits, b->exits);
		print_difference("mmio", a->mmio, b->mmio);
		print_difference("signals", a->signals, b->signals);
		print_difference("hvcs", a->hvcs, b->hvcs);
		print_difference("wfis", a->wfis, b->wfis);
	}
	if (c->counted) {
		print_difference("syscalls", a->syscalls, b->syscalls);
		print_difference("user_exits", a->user_exits, b->user_exits);
	}
	printf("}}\n");
}

static void begin_case(struct bench_case *c, const char *words)
{
	char how[16] = "";

	*c = (struct bench_case){ 0 };
	if (sscanf(words, "%63s %15s", c->name, how) < 1)
		die("a case without a name");
	plain(c->name);
	c->counted = !strcmp(how, "counted");
	if (first_cpu >= 0 && counters_pin(vmm.pid, first_cpu))
		die("cannot pin the threads to CPU %d and the ones after it", first_cpu);
	if (c->counted)
		counters_start(vmm.pid);
}

/* What a line "bench: WORDS" says; false where it is the last. */
static bool handle(struct bench_case *c, char *words)
{
	if (!strncmp(words, "case ", 5)) {
		begin_case(c, words + 5);
	} else if (!strcmp(words, "begin")) {
		c->begun = true;
		c->before = counters_snap(vmm.pid);
		dprintf(vmm.in, "\n");
	} else if (!strcmp(words, "end")) {
		c->after = counters_snap(vmm.pid);
		c->ended = true;
		c->resident_kib = counters_resident_kib(vmm.pid, memory_mib);
		dprintf(vmm.in, "\n");
	} else if (!strncmp(words, "result ", 7)) {
		report(c, words + 7);
		counters_stop();
	} else if (!strncmp(words, "failed", 6)) {
		printf("{\"case\":\"%s\",\"failed\":\"%s\"}\n", c->name, plain(words + 6));
		counters_stop();
	} else {
		return strcmp(words, "done");
	}
	return true;
}

static int take_options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--kvm"))
			has_kvm = true;
		else if (!strcmp(argv[i], "--memory") && i + 1 < argc)
			memory_mib = strtoull(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--pin") && i + 1 < argc)
			first_cpu = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--silence") && i + 1 < argc)
			silence_ms = atoi(argv[++i]) * 1000;
		else
			die("unknown argument %s", argv[i]);
	}
	if (i + 1 >= argc || silence_ms <= 0)
		die("usage: vmmcount [OPTION]... -- PROGRAM ARG...");
	return i + 1;
}

int main(int argc, char **argv)
{
	static char line[8192];
	struct bench_case c = { 0 };
	bool done = false;
	int first = take_options(argc, argv), status;

	setbuf(stdout, NULL);
	signal(SIGPIPE, SIG_IGN);
	vmm_start(argv + first);
	vmm_go();
	while (vmm_line(line, sizeof(line), silence_ms)) {
		char *at = strstr(line, "bench: ");

		if (at && !handle(&c, at + 7))
			done = true;
	}
	if (waitpid(vmm.pid, &status, 0) != vmm.pid || status || !done)
		die("%s ended %s (status %#x); its last line: %s", argv[first],
		    done ? "badly" : "before it was done", (unsigned int)status, vmm.last);
	return 0;
}
