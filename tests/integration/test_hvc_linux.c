/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disks by hypercall under Linux, with the driver of tools/guest/hvc_blk: by version 1 of the ABI,
 * then by rings, while the machine is paused, resized, reset. On hosts before Linux 6.4 the same
 * goes by the MMIO twin.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bad_disk.h"
#include "host.h"
#include "rings.h"
#include "shell.h"

#define INITRD_HVC "guest/hvc-initrd.gz"
#define OLDER	   "guest/Image-6.1" /* on a host of that age */
#define INITRD_OLD "guest/hvc-initrd-6.1.gz"
#define SOCKET	   "/tmp/hvc.sock"
#define MIB	   (1 << 20)

/*
 * hvcblk0; hvcblk1, which takes 20 operations a second, and has blocks that version 1 has not;
 * hvcblk2, which the host polls, and its virtio twin, which has a thread of the same kind and no
 * driver here.
 */
#define FAST   "/tmp/hvc-a.img,via=hvc,serial=abc,id=a"
#define SLOW   "/tmp/hvc-b.img,via=hvc,id=b,iops=20,iops-burst=1,block-size=4096"
#define POLLED "/tmp/hvc-c.img,via=both,hvc-file=/tmp/hvc-d.img,id=c,mode=thread"

/* hvcblk3 has blocks that fail, where the host can make such a disk. */
static const char *bad = "/tmp/hvc-e.img,via=hvc,id=e";

static bool make_bad(void)
{
	if (!bad_disk_make("bad-e"))
		return false;
	bad = "/dev/bad-e,direct,via=hvc,id=e";
	return true;
}

static void boot(struct machine *machine)
{
	bool older = access(OLDER, R_OK) == 0;

	machine_file("/tmp/hvc-a.img", 32 * MIB);
	machine_file("/tmp/hvc-b.img", MIB);
	machine_file("/tmp/hvc-c.img", MIB);
	machine_file("/tmp/hvc-d.img", 16 * MIB);
	machine_file("/tmp/hvc-e.img", 8 * MIB);
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", older ? OLDER : KERNEL, "--initrd",
				   older ? INITRD_OLD : INITRD_HVC, "--cmdline",
				   "console=ttyAMA0 quiet hvc_blk.version=1", "--cpus", "2",
				   "--memory", "256M,shared=on", "--control", SOCKET, "--disk",
				   FAST, "--disk", SLOW, "--disk", POLLED, "--disk", bad));
	shell_ready(machine);
}

/* A call for each transfer: past the cache, through it, and durable. */
static void check_version_1(struct machine *machine)
{
	shell(machine,
	      "dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null; "
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k oflag=direct 2>/dev/null; "
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k seek=64 conv=fsync 2>/dev/null; "
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=4k count=512 iflag=direct 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo v1-'same'",
	      "v1-same");
	shell(machine, "echo q=$(cd /sys/block; ls -d hvcblk* hvcblk0/serial 2>/dev/null).",
	      "q=hvcblk0 hvcblk2 hvcblk3.");
}

/* The driver goes and comes back, with rings: what one wrote the other reads. */
static void check_rings(struct machine *machine)
{
	shell(machine, "rmmod hvc_blk; insmod /lib/modules/50-hvc_blk.ko; echo rings-'there'",
	      "rings-there");
	shell(machine,
	      "cd /sys/block; echo s=$(cat hvcblk0/size hvcblk0/serial hvcblk1/size "
	      "hvcblk1/queue/logical_block_size).",
	      "s=65536 abc 2048 4096.");
	shell(machine,
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=64k skip=64 count=32 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo v2-'reads'",
	      "v2-reads");
	shell(machine,
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k seek=128 oflag=direct 2>/dev/null; "
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k seek=256 conv=fsync 2>/dev/null; "
	      "echo 3 >/proc/sys/vm/drop_caches; "
	      "for at in 128 256; do "
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=4k skip=$((at * 16)) count=512 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo v2-'same'-$at; done",
	      "v2-same-128\r\nv2-same-256");
}

