/* SPDX-License-Identifier: Apache-2.0 */
/* Images as memory: two guests on one file, and an unmodified Debian kernel by its own driver. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "shell.h"

#define PATTERN	     0x9e3779b97f4a7c15u /* of tests/guest/pmem.c */
#define WORDS	     (1u << 17)
#define ROOT	     "guest/pmem-root.img"
#define PMEM_INITRD  "guest/initrd-pmem.gz"
#define ROOT_CMDLINE "console=ttyAMA0 quiet panic=-1 root=/dev/pmem0 rootflags=dax " LINUX_FASTER

static char file[64], socket_path[64];

static void init(void)
{
	snprintf(file, sizeof(file), "/tmp/pmem.%d", (int)getpid());
	snprintf(socket_path, sizeof(socket_path), "/tmp/pmem-socket.%d", (int)getpid());
}

static void fini(void)
{
	unlink(file);
}

TestSuite(pmem, .init = init, .fini = fini);

/* ---- two guests without Linux ---------------------------------------------------------------- */

static uint64_t words[WORDS];

static void write_pattern(void)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = 8 * i * PATTERN;
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, words, sizeof(words)), (ssize_t)sizeof(words));
	close(fd);
}

static void expect_pattern(void)
{
	static uint64_t now[WORDS];
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	cr_assert_eq(read(fd, now, sizeof(now)), (ssize_t)sizeof(now));
	cr_expect_eq(memcmp(now, words, sizeof(now)), 0, "the file has changed");
	close(fd);
}

static void start_reader(struct machine *machine, const char *control)
{
	machine_start(machine,
		      MACHINE_ARGS("run", "--kernel", GUESTS "pmem.img", "--memory", "64M", "--rng",
				   "off", "--pmem", file, control ? "--control" : NULL, control));
}

static void expect_ready(struct machine *machine)
{
	cr_assert(machine_expect(machine, "pmem ready"), "%s\n%s", machine->text, machine->errors);
}

static void finish_reader(struct machine *machine)
{
	cr_expect_eq(machine_wait(machine), 0, "%s", machine->errors);
	cr_expect(strstr(machine->text, "\ndone "), "%s", machine->text);
	cr_expect_null(strstr(machine->text, "not ok"), "%s", machine->text);
	cr_expect(strstr(machine->errors, "at offset 0x1000 of what it can only read"), "%s",
		  machine->errors);
	machine_fini(machine);
}

/* Both have it mapped, one of them for the second time, when the first of their stores comes. */
Test(pmem, two_guests_read_one_file_and_cannot_write_it)
{
	struct machine first, second;

	write_pattern();
	start_reader(&first, socket_path);
	start_reader(&second, NULL);
	expect_ready(&first);
	expect_ready(&second);
	machine_ctl(socket_path, "reset", NULL);
	expect_ready(&first);
	machine_send(&first, "g");
	machine_send(&second, "g");
	finish_reader(&first);
	finish_reader(&second);
	expect_pattern();
}

/* What the guest then reads is not there: it cannot go on, and arcvisor can. */
Test(pmem, a_file_that_gets_shorter_is_the_loss_of_who_reads_it)
{
	struct machine machine;

	write_pattern();
	start_reader(&machine, NULL);
	expect_ready(&machine);
	cr_assert_eq(truncate(file, 4096), 0);
	machine_send(&machine, "g");
	cr_expect_eq(machine_wait(&machine), 4, "%s\n%s", machine.text, machine.errors);
	cr_expect_null(strstr(machine.text, "\ndone "), "%s", machine.text);
	machine_fini(&machine);
}

/* ---- Linux ----------------------------------------------------------------------------------- */

static void sum_of(const char *path, char sum[65])
{
	char command[128];
	FILE *pipe;

	snprintf(command, sizeof(command), "sha256sum %s", path);
	pipe = popen(command, "re");
	cr_assert_not_null(pipe);
	cr_assert_eq(fscanf(pipe, "%64s", sum), 1);
	pclose(pipe);
}

