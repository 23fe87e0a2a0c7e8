/* SPDX-License-Identifier: Apache-2.0 */
/* --memory on a real host: each kind of memory under a guest, and what is refused. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static unsigned long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned long value = 0;

	if (!file || fscanf(file, "%lu", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

/* A guest that powers itself off. */
static void runs(const char *memory, const char *log)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img",
							"--memory", memory)),
		     0, "%s: %s", memory, machine.errors);
	if (log)
		cr_expect(strstr(machine.errors, log), "%s: %s", memory, machine.errors);
	else
		cr_expect_str_empty(machine.errors, "%s", memory);
	machine_fini(&machine);
}

static void refused(const char *memory, const char *want)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img",
							"--memory", memory)),
		     2, "%s: %s", memory, machine.errors);
	cr_expect(strstr(machine.errors, want), "%s: no '%s' in: %s", memory, want, machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "%s", machine.errors);
	machine_fini(&machine);
}

Test(memory, private_and_shared_taken_at_once_or_later)
{
	runs("64M,prealloc=on", NULL);
	runs("64M,shared=off", NULL);
	runs("64M,shared=off,prealloc=on,hugepages=off", NULL);
	runs("64M,pin=on", NULL);
	refused("1T,prealloc=on", "--memory prealloc=on: 1048576M wanted, this host has ");
}

/* VmPin of @pid's status, in KiB. */
static unsigned long pinned(pid_t pid)
{
	char path[64], line[128];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "VmPin: %lu", &kib) != 1)
		;
	fclose(file);
	return kib;
}

/* The one vCPU has a ring for disks of each kind, and a disk's thread its own. */
static void check_pinned(const char *memory, unsigned long kib)
{
	struct machine machine;

	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "uart_echo.img", "--memory", memory,
				   "--disk", "/tmp/pin-a.img,engine=uring,mode=inline", "--disk",
				   "/tmp/pin-b.img,engine=uring,mode=thread", "--disk",
				   "/tmp/pin-c.img,engine=uring,via=hvc"));
	machine_send(&machine, "x");
	cr_assert(machine_expect(&machine, "x"), "%s", machine.errors);
	cr_expect_eq(pinned(machine.pid), kib, "%s: %lu KiB", memory, pinned(machine.pid));
	machine_fini(&machine);
}

Test(memory, pinned_for_the_rings_of_disks)
{
	machine_file("/tmp/pin-a.img", 1 << 20);
	machine_file("/tmp/pin-b.img", 1 << 20);
	machine_file("/tmp/pin-c.img", 1 << 20);
	check_pinned("64M", 0);
	check_pinned("64M,pin=on", 3 * 64 << 10);
}

Test(memory, pages_of_a_pool)
{
	unsigned long free = read_number(POOL "free_hugepages");

	if (access(POOL "nr_hugepages", F_OK) < 0)
		cr_skip_test("this host has no pages of 2 MiB");
	refused("64G,hugepages=2M", "--memory hugepages=2M: 32768 pages wanted, ");
	if (free < 32)
		cr_skip_test("its pool has %lu free, and 32 are wanted", free);
	runs("64M,hugepages=2M", NULL);
	runs("64M,hugepages=2M,prealloc=on", NULL);
	cr_expect_eq(read_number(POOL "free_hugepages"), free, "all came back");
	cr_expect_eq(read_number(POOL "resv_hugepages"), 0);
}

Test(memory, nodes)
{
	if (access("/sys/devices/system/node/online", F_OK) < 0)
		cr_skip_test("this host's kernel knows no nodes");
	runs("64M,node=0", NULL);
	refused("64M,node=1023", "--memory node=1023: this host has 0");
}

Test(memory, merging)
{
	if (access("/sys/kernel/mm/ksm/run", F_OK) < 0) {
		refused("64M,merge=on", "--memory merge=on: this host's kernel has no CONFIG_KSM");
		return;
	}
	runs("64M,merge=on", read_number("/sys/kernel/mm/ksm/run") == 1
				     ? NULL
				     : "nothing is merged until KSM runs");
}

/* Huge pages of what is not there, and of what this host is set to give none of. */
Test(memory, huge_pages_that_the_host_has_not)
{
	char text[64] = "";
	int fd = open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_RDONLY);

	if (access("/sys/kernel/mm/hugepages/hugepages-16777216kB", F_OK) < 0)
		refused("16G,hugepages=16G", "this host has no huge pages of that size; it has ");
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0 || !strstr(text, "[never]"))
		cr_skip_test("this host gives huge pages to shared memory");
	close(fd);
	refused("64M,hugepages=thp,shared=on",
		"turned off in this host for shared memory; echo advise > ");
	runs("64M,hugepages=thp,shared=off", NULL);
}
