/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that do their worst (tests/guest/hostile_*.c), in rounds: the VMM answers to the end, and
 * is after the last round as it was after the first, in memory, threads and descriptors.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "footprint.h"
#include "host.h"
#include "machine.h"

#define ROUNDS	 4
#define SLACK_KB 256 /* stacks and buffers that no round before has touched */
#define DISKS_KB 768 /* more, for those of requests when more than before are in flight */

/* Callers of log_limited() that one guest can reach, and lines that each may have in a second. */
#define LOG_SOURCES    8
#define LINES_A_SECOND 12

/* However slow the host is: what may be said grows with the time that it takes. */
static void expect_few_lines(const struct machine *machine, time_t begin)
{
	unsigned long most = (unsigned long)(time(NULL) - begin + 2) * LOG_SOURCES * LINES_A_SECOND;

	cr_expect_leq(count_text(machine->errors, "\n"), most, "%s", machine->errors);
}

/* Disks: one of virtio, which is swept too, and those of tests/guest/lib/hvcblk.h. */
static const char *const disks[] = { "", ",via=hvc,serial=serial-0,discard=unmap", ",via=hvc,ro",
				     ",via=hvc,block-size=4096" };

#define NR_DISKS (sizeof(disks) / sizeof(disks[0]))

/* A disk's option; its file is new, and this process' alone. */
static void make_disk(char option[64], size_t n)
{
	int fd, len = snprintf(option, 64, "/tmp/hostile-%d-%zu", getpid(), n);

	fd = open(option, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	close(fd);
	snprintf(option + len, 64 - (size_t)len, "%s", disks[n]);
}

static void endure(const char *image, const char *cpus, bool has_disks)
{
	const char *disk = has_disks ? "--disk" : NULL; /* ends the arguments */
	struct footprint first = { 0 }, last = { 0 };
	time_t begin = time(NULL);
	struct machine machine;
	char option[NR_DISKS][64];

	for (size_t n = 0; n < NR_DISKS; n++)
		make_disk(option[n], n);
	machine_start(&machine, MACHINE_ARGS("run", "--kernel", image, "--cpus", cpus, "--memory",
					     "64M,shared=on", disk, option[0], "--disk", option[1],
					     "--disk", option[2], "--disk", option[3]));
	for (int i = 0; i < ROUNDS; i++) {
		cr_assert(machine_expect(&machine, "\nround\n"), "round %d:\n%s\n%s", i,
			  machine.text, machine.errors);
		last = footprint_of(machine.pid);
		if (i == 0)
			first = last;
		machine_send(&machine, i < ROUNDS - 1 ? "g" : "q");
	}
	cr_expect_eq(machine_wait(&machine), 0, "%s", machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s", machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s", machine.text);
	footprint_expect_same(&first, &last, 0, SLACK_KB + (has_disks ? DISKS_KB : 0));
	expect_few_lines(&machine, begin);
	machine_fini(&machine);
}

Test(hostile, psci_with_garbage)
{
	endure(GUESTS "hostile_psci.img", "2", false);
}

Test(hostile, a_storm_of_hypercalls)
{
	endure(GUESTS "hostile_hvc.img", "1", true);
}

Test(hostile, mmio_of_every_width_and_alignment)
{
	endure(GUESTS "hostile_mmio.img", "1", true);
}

/* Each of its rounds but the last ends in a reset. */
Test(hostile, boot_code_that_rewrites_itself)
{
	endure(GUESTS "hostile_code.img", "2", false);
}

Test(hostile, all_vcpus_turn_each_other_on_and_off)
{
	endure(GUESTS "hostile_power.img", "8", false);
}

Test(hostile, disks_by_hypercall_and_a_second_cpu_that_scribbles)
{
	endure(GUESTS "hostile_hvcblk.img", "2", true);
}
