/* SPDX-License-Identifier: Apache-2.0 */
/* Virtio disks of an unmodified Debian kernel, each served in another way. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bad_disk.h"
#include "shell.h"

#define SOCKET "/tmp/disks.sock"
#define SIZE   (8 << 20)
#define SMALL  "/tmp/small-disk" /* a file system with less room than its image has */

/*
 * vda to vdd in each mode; vde cannot be written; vdf and vdg have a rate; vdh has no room; vdi and
 * vdj have blocks that fail, where the host can make such disks.
 */
static const char *const disks[] = {
	"/tmp/a.img,mode=inline,serial=first",
	"/tmp/b.img,mode=inline,engine=sync",
	"/tmp/c.img,mode=thread,id=third,queues=1",
	"/tmp/d.img,mode=thread,engine=sync",
	"/tmp/e.img,ro",
	"/tmp/f.img,mode=inline,iops=20,iops-burst=2",
	"/tmp/g.img,mode=thread,bps=100K,bps-burst=4K",
	SMALL "/h.img",
};

static const char *bad_inline = "/tmp/i.img", *bad_thread = "/tmp/j.img";

static bool make_bad(void)
{
	if (!bad_disk_make("bad-i") || !bad_disk_make("bad-j"))
		return false;
	bad_inline = "/dev/bad-i,direct,mode=inline";
	bad_thread = "/dev/bad-j,direct,mode=thread,engine=sync";
	return true;
}

static void remove_bad(void)
{
	bad_disk_remove("bad-i");
	bad_disk_remove("bad-j");
}

/* Seen by this process and arcvisor, and gone with them. Only root can: false. */
static bool mount_small(void)
{
	cr_assert(mkdir(SMALL, 0700) == 0 || access(SMALL, F_OK) == 0);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", SMALL, "tmpfs", 0, "size=1m") == 0;
}

static void make_file(const char *disk)
{
	char path[32];

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(disk, ","), disk);
	machine_file(path, SIZE);
}

static void boot(struct machine *machine, bool is_bad)
{
	for (unsigned int i = 0; i < sizeof(disks) / sizeof(disks[0]); i++)
		make_file(disks[i]);
	if (!is_bad) {
		make_file(bad_inline);
		make_file(bad_thread);
	}
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus",
				   "2", "--cmdline", "console=ttyAMA0 quiet iomem=relaxed",
				   "--control", SOCKET, "--disk", disks[0], "--disk", disks[1],
				   "--disk", disks[2], "--disk", disks[3], "--disk", disks[4],
				   "--disk", disks[5], "--disk", disks[6], "--disk", disks[7],
				   "--disk", bad_inline, "--disk", bad_thread));
	shell_ready(machine);
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
		machine_ctl(SOCKET, "pause", NULL);
		machine_ctl(SOCKET, "resume", NULL);
	}
	shell(machine,
	      "wait; for d in a b c d; do cmp /tmp/${d}1 /tmp/${d}2 && echo sum-'vd'$d; done",
	      "sum-vda\r\nsum-vdb\r\nsum-vdc\r\nsum-vdd");
}

/* While the guest runs, in each mode: it is told, and what was added can be written. */
static void check_resize(struct machine *machine)
{
	static const char *const ids[] = { "disk=disk0", "disk=disk1", "disk=third", "disk=disk3" };
	char path[] = "/tmp/a.img", command[256], want[] = "grown-vda";

	for (unsigned int i = 0; i < 4; i++) {
		path[5] = (char)('a' + i);
		want[8] = path[5];
		cr_assert_eq(truncate(path, 2 * SIZE), 0);
		machine_ctl(SOCKET, "resize", ids[i]);
		snprintf(command, sizeof(command),
			 "d=%c; while [ $(cat /sys/block/vd$d/size) != 32768 ]; do :; done; "
			 "dd if=/tmp/r of=/dev/vd$d bs=1M seek=12 oflag=direct 2>/dev/null && "
			 "echo grown-'vd'$d",
			 path[5]);
		shell(machine, command, want);
	}
}