static void check_resize(struct machine *machine)
{
	cr_assert_eq(truncate("/tmp/hvc-a.img", 64 * MIB), 0);
	machine_ctl(SOCKET, "resize", "disk=a");
	shell(machine,
	      "while [ $(cat /sys/block/hvcblk0/size) != 131072 ]; do :; done; "
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=1M seek=40 oflag=direct 2>/dev/null && "
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=1M skip=40 count=2 iflag=direct 2>/dev/null && "
	      "cmp /tmp/a /tmp/b && echo grown-'it'",
	      "grown-it");
}

/* It ends by interrupts alone, and no sooner than it may by the guest's clock, too. */
static void check_rate(struct machine *machine)
{
	shell(machine,
	      "t() { cut -d' ' -f1 /proc/uptime | tr -d .; }; was=$(t); "
	      "dd if=/dev/hvcblk1 of=/dev/null bs=4k count=21 iflag=direct 2>/dev/null && "
	      "echo took-'enough'-$((10 * ($(t) - was) >= 950))",
	      "took-enough-1");
}

/*
 * The host's thread looks by itself, and is woken where it sleeps: through pauses and a reset of
 * its rings, too.
 */
static void check_polled(struct machine *machine)
{
	machine_send(machine, "dd if=/tmp/a of=/dev/hvcblk2 bs=16k oflag=direct 2>/dev/null & "
			      "dd if=/tmp/a of=/dev/hvcblk2 bs=64k seek=64 conv=fsync "
			      "2>/dev/null & echo polled-'begins'\n");
	cr_assert(machine_expect(machine, "polled-begins"));
	for (unsigned int i = 0; i < 2; i++) {
		machine_ctl(SOCKET, "pause", NULL);
		machine_ctl(SOCKET, "resume", NULL);
	}
	cr_assert(machine_expect(machine, PROMPT));
	shell(machine,
	      "wait; echo 1 >/sys/block/hvcblk2/reset; echo 3 >/proc/sys/vm/drop_caches; "
	      "dd if=/dev/hvcblk2 of=/tmp/b bs=4k count=512 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo polled-'same'; "
	      "dd if=/dev/hvcblk2 of=/tmp/b bs=16k skip=256 count=128 iflag=direct 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo polled-'direct'",
	      "polled-same\r\npolled-direct");
}

/*
 * Both CPUs read, and write, while the machine is paused, the rings are reset, and one of the CPUs
 * goes and comes back. The slow disk has a request in flight all the time.
 */
static void check_in_flight(struct machine *machine)
{
	machine_send(machine, "for i in 1 2; do dd if=/dev/hvcblk0 bs=32k count=192 iflag=direct "
			      "2>/dev/null | md5sum >/tmp/s$i & done; "
			      "dd if=/tmp/a of=/dev/hvcblk0 bs=16k seek=3072 oflag=direct "
			      "2>/dev/null & "
			      "dd if=/dev/hvcblk1 of=/dev/null bs=4k count=24 iflag=direct "
			      "2>/dev/null & echo started-'it'\n");
	cr_assert(machine_expect(machine, "started-it"));
	for (unsigned int i = 0; i < 3; i++) {
		machine_ctl(SOCKET, "pause", NULL);
		machine_ctl(SOCKET, "resume", NULL);
	}
	cr_assert(machine_expect(machine, PROMPT));
	shell(machine,
	      "for i in 1 2 3; do echo 1 >/sys/block/hvcblk0/reset; done; "
	      "echo 1 >/sys/block/hvcblk1/reset; "
	      "echo 0 >/sys/devices/system/cpu/cpu1/online; "
	      "echo 1 >/sys/devices/system/cpu/cpu1/online; "
	      "wait; cmp /tmp/s1 /tmp/s2 && "
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=64k skip=768 count=32 iflag=direct 2>/dev/null; "
	      "cmp /tmp/a /tmp/b && echo flight-'ended'",
	      "flight-ended");
}

