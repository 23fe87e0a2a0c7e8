/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices of vhost-user under an unmodified Debian kernel: a folder by virtiofsd, which arcvisor
 * starts, and a disk by qemu-storage-daemon, which listens at a socket.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "host.h"
#include "peers.h"
#include "shell.h"

#define SHARED	  "/tmp/shared"
#define DISK	  "/tmp/vhost.img"
#define DISK_SOCK "/tmp/vhost-disk.sock"
#define CTL_SOCK  "/tmp/vhost.sock"

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* What `ctl status` says. */
static unsigned int count_status(const char *needle)
{
	struct machine client;
	unsigned int count;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", CTL_SOCK, "status")), 0);
	count = count_text(client.text, needle);
	machine_fini(&client);
	return count;
}

static void boot(struct machine *machine)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", VIRTIO_INITRD, "--cpus",
				   "2", "--cmdline", "console=ttyAMA0 quiet " LINUX_FASTER,
				   "--memory", "256M", "--control", CTL_SOCK, "--fs",
				   "tag=shared,path=" SHARED, "--vhost-user-blk",
				   "socket=" DISK_SOCK));
	shell_ready(machine);
}

/* What the host wrote is there, and what the guest writes is the host's; a whole megabyte of it. */
static void check_folder(struct machine *machine)
{
	char command[96];

	shell(machine,
	      "mkdir -p /mnt; mount -t virtiofs shared /mnt && cat /mnt/hello && echo mount-'ed'",
	      "from the host\r\nmount-ed");
	shell(machine,
	      "head -c 1048576 /dev/urandom >/tmp/r; cp /tmp/r /mnt/data; sync; "
	      "md5sum </tmp/r >/mnt/sum; echo 3 >/proc/sys/vm/drop_caches; "
	      "cmp /tmp/r /mnt/data && echo all-'same'",
	      "all-same");
	snprintf(command, sizeof(command), "md5sum <%s/data | cmp - %s/sum", SHARED, SHARED);
	cr_expect_eq(system(command), 0, "the host has what the guest wrote");
	shell(machine,
	      "mkdir /mnt/d && mv /mnt/data /mnt/d/e && [ -f /mnt/d/e ] && rm -r /mnt/d && "
	      "cat /mnt/none; echo no-'such'",
	      "No such file or directory\r\nno-such");
	shell(machine, "umount /mnt && echo un-'mounted'", "un-mounted");
}

static void check_disk(struct machine *machine)
{
	shell(machine,
	      "head -c 65536 /dev/urandom >/tmp/r; dd if=/tmp/r of=/dev/vda bs=65536 seek=3 "
	      "conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; "
	      "dd if=/dev/vda bs=65536 skip=3 count=1 2>/dev/null | cmp - /tmp/r && "
	      "echo disk-'same' $(cat /sys/block/vda/size).",
	      "disk-same 32768.");
	shell(machine, "md5sum </tmp/r | cut -c1-32 | sed 's/^/sum=/'", "\nsum=");
}

/* The disk's bytes are in the file: what the guest said last is their sum. */
static void check_image(struct machine *machine)
{
	const char *said = machine->text;
	char command[128], sum[33] = "";

	for (const char *at = said; (at = strstr(at, "\nsum=")); at++)
		snprintf(sum, sizeof(sum), "%s", at + 5);
	snprintf(command, sizeof(command),
		 "dd if=%s bs=65536 skip=3 count=1 2>/dev/null | md5sum | grep -q %s", DISK, sum);
	cr_expect_eq(system(command), 0, "%s", sum);
}

static void init(void)
{
	peers_find_back_ends();
	mkdir(SHARED, 0755);
	write_text(SHARED "/hello", "from the host\n");
}

TestSuite(vhost, .init = init);

Test(vhost, a_folder_and_a_disk_through_a_reboot_and_the_end_of_their_back_ends)
{
	pid_t storage;
	struct machine machine;

	machine_file(DISK, 16 * MIB);
	storage = peers_start_storage(DISK, DISK_SOCK);
	boot(&machine);
	check_folder(&machine);
	check_disk(&machine);
	check_image(&machine);
	cr_expect_eq(count_status("connected true"), 2);
	machine_send(&machine, "reboot -f\n");
	shell_ready(&machine);
	check_folder(&machine);
	check_disk(&machine);
	cr_expect_str_empty(machine.errors);
	kill(storage, SIGKILL);
	cr_assert_eq(system("kill -9 $(pidof virtiofsd)"), 0);
	while (count_text(machine.errors, "\n") < 2 && machine_pump(&machine))
		;
	cr_expect_eq(count_text(machine.errors, "fs0: its back end is gone; "), 1, "%s",
		     machine.errors);
	cr_expect_eq(count_text(machine.errors, "vblk0: its back end is gone; "), 1);
	shell(&machine, "echo alive-'still'", "alive-still");
	cr_expect_eq(count_status("connected false"), 2);
	/* A driver that comes up anew has another virtiofsd. */
	shell(&machine,
	      "cd /sys/bus/virtio/drivers/virtiofs; d=$(ls -d virtio*); echo $d >unbind; "
	      "echo $d >bind; cd /; mount -t virtiofs shared /mnt && cat /mnt/hello && "
	      "echo again-'there'",
	      "from the host\r\nagain-there");
	cr_expect_eq(count_status("connected true"), 1);
	shell_off(&machine);
	waitpid(storage, NULL, 0);
	machine_fini(&machine);
}

static void refused(const char *option, const char *value, const char *want)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine,
				 MACHINE_ARGS("run", "--kernel", GUESTS "off.img", option, value)),
		     2, "%s: %s", value, machine.errors);
	cr_expect(strstr(machine.errors, want), "%s: %s", value, machine.errors);
	machine_fini(&machine);
}

Test(vhost, what_is_not_there_is_refused)
{
	struct machine machine;

	refused("--fs", "tag=a,path=/nowhere", "fs0: path=/nowhere: No such file or directory");
	refused("--fs", "tag=a,socket=/nowhere", "fs0: socket=/nowhere: No such file");
	refused("--vhost-user-blk", "socket=/nowhere", "vblk0: socket=/nowhere: No such file");
	cr_expect_eq(machine_run(&machine,
				 MACHINE_ARGS("run", "--kernel", GUESTS "off.img", "--fs",
					      "tag=a,path=" SHARED, "--memory", "64M,shared=off")),
		     2);
	cr_expect(strstr(machine.errors, "fs0: its back end maps the guest's memory; leave out "
					 "shared=off of --memory"));
	machine_fini(&machine);
	setenv("PATH", "/nowhere", 1);
	refused("--fs", "tag=a,path=" SHARED, "virtiofsd is not there; install it");
}
