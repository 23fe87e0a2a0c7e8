/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input: one line that names the thing, status 2, nothing created. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

static void refused(const char *const *args, const char *want)
{
	struct machine machine;
	int status = machine_run(&machine, args);

	cr_expect_eq(status, 2, "status %d", status);
	cr_expect(strstr(machine.errors, want), "no '%s' in: %s", want, machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "not one line: %s", machine.errors);
	cr_expect_str_empty(machine.text);
	machine_fini(&machine);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

Test(usage, socket_devices)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--vsock", "cid=2,path=/tmp/x"),
		"--vsock cid=2: give it once, 3 to 4294967294");
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--vsock", "cid=3,path=/nowhere/x"),
		"--vsock /nowhere/x: its folder cannot be opened: ");
}

Test(usage, network_cards)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--net", "tap=nowhere"),
		"--net tap=nowhere: there is no such interface");
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--net", "fd=99"),
		"--net fd=99: no such descriptor");
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--cpus", "2", "--net", "tap=lo,queues=3"),
		"net0: queues=3: the guest has 2 vCPUs, and uses no more; give 1 to 2");
}

Test(usage, unknown_option)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--frobnicate"), "--frobnicate");
}

Test(usage, no_kernel)
{
	refused(MACHINE_ARGS("run"), "--kernel");
}

Test(usage, missing_kernel)
{
	refused(MACHINE_ARGS("run", "--kernel", "nowhere/Image"), "nowhere/Image");
}

Test(usage, kernel_is_an_elf_file)
{
	refused(MACHINE_ARGS("run", "--kernel", "/proc/self/exe"), "ELF");
}

Test(usage, kernel_is_gzipped)
{
	refused(MACHINE_ARGS("run", "--kernel", INITRD), "gzip");
}

Test(usage, kernel_is_truncated)
{
	char head[4096];
	int fd = open(KERNEL, O_RDONLY);

	cr_assert_eq(read(fd, head, sizeof(head)), (ssize_t)sizeof(head));
	close(fd);
	write_file("/tmp/short", head, sizeof(head));
	refused(MACHINE_ARGS("run", "--kernel", "/tmp/short"), "truncated");
}

Test(usage, initrd_does_not_fit)
{
	int fd = open("/tmp/big", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_eq(ftruncate(fd, 1 << 30), 0);
	close(fd);
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", "/tmp/big", "--memory", "512M"),
		"--memory");
	unlink("/tmp/big");
}

Test(usage, too_many_cpus)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--cpus", "100000"), "--cpus");
}

/* 48 bits and more of addresses are not to be had on any host of the tests. */
Test(usage, too_much_memory)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--memory", "1048576G"), "--memory");
}

Test(usage, balloons_that_cannot_be)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--balloon", "size=1G"),
		"--balloon size=1024M: the guest has 512M; give less");
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--balloon", "on", "--memory",
			     "512M,pin=on"),
		"--balloon: pages that disks have pinned cannot be given back; leave it out, or "
		"pin=on of --memory");
}

Test(usage, long_command_line)
{
	char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--cmdline", text), "2047");
}

Test(usage, refusal_creates_no_file)
{
	struct stat st;

	refused(MACHINE_ARGS("run", "--kernel", "nowhere/Image", "--dtb-dump", "/tmp/none.dtb",
			     "--console", "/tmp/none.log"),
		"nowhere/Image");
	cr_expect_neq(stat("/tmp/none.dtb", &st), 0);
	cr_expect_neq(stat("/tmp/none.log", &st), 0);
}

/* An empty /dev, in a mount name space of its own. */
static void hide_dev(void)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(126);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/dev", "tmpfs", 0, NULL) < 0)
		_exit(125);
}

Test(usage, no_dev_kvm)
{
	machine_before_exec = hide_dev;
	refused(MACHINE_ARGS("run", "--kernel", KERNEL), "/dev/kvm");
}

/*
 * Somebody else's, and we no longer pass by permissions. We stay root by number, because the
 * program may lie where root alone finds it.
 */
static void forbid_dev_kvm(void)
{
	hide_dev();
	if (mknod("/dev/kvm", S_IFREG | 0600, 0) < 0 || chown("/dev/kvm", 1, 1) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH) < 0)
		_exit(125);
}

Test(usage, no_permission_for_dev_kvm)
{
	if (geteuid() != 0)
		cr_skip("only root can hide /dev");
	machine_before_exec = forbid_dev_kvm;
	refused(MACHINE_ARGS("run", "--kernel", KERNEL), "group kvm");
}

static void close_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
}

