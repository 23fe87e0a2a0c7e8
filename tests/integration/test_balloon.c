/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balloon of an unmodified Debian kernel: what the guest gives up, the host has again. How much
 * that is, the host's kernel says: what is resident of the mapping that is the guest's memory.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "shell.h"

#define MEMORY (256 * MIB)
#define FILL   (144 * MIB)
#define TRIES  1000u /* a bound of what is waited for: each is a call of arcvisor ctl */

static char socket_path[32];

/* Bytes of the host's memory behind the guest's, which is the one mapping of that size. */
static uint64_t memory_of(const struct machine *machine)
{
	char path[64], line[512];
	uint64_t from, to, kib, bytes = 0;
	bool is_guest = false, found = false;
	FILE *smaps;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)machine->pid);
	smaps = fopen(path, "r");
	cr_assert_not_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
			is_guest = to - from == MEMORY;
			found |= is_guest;
		} else if (is_guest && sscanf(line, "Rss: %" SCNu64, &kib) == 1) {
			bytes = kib * KIB;
		}
	}
	fclose(smaps);
	cr_assert(found, "no mapping of the guest's size in %s", path);
	return bytes;
}

static unsigned long long counter(const char *name)
{
	return machine_counter(socket_path, name);
}

static double guest_time(struct machine *machine)
{
	shell(machine, "echo up=$(cut -d' ' -f1 /proc/uptime)s", "\nup=");
	return strtod(strstr(machine->text + machine->seen - 40, "\nup=") + 4, NULL);
}

/*
 * What Linux takes first for the file are the fragments below the size of the blocks that it
 * reports: some MiB of what is freed do not come back, however much that is.
 */
static void free_pages_come_back(struct machine *machine)
{
	uint64_t full, left = 0;
	double start, took;

	shell(machine,
	      "mkdir /t; mount -t tmpfs -o size=90% none /t; dd if=/dev/zero of=/t/x bs=1M "
	      "count=144 2>/dev/null; echo filled-'now'",
	      "filled-now");
	full = memory_of(machine);
	cr_assert_geq(full, FILL);
	start = guest_time(machine);
	shell(machine, "rm /t/x; echo removed-'now'", "removed-now");
	for (unsigned int i = 0; i < TRIES; i++) {
		left = memory_of(machine);
		if (full - left >= FILL / 10 * 9)
			break;
		(void)counter("reported ");
	}
	took = guest_time(machine) - start;
	cr_expect_geq(full - left, FILL / 10 * 9, "%lu of %lu MiB came back",
		      (unsigned long)((full - left) / MIB), (unsigned long)(FILL / MIB));
	fprintf(stderr, "free page reporting: %lu of %lu MiB within %.1f s of the guest's time\n",
		(unsigned long)((full - left) / MIB), (unsigned long)(FILL / MIB), took);
}

static void wait_for(const char *name, uint64_t want)
{
	unsigned int tries = 0;

	while (counter(name) != want)
		cr_assert_lt(++tries, TRIES, "%s never becomes %lu", name, (unsigned long)want);
}

static void inflates_and_deflates(struct machine *machine)
{
	machine_ctl(socket_path, "balloon", "size=128M");
	wait_for("actual ", 128 * MIB);
	cr_expect_geq(counter("given_back "), 128 * MIB);
	cr_expect_leq(memory_of(machine), MEMORY - 128 * MIB);
	/* What does not fit beside the balloon takes from it. */
	shell(machine, "dd if=/dev/zero of=/t/x bs=1M count=88 2>/dev/null && echo has-'room'",
	      "has-room");
	cr_expect_lt(counter("actual "), 128 * MIB);
	shell(machine, "rm /t/x; echo removed-'now'", "removed-now");
	machine_ctl(socket_path, "balloon", "size=0");
	wait_for("actual ", 0);
	cr_expect_eq(counter("inflated "), 0);
}

Test(balloon, memory_comes_back_to_the_host)
{
	struct machine machine;

	snprintf(socket_path, sizeof(socket_path), "/tmp/balloon.%d", (int)getpid());
	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD,
				   "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER, "--memory",
				   "256M", "--control", socket_path, "--balloon",
				   "free-page-reporting=on,deflate-on-oom=on"));
	shell_ready(&machine);
	free_pages_come_back(&machine);
	inflates_and_deflates(&machine);
	cr_expect_gt(counter("total "), 200 * MIB, "the guest's own statistics");
	cr_expect_gt(counter("minor_faults "), 0);
	/* The target stays through a reset, of a guest that had given up some of its memory. */
	machine_ctl(socket_path, "balloon", "size=32M");
	wait_for("actual ", 32 * MIB);
	machine_send(&machine, "reboot -f\n");
	shell_ready(&machine);
	wait_for("actual ", 32 * MIB);
	cr_expect_leq(memory_of(&machine), MEMORY - 32 * MIB);
	cr_expect_eq(counter("bad_pages "), 0);
	cr_expect_eq(counter("twice "), 0);
	cr_expect_eq(counter("errors "), 0);
	shell_off(&machine);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
}
