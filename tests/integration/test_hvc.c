/* SPDX-License-Identifier: Apache-2.0 */
/* Disks by hypercall: bare-metal guests that make every call, and Linux with the driver. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define DRIVER_INITRD "guest/hvc-initrd.gz"
#define OPTION_SIZE   128
#define SMALL	      (1 << 20)
#define LARGE	      (64 << 20)

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

/* Types @command, and waits for @answer, which it does not contain itself. */
static void expect_answer(struct machine *machine, const char *command, const char *answer)
{
	cr_assert(machine_expect(machine, "guest# "), "%s", machine->text);
	machine_send(machine, command);
	cr_assert(machine_expect(machine, answer), "%s: no %s in\n%s", command, answer,
		  machine->text);
}

static void start_linux(struct machine *machine, const char *option)
{
	machine_start(machine, MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", DRIVER_INITRD,
					    "--cmdline", "console=ttyAMA0 quiet", "--cpus", "2",
					    "--memory", "256M", "--disk", option));
}

/* What Linux writes is what it reads, past its cache and by it, and what the file has. */
Test(hvc, linux_reads_what_it_wrote)
{
	struct machine machine;
	char path[32], option[OPTION_SIZE];

	make_file(path, LARGE);
	snprintf(option, sizeof(option), "%s,via=hvc,serial=abc", path);
	start_linux(&machine, option);
	expect_answer(&machine,
		      "cat /sys/block/hvcblk0/size /sys/block/hvcblk0/serial | tr '\\n' ' '\n",
		      "131072 abc ");
	expect_answer(&machine,
		      "dd if=/dev/urandom of=/tmp/a bs=64k count=64 2>/dev/null; "
		      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k oflag=direct 2>/dev/null; "
		      "dd if=/dev/hvcblk0 of=/tmp/b bs=4k count=1024 iflag=direct 2>/dev/null; "
		      "cmp /tmp/a /tmp/b && echo di''rect same\n",
		      "direct same");
	expect_answer(&machine,
		      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k seek=64 conv=fsync 2>/dev/null; "
		      "echo 3 >/proc/sys/vm/drop_caches; "
		      "dd if=/dev/hvcblk0 of=/tmp/b bs=64k skip=64 count=64 2>/dev/null; "
		      "cmp /tmp/a /tmp/b && echo cac''hed same\n",
		      "cached same");
	/* Reset with reads and writes under way: the next boot finds its own memory, and the disk.
	 */
	expect_answer(&machine,
		      "for i in 1 2 3 4; do dd if=/dev/hvcblk0 of=/dev/null bs=64k iflag=direct & "
		      "done; dd if=/dev/hvcblk0 of=/dev/hvcblk0 bs=64k seek=512 oflag=direct & "
		      "reboot -f\n",
		      "arcvisor guest: init");
	expect_answer(&machine,
		      "dd if=/dev/hvcblk0 of=/tmp/a bs=64k count=64 2>/dev/null; "
		      "dd if=/dev/hvcblk0 of=/tmp/b bs=64k skip=64 count=64 2>/dev/null; "
		      "cmp /tmp/a /tmp/b && echo still th''ere\n",
		      "still there");
	cr_assert(machine_expect(&machine, "guest# "));
	machine_send(&machine, "poweroff -f\n");
	cr_expect_eq(machine_wait(&machine, NULL), 0, "%s", machine.errors);
	machine_fini(&machine);
	unlink(path);
}