/* The kernel's file must not become standard output by taking its number. */
Test(usage, closed_standard_descriptors_do_no_harm)
{
	struct machine machine;

	machine_before_exec = close_standard_fds;
	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img")), 0);
	machine_fini(&machine);
}

Test(usage, help_answers)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("--help")), 0);
	cr_expect(strstr(machine.text, "doctor"));
	machine_fini(&machine);
	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--help")), 0);
	cr_expect(strstr(machine.text, "--kernel"));
	machine_fini(&machine);
	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("--version")), 0);
	cr_expect(strstr(machine.text, "arcvisor 0."));
	machine_fini(&machine);
}

Test(usage, doctor_says_that_guests_can_run)
{
	struct machine machine;

	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("doctor")), 0);
	cr_expect(strstr(machine.text, "GICv3"), "%s", machine.text);
	cr_expect(strstr(machine.text, "guests can run here: yes"), "%s", machine.text);
	machine_fini(&machine);
}

static void refused_disk(const char *disk, const char *want)
{
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--disk", disk), want);
}

/* Not even root reads what is another's then. */
static void forbid_others_files(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) < 0 ||
	    prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH) < 0)
		_exit(125);
}

static void make_disk(const char *path, off_t size)
{
	write_file(path, "", 0);
	cr_assert_eq(truncate(path, size), 0);
}

Test(usage, disks_that_cannot_be)
{
	make_disk("/tmp/odd.img", 1000);
	make_disk("/tmp/empty.img", 0);
	make_disk("/tmp/good.img", 1 << 20);
	refused_disk("/tmp/nowhere.img", "/tmp/nowhere.img: no such file");
	refused_disk("/tmp", "/tmp: is a directory");
	refused_disk("/dev/null", "/dev/null: neither a file nor a block device");
	refused_disk("/tmp/odd.img", "1000 bytes are no multiple of its blocks of 512");
	refused_disk("/tmp/empty.img", "/tmp/empty.img: empty");
	refused_disk("/tmp/good.img,colour=red", "\"colour=red\" is no option of a disk");
	refused_disk("/proc/self/status,ro,direct", "refuses direct I/O");
	refused_disk("/tmp/odd.img,ro", "no multiple of its blocks of 512");
	refused(MACHINE_ARGS("run", "--kernel", KERNEL, "--disk", "/tmp/good.img", "--disk",
			     "/tmp/good.img,id=b"),
		"/tmp/good.img: in use by another virtual machine or tool");
}

Test(usage, disk_whose_size_is_no_multiple_of_its_blocks)
{
	make_disk("/tmp/half.img", 4096 + 512);
	refused_disk("/tmp/half.img,block-size=4096",
		     "4608 bytes are no multiple of its blocks of 4096");
}

Test(usage, disk_without_permission)
{
	if (geteuid() != 0)
		cr_skip("only root can give a file away");
	make_disk("/tmp/theirs.img", 1 << 20);
	cr_assert_eq(chmod("/tmp/theirs.img", 0400), 0);
	cr_assert_eq(chown("/tmp/theirs.img", 1, 1), 0);
	machine_before_exec = forbid_others_files;
	refused_disk("/tmp/theirs.img", "no permission to read and write it");
	refused_disk("/tmp/theirs.img,ro", "no permission to read it");
}

/* Another program holds the lock that QEMU and we take, to write or to read. */
Test(usage, disk_in_use)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct machine machine;
	int fd;

	make_disk("/tmp/used.img", 1 << 20);
	fd = open("/tmp/used.img", O_RDWR | O_CLOEXEC);
	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	refused_disk("/tmp/used.img", "in use by another virtual machine or tool");
	refused_disk("/tmp/used.img,ro", "in use by another virtual machine or tool");
	lock.l_type = F_RDLCK;
	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	refused_disk("/tmp/used.img", "in use by another virtual machine or tool");
	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img",
							"--disk", "/tmp/used.img,ro")),
		     0, "%s", machine.errors);
	cr_expect_str_empty(machine.errors);
	machine_fini(&machine);
	close(fd);
}

/* Served as the bytes it is, after a line that says so. */
Test(usage, disk_that_is_a_qcow2_image)
{
	struct machine machine;

	write_file("/tmp/qcow2.img", "QFI\xfb\0\0\0\3", 8);
	cr_assert_eq(truncate("/tmp/qcow2.img", 1 << 20), 0);
	cr_expect_eq(machine_run(&machine, MACHINE_ARGS("run", "--kernel", GUESTS "off.img",
							"--disk", "/tmp/qcow2.img")),
		     0, "%s", machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "%s", machine.errors);
	cr_expect(strstr(machine.errors, "/tmp/qcow2.img: begins as a qcow2 image does"), "%s",
		  machine.errors);
	machine_fini(&machine);
}
