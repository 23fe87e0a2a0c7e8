/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel files that distributions ship, made from a real Debian kernel
 * (tests/integration/kernels), and an initrd of several archives. docs/testing.md: complaint 3,
 * "kernel image formats refused without a useful message".
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define KERNELS	   "guest/kernels/"
#define INIT	   "arcvisor guest: init"
#define BOOT_HALF  8192 /* of a packed kernel: its header is whole */
#define PACKED_MAX (64 << 20)

/* Boots to the guest's first process, which switches off. */
static void boots(const char *kernel, const char *initrd)
{
	struct machine machine;
	int status = machine_run(
		&machine, MACHINE_ARGS("run", "--kernel", kernel, "--initrd", initrd, "--cmdline",
				       "console=ttyAMA0 quiet arcvisor.run=poweroff"));

	cr_expect_eq(status, 0, "status %d: %s", status, machine.errors);
	cr_expect_str_empty(machine.errors);
	cr_expect_eq(count_text(machine.text, INIT), 1, "%s", machine.text);
	machine_fini(&machine);
}

Test(kernels, a_zstd_image_boots)
{
	boots(KERNELS "Image.zst", INITRD);
}

Test(kernels, a_zboot_kernel_with_gzip_boots)
{
	boots(KERNELS "vmlinuz-gzip.efi", INITRD);
}

/* The archives before and after the one with the init are there as well. */
Test(kernels, a_gzip_image_boots_with_an_initrd_of_three_archives)
{
	struct machine machine;
	int status =
		machine_run(&machine, MACHINE_ARGS("run", "--kernel", KERNELS "Image.gz",
						   "--initrd", KERNELS "initrds", "--cmdline",
						   "console=ttyAMA0 quiet "
						   "arcvisor.run=\"cat /etc/first /etc/second; "
						   "poweroff -f\""));

	cr_expect_eq(status, 0, "status %d: %s", status, machine.errors);
	cr_expect(strstr(machine.text, "this is the first archive"), "%s", machine.text);
	cr_expect(strstr(machine.text, "this is the second archive"), "%s", machine.text);
	machine_fini(&machine);
}

/* A reset unpacks the kernel again, into new memory. */
Test(kernels, a_zboot_kernel_with_zstd_boots_again_after_a_reset)
{
	struct machine machine;

	machine_start(&machine, MACHINE_ARGS("run", "--kernel", KERNELS "vmlinuz-zstd.efi",
					     "--initrd", INITRD, "--cmdline",
					     "console=ttyAMA0 quiet arcvisor.run=\"reboot -f\""));
	cr_expect(machine_expect(&machine, INIT), "%s%s", machine.text, machine.errors);
	cr_expect(machine_expect(&machine, INIT), "%s%s", machine.text, machine.errors);
	machine_fini(&machine);
}

/* Expects one line that names @path and says @want, status 2, and nothing of a guest. */
static void refused(const char *path, const char *want)
{
	struct machine machine;
	int status = machine_run(&machine, MACHINE_ARGS("run", "--kernel", path));

	cr_expect_eq(status, 2, "%s: status %d", path, status);
	cr_expect(strstr(machine.errors, path), "%s", machine.errors);
	cr_expect(strstr(machine.errors, want), "no '%s' in: %s", want, machine.errors);
	cr_expect_eq(count_text(machine.errors, "\n"), 1, "not one line: %s", machine.errors);
	cr_expect_str_empty(machine.text);
	machine_fini(&machine);
}

/* A copy of @path without its last @less bytes. */
static const char *cut(const char *path, off_t less)
{
	static const char copy[] = "/tmp/cut";
	static char bytes[PACKED_MAX];
	int in = open(path, O_RDONLY), out = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t len = read(in, bytes, sizeof(bytes));

	cr_assert_gt(len, less);
	cr_assert_eq(write(out, bytes, (size_t)(len - less)), len - less);
	close(in);
	close(out);
	return copy;
}

Test(kernels, a_packed_kernel_that_was_cut_is_refused_by_name)
{
	refused(cut(KERNELS "Image.gz", 1), "is damaged: its gzip data is truncated");
	refused(cut(KERNELS "Image.zst", BOOT_HALF), "is damaged: its zstd data is truncated");
	refused(cut(KERNELS "vmlinuz-gzip.efi", BOOT_HALF), "is damaged: it is truncated");
}

Test(kernels, what_is_no_kernel_is_refused_by_name_with_a_remedy)
{
	refused("/bin/busybox", "is an ELF file; boot the arm64 Image");
	refused(INITRD, "the gzip data in it is of no known kernel format; boot the arm64 Image");
}
