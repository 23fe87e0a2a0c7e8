/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio disks of an unmodified Debian kernel, each served in another way. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define PROMPT "guest# "
#define SOCKET "/tmp/disks.sock"
#define SIZE   (8 << 20)

/* vda to vdd can be written, vde cannot. */
static const char *const disks[] = {
	"/tmp/a.img,mode=inline,serial=first",
	"/tmp/b.img,mode=inline,engine=sync",
	"/tmp/c.img,mode=thread,id=third,queues=1",
	"/tmp/d.img,mode=thread,engine=sync",
	"/tmp/e.img,ro",
};

static void make_file(const char *disk)
{
	char path[16];
	int fd;

	snprintf(path, sizeof(path), "%.10s", disk);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, SIZE), 0);
	close(fd);
}

static void boot(struct machine *machine)
{
	for (unsigned int i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
		make_file(disks[i]);
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus",
				   "2", "--cmdline", "console=ttyAMA0 quiet", "--control", SOCKET,
				   "--disk", disks[0], "--disk", disks[1], "--disk", disks[2],
				   "--disk", disks[3], "--disk", disks[4]));
	cr_assert(machine_expect(machine, PROMPT), "no shell:\n%s\n%s", machine->text,
		  machine->errors);
}

/* The echo of a command is no answer: @want is printed with its parts put together by the shell. */
static void shell(struct machine *machine, const char *command, const char *want)
{
	machine_send(machine, command);
	machine_send(machine, "\n");
	cr_assert(machine_expect(machine, want), "%s: no '%s':\n%s\n%s", command, want,
		  machine->text, machine->errors);
	cr_assert(machine_expect(machine, PROMPT));
}

static void ctl(const char *command, const char *argument)
{
	struct machine client;

	cr_expect_eq(machine_run(&client, MACHINE_ARGS("ctl", SOCKET, command, argument)), 0,
		     "%s: %s", command, client.errors);
	machine_fini(&client);
}

static void check_shapes(struct machine *machine)
{
	shell(machine, "cat /sys/block/vda/serial; echo serial-'done'", "\nfirst");
	shell(machine, "echo q=$(ls /sys/block/vda/mq | wc -l),$(ls /sys/block/vdc/mq | wc -l).",
	      "q=2,1.");
	shell(machine, "echo s=$(cat /sys/block/vdd/size) ro=$(cat /sys/block/vde/ro).",
	      "s=16384 ro=1.");
}

static void check_data(struct machine *machine)
{
	shell(machine, "dd if=/dev/urandom of=/tmp/r bs=64k count=32 2>/dev/null; echo made-'it'",
	      "made-it");
	shell(machine,
	      "for d in a b c d; do dd if=/tmp/r of=/dev/vd$d bs=128k seek=1 oflag=direct; "
	      "dd if=/dev/vd$d of=/tmp/g bs=4k skip=32 count=512 iflag=direct; sync; "
	      "cmp /tmp/r /tmp/g && echo same-'vd'$d; done 2>/dev/null; echo all-'four'",
	      "same-vda\r\nsame-vdb\r\nsame-vdc\r\nsame-vdd\r\nall-four");
	shell(machine, "dd if=/tmp/r of=/dev/vde bs=4k count=1 2>/dev/null || echo refused-'ro'",
	      "refused-ro");
}

/* What is discarded of a file reads as zeroes here. */
static void check_discard(struct machine *machine)
{
	shell(machine,
	      "for d in a c; do blkdiscard -o 131072 -l 131072 /dev/vd$d && "
	      "dd if=/dev/vd$d of=/tmp/g bs=128k skip=1 count=1 iflag=direct 2>/dev/null && "
	      "head -c 131072 /dev/zero | cmp - /tmp/g && echo gone-'vd'$d; done; echo gone-'all'",
	      "gone-vda\r\ngone-vdc\r\ngone-all");
}

/*
 * Requests of both vCPUs are under way on every disk while the pauses come; few and large ones, so
 * that an emulated host is not busy with them for minutes.
 */
static void check_pause(struct machine *machine)
{
	machine_send(machine, "for d in a b c d; do for i in 1 2; do dd if=/dev/vd$d bs=64k "
			      "iflag=direct 2>/dev/null | md5sum >/tmp/$d$i & done; done\n");
	for (unsigned int i = 0; i < 5; i++) {
		ctl("pause", NULL);
		ctl("resume", NULL);
	}
	shell(machine,
	      "wait; for d in a b c d; do cmp /tmp/${d}1 /tmp/${d}2 && echo sum-'vd'$d; done",
	      "sum-vda\r\nsum-vdb\r\nsum-vdc\r\nsum-vdd");
}

static void check_resize(struct machine *machine)
{
	cr_assert_eq(truncate("/tmp/c.img", 2 * SIZE), 0);
	ctl("resize", "disk=third");
	shell(machine,
	      "while [ $(cat /sys/block/vdc/size) != 32768 ]; do :; done; "
	      "dd if=/tmp/r of=/dev/vdc bs=1M seek=12 oflag=direct 2>/dev/null && echo grown-'it'",
	      "grown-it");
}

/* A guest that is gone has nothing written into the memory of the next. */
static void check_reboot(struct machine *machine)
{
	machine_send(machine, "for d in a b c d e; do dd if=/dev/vd$d of=/dev/null bs=512 "
			      "iflag=direct 2>/dev/null & done; reboot -f\n");
	cr_assert(machine_expect(machine, "arcvisor guest: init"), "%s\n%s", machine->text,
		  machine->errors);
	cr_assert(machine_expect(machine, PROMPT), "%s\n%s", machine->text, machine->errors);
	shell(machine,
	      "dd if=/dev/vdb of=/tmp/g bs=128k skip=1 count=16 iflag=direct 2>/dev/null; "
	      "dd if=/dev/vdd of=/tmp/h bs=64k skip=2 count=32 iflag=direct 2>/dev/null; "
	      "cmp /tmp/g /tmp/h && echo there-'still'",
	      "there-still");
}

Test(disks, work_in_every_mode_through_pauses_a_resize_and_a_reboot)
{
	struct machine machine;

	boot(&machine);
	check_shapes(&machine);
	check_data(&machine);
	check_discard(&machine);
	check_pause(&machine);
	check_resize(&machine);
	check_reboot(&machine);
	machine_send(&machine, "poweroff -f\n");
	cr_expect_eq(machine_wait(&machine, NULL), 0, "%s", machine.errors);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
}
