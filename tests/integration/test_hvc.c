/* SPDX-License-Identifier: Apache-2.0 */
/* Disks by hypercall: bare-metal guests that make every call. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../refuse_uring.h"
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
					    "block-size=4096,discard=off" };

	for (int i = 0; i < 3; i++) {
		make_file(disks->path[i], SMALL);
		snprintf(disks->option[i], OPTION_SIZE, "%s,via=hvc,%s%s", disks->path[i], kind[i],
			 more);
	}
}

static void expect_passed(const struct machine *machine, const char *name, int status)
{
	cr_expect_eq(status, 0, "%s: status %d\n%s", name, status, machine->errors);
	cr_expect(strstr(machine->text, "\ndone "), "%s did not end:\n%s", name, machine->text);
	cr_expect_null(strstr(machine->text, "not ok"), "%s:\n%s", name, machine->text);
	cr_expect(strstr(machine->text, "ok ") || strstr(machine->text, "skip all"),
		  "%s checked nothing:\n%s", name, machine->text);
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
	expect_passed(&machine, name, status);
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

Test(hvc, hvcblk_v2_smc_and_every_queue)
{
	run_guest("hvcblk_v2_smc", "2", "");
}

/* A queue that the host polls; by loads and stores that is there on every host. */
Test(hvc, polled)
{
	run_guest("hvcblk_poll_hvc", "1", ",mode=thread");
	run_guest("hvcblk_poll_mmio", "1", ",mode=thread,engine=sync");
}

/* Before arcvisor runs. */
static void refuse_it(void)
{
	if (refuse_uring() < 0)
		_exit(99);
}

Test(hvc, the_same_abi_where_io_uring_is_refused)
{
	machine_before_exec = refuse_it;
	run_guest("hvcblk_v2_mmio", "2", "");
	run_guest("hvcblk_v1_hvc", "1", "");
}

/* The host's error is the guest's status: a file system that is full. */
Test(hvc, a_full_host_is_seen_as_no_space)
{
	struct machine machine;
	int status;

	mkdir("/tmp/full", 0700);
	if (mount("tmpfs", "/tmp/full", "tmpfs", 0, "size=512k") < 0)
		cr_skip_test("cannot mount here");
	close(open("/tmp/full/disk", O_RDWR | O_CREAT, 0600));
	cr_expect_eq(truncate("/tmp/full/disk", SMALL), 0);
	status = machine_run(&machine,
			     MACHINE_ARGS("run", "--kernel", GUESTS "hvcblk_full_mmio.img",
					  "--memory", "64M", "--disk", "/tmp/full/disk,via=hvc"));
	umount2("/tmp/full", MNT_DETACH);
	expect_passed(&machine, "hvcblk_full_mmio", status);
	machine_fini(&machine);
}
