/* SPDX-License-Identifier: Apache-2.0 */
/* Disks by hypercall: bare-metal guests that make every call. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define OPTION_SIZE 128
#define SMALL	    (1 << 20)

/* A file of zeroes; its path into @path, which mkstemp() completes. */
static void make_file(char *path, off_t size)
{
	int fd;

	strcpy(path, "/tmp/disk-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, size), 0);
	close(fd);
}

struct disks {
	char path[3][32];
	char option[3][OPTION_SIZE];
};

/* What tests/guest/lib/hvcblk.h asks for, and @more for each. */
static void make_disks(struct disks *disks, const char *more)
{
	static const char *const kind[] = { "serial=serial-0,discard=unmap", "ro",
					    "block-size=4096" };

	for (int i = 0; i < 3; i++) {
		make_file(disks->path[i], SMALL);
		snprintf(disks->option[i], OPTION_SIZE, "%s,via=hvc,%s%s", disks->path[i], kind[i],
			 more);
	}
}

static void run_guest(const char *name, const char *cpus, const char *more)
{
	struct machine machine;
	struct disks disks;
	char path[64];
	int status;

	make_disks(&disks, more);
	snprintf(path, sizeof(path), GUESTS "%s.img", name);
	status = machine_run(&machine,
			     MACHINE_ARGS("run", "--kernel", path, "--cpus", cpus, "--memory",
					  "64M", "--disk", disks.option[0], "--disk",
					  disks.option[1], "--disk", disks.option[2]));
	cr_expect_eq(status, 0, "%s: status %d\n%s", name, status, machine.errors);
	cr_expect(strstr(machine.text, "\ndone "), "%s did not end:\n%s", name, machine.text);
	cr_expect_null(strstr(machine.text, "not ok"), "%s:\n%s", name, machine.text);
	cr_expect(strstr(machine.text, "ok ") || strstr(machine.text, "skip all"),
		  "%s checked nothing:\n%s", name, machine.text);
	machine_fini(&machine);
	for (int i = 0; i < 3; i++)
		unlink(disks.path[i]);
}

#define GUEST(name, cpus)                                \
	Test(hvc, name##_##cpus)                         \
	{                                                \
		run_guest(#name, #cpus, "");             \
	}                                                \
	Test(hvc, name##_##cpus##_threads)               \
	{                                                \
		run_guest(#name, #cpus, ",engine=sync"); \
	}

GUEST(hvcblk_v1_hvc, 1)
GUEST(hvcblk_v1_smc, 1)
GUEST(hvcblk_v2_hvc, 2)
GUEST(hvcblk_v2_mmio, 2)
