/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that do their worst (tests/guest/hostile_*.c), in rounds: the VMM answers to the end, and
 * is after the last round as it was after the first, in memory, threads and descriptors.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"

#define ROUNDS	 4
#define SLACK_KB 256 /* stacks and buffers that no round before has touched */

/* Callers of log_limited() that one guest can reach, and lines that each may have in a second. */
#define LOG_SOURCES    8
#define LINES_A_SECOND 12

struct footprint {
	unsigned long anon_kb; /* not guest memory, which is shared */
	unsigned long threads, fds;
};

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

static struct footprint measure(pid_t pid)
{
	return (struct footprint){
		.anon_kb = status_value(pid, "RssAnon"),
		.threads = status_value(pid, "Threads"),
		.fds = count_fds(pid),
	};
}

static void expect_no_growth(const struct footprint *first, const struct footprint *last)
{
	cr_expect_leq(last->anon_kb, first->anon_kb + SLACK_KB, "%lu KiB, then %lu", first->anon_kb,
		      last->anon_kb);
	cr_expect_eq(last->threads, first->threads, "%lu threads, then %lu", first->threads,
		     last->threads);
	cr_expect_eq(last->fds, first->fds, "%lu descriptors, then %lu", first->fds, last->fds);
}

/* However slow the host is: what may be said grows with the time that it takes. */
static void expect_few_lines(const struct machine *machine, time_t begin)
{
	unsigned long most = (unsigned long)(time(NULL) - begin + 2) * LOG_SOURCES * LINES_A_SECOND;

	cr_expect_leq(count_text(machine->errors, "\n"), most, "%s", machine->errors);
}

#define DISK "/tmp/hostile.img" /* so that a virtio device is among those that are swept */

static void make_disk(void)
{
	int fd = open(DISK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	close(fd);
}

static void endure(const char *image, const char *cpus, const char *disk)
{
	struct footprint first = { 0 }, last = { 0 };
	time_t begin = time(NULL);
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", image, "--cpus", cpus, "--memory",
					     "64M", disk ? "--disk" : NULL, disk));
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert(machine_expect(&machine, "\nround\n"), "round %d:\n%s\n%s", i,
			  machine.text, machine.errors);
		last = measure(machine.pid);
		if (i == 0)
			first = last;
		machine_send(&machine, i < ROUNDS - 1 ? "g" : "q");
	}
	cr_expect_eq(machine_wait(&machine, NULL), 0, "%s", machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s", machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	expect_no_growth(&first, &last);
	expect_few_lines(&machine, begin);
	machine_fini(&machine);
}

Test(hostile, psci_with_garbage)
{
	endure(GUESTS "hostile_psci.img", "2", NULL);
}

Test(hostile, a_storm_of_hypercalls)
{
	endure(GUESTS "hostile_hvc.img", "1", NULL);
}

Test(hostile, mmio_of_every_width_and_alignment)
{
	make_disk();
	endure(GUESTS "hostile_mmio.img", "1", DISK);
}

/* Each of its rounds but the last ends in a reset. */
Test(hostile, boot_code_that_rewrites_itself)
{
	endure(GUESTS "hostile_code.img", "2", NULL);
}

Test(hostile, all_vcpus_turn_each_other_on_and_off)
{
	endure(GUESTS "hostile_power.img", "8", NULL);
}