/* What pmem-root puts into the image. */
static void sum_of_data(char sum[65])
{
	FILE *data = fopen(file, "we");

	cr_assert_not_null(data);
	for (unsigned int i = 1; i <= 30000; i++)
		fprintf(data, "%u\n", i);
	fclose(data);
	sum_of(file, sum);
	unlink(file);
}

/* What `ctl status` says behind @name, of the device whose id is @id. */
static unsigned long long counter(const char *id, const char *name)
{
	unsigned long long value;
	struct machine client;
	const char *at;

	cr_assert_eq(machine_run(&client, MACHINE_ARGS("ctl", socket_path, "status")), 0);
	at = strstr(client.text, id);
	cr_assert(at, "no %s in: %s", id, client.text);
	at = strstr(at, name);
	cr_assert(at, "no %s in: %s", name, client.text);
	value = strtoull(at + strlen(name), NULL, 10);
	machine_fini(&client);
	return value;
}

/* The root is the image without a copy of it in the guest, and has what was put into it. */
static void check_root(struct machine *machine, const char *sum)
{
	char command[160];

	snprintf(command, sizeof(command), "sha256sum /data | grep -q %s && echo same-'sum'", sum);
	shell(machine, "grep -c '^/dev/pmem0 / ext4 ro,.*dax' /proc/mounts", "\n1");
	shell(machine, "cat /sys/block/pmem0/size", "\n12288");
	shell(machine, command, "same-sum");
}

/*
 * Linux has no way to know, and thinks it has written; nothing has changed. The last block, which
 * the mounted file system does not use.
 */
static void check_ro(struct machine *machine)
{
	shell(machine,
	      "dd if=/data of=/dev/pmem0 bs=4k seek=1279 count=1 oflag=direct && echo 'd'one",
	      "done");
	cr_expect_geq(counter("pmem0", "dropped "), 4096 / 8);
	cr_expect(strstr(machine->errors, "of what it can only read"), "%s", machine->errors);
	shell(machine, "dd if=/dev/pmem0 bs=4k skip=1279 count=1 iflag=direct | grep -c 1", "\n0");
}

/* What is flushed is in the file. */
static void check_rw(struct machine *machine)
{
	unsigned long long before = counter("pmem1", "flushes ");
	char buf[16] = "";
	int fd;

	shell(machine, "dd if=/data of=/dev/pmem1 bs=64k seek=1 count=1 conv=fsync && echo 'd'one",
	      "done");
	cr_expect_gt(counter("pmem1", "flushes "), before);
	cr_expect_eq(counter("pmem1", "errors "), 0);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(pread(fd, buf, 6, 65536), 6);
	cr_expect_str_eq(buf, "1\n2\n3\n");
	cr_assert_eq(pread(fd, buf, 6, 0), 6);
	cr_expect_arr_eq(buf, "\0\0\0\0\0", 6);
	close(fd);
}

Test(pmem, linux_has_its_root_on_one_and_writes_another)
{
	char writable[80], data[65], sum[65], after[65];
	struct machine machine;

	sum_of_data(data);
	sum_of(ROOT, sum);
	machine_file(file, 4 << 20);
	snprintf(writable, sizeof(writable), "%s,rw", file);
	machine_start(&machine,
		      MACHINE_ARGS("run", "--kernel", KERNEL, "--initrd", PMEM_INITRD, "--memory",
				   "256M", "--cmdline", ROOT_CMDLINE, "--control", socket_path,
				   "--pmem", ROOT, "--pmem", writable));
	shell_ready(&machine);
	check_root(&machine, data);
	check_ro(&machine);
	check_rw(&machine);
	shell_off(&machine);
	sum_of(ROOT, after);
	cr_expect_str_eq(sum, after);
	machine_fini(&machine);
}