/* Both CPUs' rings are spoilt: the driver begins them anew, and the guest sees nothing of it. */
static void check_broken(struct machine *machine)
{
	cr_assert_eq(rings_break(machine->pid, 0), 2);
	shell(machine,
	      "for cpu in 1 2; do taskset $cpu dd if=/dev/hvcblk0 of=/tmp/b$cpu bs=64k count=32 "
	      "iflag=direct 2>/dev/null; cmp /tmp/a /tmp/b$cpu && echo healed-'it'-$cpu; done; "
	      "dmesg | grep -q 'queues were reset' && echo healed-'all'",
	      "healed-it-1\r\nhealed-it-2\r\nhealed-all");
}

/* Requests are in flight: the next boot finds its own memory, the disk, and version 1 again. */
static void check_reset(struct machine *machine)
{
	machine_send(machine, "for i in 1 2; do dd if=/dev/hvcblk0 of=/dev/null bs=64k "
			      "iflag=direct & done; dd if=/dev/hvcblk0 of=/dev/hvcblk0 bs=64k "
			      "seek=800 oflag=direct & dd if=/dev/hvcblk1 of=/dev/null bs=4k "
			      "iflag=direct & echo again-'it'\n");
	cr_assert(machine_expect(machine, "again-it"));
	machine_ctl(SOCKET, "reset", NULL);
	cr_assert(machine_expect(machine, "arcvisor guest: init"), "%s\n%s", machine->text,
		  machine->errors);
	cr_assert(machine_expect(machine, PROMPT), "%s\n%s", machine->text, machine->errors);
	shell(machine,
	      "for at in 0 64 128 256 768; do "
	      "dd if=/dev/hvcblk0 bs=64k skip=$at count=32 2>/dev/null | md5sum; done | sort -u | "
	      "wc -l | sed 's/^/sums-/'",
	      "\nsums-1");
}

Test(hvc_linux, serves_both_versions_through_pauses_resets_and_a_resize)
{
	struct machine machine;
	bool is_bad = make_bad();

	boot(&machine);
	check_version_1(&machine);
	check_rings(&machine);
	check_resize(&machine);
	check_rate(&machine);
	check_polled(&machine);
	if (is_bad)
		bad_disk_check(&machine, "hvcblk3");
	check_broken(&machine);
	check_in_flight(&machine);
	check_reset(&machine);
	shell_off(&machine);
	/* Of the rings that were spoilt; of the rest nothing. */
	cr_expect(strstr(machine.errors, "cq_head"), "%s", machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "%s", machine.errors);
	machine_fini(&machine);
	if (is_bad)
		bad_disk_remove("bad-e");
}

/* CPUs come and go, disks are served, and the guest powers off, all by SMC. */
Test(hvc_linux, by_smc)
{
	struct machine machine;

	if (!host_has_smccc_filter())
		cr_skip_test("a host without the SMCCC filter takes HVC alone");
	machine_file("/tmp/hvc-smc.img", 8 * MIB);
	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", INITRD_HVC, "--conduit",
				   "smc", "--cmdline", "console=ttyAMA0 quiet hvc_blk.version=1",
				   "--cpus", "2", "--disk", "/tmp/hvc-smc.img,via=hvc"));
	shell_ready(&machine);
	shell(&machine, "dmesg | grep disk.*by", "1 disk by SMC, version 1");
	shell(&machine,
	      "dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null; "
	      "dd if=/tmp/a of=/dev/hvcblk0 bs=64k oflag=direct 2>/dev/null; "
	      "echo 0 >/sys/devices/system/cpu/cpu1/online; "
	      "echo 1 >/sys/devices/system/cpu/cpu1/online; "
	      "rmmod hvc_blk; insmod /lib/modules/50-hvc_blk.ko; dmesg | grep disk.*by",
	      "1 disk by SMC, version 2");
	shell(&machine,
	      "for cpu in 1 2; do taskset $cpu dd if=/tmp/a of=/dev/hvcblk0 bs=64k "
	      "seek=$((cpu * 32)) oflag=direct 2>/dev/null; done; for at in 0 1 2; do "
	      "dd if=/dev/hvcblk0 of=/tmp/b bs=4k skip=$((at * 512)) count=512 iflag=direct "
	      "2>/dev/null; cmp /tmp/a /tmp/b && echo smc-'same'-$at; done",
	      "smc-same-0\r\nsmc-same-1\r\nsmc-same-2");
	shell_off(&machine);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
}