/*
 * By the guest's clock a rate takes at least its time, however slow the host is. Of vdf two of 22
 * operations may go at once, and the others are 50 ms apart; of vdg 20 KiB go when the last 20 KiB
 * have been paid for, which takes 200 ms.
 */
static void check_rates(struct machine *machine)
{
	shell(machine,
	      "now() { read -r t rest </proc/uptime; echo ${t%.*}${t#*.}; }; s=$(now); "
	      "dd if=/dev/vdf of=/tmp/g bs=4k count=22 iflag=direct 2>/dev/null; "
	      "t=$(($(now) - s)); [ $t -ge 95 ] && echo slow-'ops' || echo \"took $t\"",
	      "slow-ops");
	shell(machine,
	      "s=$(now); dd if=/dev/vdg of=/tmp/g bs=20k count=5 iflag=direct 2>/dev/null; "
	      "t=$(($(now) - s)); [ $t -ge 75 ] && echo slow-'bytes' || echo \"took $t\"",
	      "slow-bytes");
}

/* The host's file system is full: the guest's writes fail, and succeed when there is room again. */
static void check_full(struct machine *machine)
{
	shell(machine, "dd if=/tmp/r of=/dev/vdh bs=64k oflag=direct 2>/dev/null || echo full-'it'",
	      "full-it");
	shell(machine,
	      "dd if=/dev/vdh of=/tmp/g bs=64k count=4 iflag=direct 2>/dev/null && echo read-'it'",
	      "read-it");
	cr_assert_eq(mount("none", SMALL, "tmpfs", MS_REMOUNT, "size=16m"), 0);
	shell(machine,
	      "dd if=/tmp/r of=/dev/vdh bs=64k oflag=direct 2>/dev/null; "
	      "dd if=/dev/vdh of=/tmp/g bs=64k count=32 iflag=direct 2>/dev/null; "
	      "cmp /tmp/r /tmp/g && echo room-'again'",
	      "room-again");
}

/*
 * In place of Linux's driver, a bad one (/dev/mem, with iomem=relaxed) puts a ring where there is
 * no memory: DEVICE_NEEDS_RESET, which reads as 0x40 in the status register. Linux's driver, back
 * again, resets the device, and everything is as it was.
 */
static void check_needs_reset(struct machine *machine)
{
	shell(machine,
	      "p=$(readlink -f /sys/block/vdb/device/..); p=${p##*/}; b=0x${p%%.*}; "
	      "r() { devmem $((b + $1)) 32 $2; }; cd /sys/bus/platform/drivers/virtio-mmio; "
	      "echo $p >unbind; for w in '0x70 0' '0x70 3' '0x24 1' '0x20 1' '0x70 11' '0x30 0' "
	      "'0x38 8' '0x44 1' '0x70 15'; do r $w; done; echo status-$(r 0x70)",
	      "status-0x0000004F");
	shell(machine,
	      "echo $p >bind; cd; dd if=/dev/vdb of=/tmp/g bs=128k skip=1 count=16 iflag=direct "
	      "2>/dev/null; dd if=/dev/vdd of=/tmp/h bs=128k skip=1 count=16 iflag=direct "
	      "2>/dev/null; cmp /tmp/g /tmp/h && echo bound-'again'",
	      "bound-again");
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
	bool is_small = mount_small(), is_bad = make_bad();
	struct machine machine;

	boot(&machine, is_bad);
	check_shapes(&machine);
	check_data(&machine);
	check_discard(&machine);
	check_pause(&machine);
	check_resize(&machine);
	check_rates(&machine);
	if (is_small)
		check_full(&machine);
	if (is_bad) {
		bad_disk_check(&machine, "vdi");
		bad_disk_check(&machine, "vdj");
	}
	cr_expect_str_empty(machine.errors);
	check_needs_reset(&machine);
	check_reboot(&machine);
	shell_off(&machine);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "%s", machine.errors);
	cr_expect(strstr(machine.errors, "it has to reset the device"), "%s", machine.errors);
	machine_fini(&machine);
	if (is_bad)
		remove_bad();
}
