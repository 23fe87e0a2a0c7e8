/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a VMM whose guest runs fio (tools/bench/disk/fio-guest.sh), or that script itself on the
 * host, and says what each case cost. tools/bench/disk/fio-host runs it.
 *
 *   vmmcount [--silence SECONDS] [--memory MIB] [--kvm] [--pin CPU] [--instructions]
 *            -- PROGRAM ARG...
 *
 * PROGRAM's output is lines, of which these matter:
 *
 *   bench: begin NAME plain|counted  its first operation, and whether system calls are counted
 *   bench: end                       its last one; both wait for a line
 *   bench: result NAME HOW JSON      what fio said, at any time after that
 *   bench: failed NAME HOW TEXT      the case failed
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
 *   instructions
 *              with --instructions and a processor that counts them: of its threads, guests'
 *              and the kernel's included
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

static bool has_kvm, has_pmu;
static uint64_t memory_mib;
static int silence_ms = 600000;
static int first_cpu = -1; /* of --pin */

#define MAX_CASES 512

struct bench_case {
	char name[64], how[16];
	bool begun, ended;
	struct snapshot before, after;
	uint64_t resident_kib;
};

static struct bench_case cases[MAX_CASES];
static unsigned int case_count;

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

	bool counted = !strcmp(c->how, "counted");

	if (!c->begun || !c->ended || result[0] != '{') {
		printf("{\"case\":\"%s\",\"failed\":\"its beginning, end or result is missing\"}\n",
		       c->name);
		return;
	}
	printf("{\"case\":\"%s\",\"counted\":%s,\"fio\":%s,\"host\":{\"resident_kib\":%" PRIu64,
	       c->name, counted ? "true" : "false", result, c->resident_kib);
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
	if (counted) {
		print_difference("syscalls", a->syscalls, b->syscalls);
		print_difference("user_exits", a->user_exits, b->user_exits);
	}
	if (b->instructions > a->instructions)
		print_difference("instructions", a->instructions, b->instructions);
	printf("}}\n");
}

/* The case that @words begin with, "NAME HOW", and in @rest what follows. */
static struct bench_case *find_case(char *words, char **rest)
{
	struct bench_case c = { 0 };
	int used = 0;

	if (sscanf(words, "%63s %15s %n", c.name, c.how, &used) < 2)
		die("a case without a name: %s", words);
	plain(c.name);
	*rest = words + (used ? (size_t)used : strlen(words));
	for (unsigned int i = 0; i < case_count; i++) {
		if (!strcmp(cases[i].name, c.name) && !strcmp(cases[i].how, c.how))
			return &cases[i];
	}
	if (case_count == MAX_CASES)
		die("more than %d cases", MAX_CASES);
	cases[case_count] = c;
	return &cases[case_count++];
}

static void begin_case(struct bench_case *c)
{
	if (first_cpu >= 0 && counters_pin(vmm.pid, first_cpu))
		die("cannot pin the threads to CPU %d and the ones after it", first_cpu);
	counters_start(vmm.pid, (strcmp(c->how, "counted") ? 0 : COUNT_CALLS) |
					(has_pmu ? COUNT_INSTRUCTIONS : 0));
	c->begun = true;
	c->before = counters_snap(vmm.pid);
	dprintf(vmm.in, "\n");
}

static void end_case(struct bench_case *c)
{
	c->after = counters_snap(vmm.pid);
	c->ended = true;
	counters_stop();
	c->resident_kib = counters_resident_kib(vmm.pid, memory_mib);
	dprintf(vmm.in, "\n");
}

/* What a line "bench: WORDS" says; false where it is the last. */
static bool handle(char *words)
{
	static struct bench_case *running;
	char *verb = strsep(&words, " "), *rest;
	struct bench_case *c;

	/* Of few letters: the guest's console is in the figures until it is read. */
	if (!words && !strcmp(verb, "end") && running)
		end_case(running);
	if (!words)
		return strcmp(verb, "done");
	c = find_case(words, &rest);
	if (!strcmp(verb, "begin"))
		begin_case(running = c);
	else if (!strcmp(verb, "result"))
		report(c, rest);
	else if (!strcmp(verb, "failed"))
		printf("{\"case\":\"%s\",\"failed\":\"%s\"}\n", c->name, plain(rest));
	return true;
}

static int take_options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--kvm"))
			has_kvm = true;
		else if (!strcmp(argv[i], "--instructions"))
			has_pmu = true;
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
	bool done = false;
	int first = take_options(argc, argv), status;

	setbuf(stdout, NULL);
	signal(SIGPIPE, SIG_IGN);
	vmm_start(argv + first);
	vmm_go();
	while (vmm_line(line, sizeof(line), silence_ms)) {
		char *at = strstr(line, "bench: ");

		if (at && !handle(at + 7))
			done = true;
	}
	if (waitpid(vmm.pid, &status, 0) != vmm.pid || status || !done)
		die("%s ended %s (status %#x); its last line: %s", argv[first],
		    done ? "badly" : "before it was done", (unsigned int)status, vmm.last);
	return 0;
}
