/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is not executable, where the kernel can say so; a kernel that cannot serves too. */
#include "mem/gmem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "fixture.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* linux/memfd.h, Linux 6.3 */
#endif

TestSuite(gmem_memfd, .init = fixture_empty, .fini = fixture_fini);

static bool kernel_knows_noexec(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static mode_t mode_of_memory(void)
{
	struct stat st;

	cr_assert_eq(fstat(mem.regions[0].fd, &st), 0);
	return st.st_mode;
}

/* From here on memfd_create(2) with MFD_NOEXEC_SEAL fails with @err. */
static void refuse_noexec(unsigned int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MFD_NOEXEC_SEAL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
	cr_assert_not(kernel_knows_noexec());
}

Test(gmem_memfd, is_not_executable_where_the_kernel_can_say_so)
{
	if (!kernel_knows_noexec())
		cr_skip_test("Linux before 6.3");
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	cr_assert_eq(mode_of_memory() & 0111, 0);
}

Test(gmem_memfd, works_on_a_kernel_that_does_not_know_the_flag)
{
	refuse_noexec(EINVAL);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	cr_assert_eq(gmem_write8(&mem, FIXTURE_BASE, 1), 0);
	cr_assert_eq(ftruncate(mem.regions[0].fd, 0), -1, "sealed all the same");
}

/* Only "unknown flag" is a reason to ask for less. */
Test(gmem_memfd, passes_other_errors_on)
{
	refuse_noexec(ENOMEM);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), -ENOMEM);
	cr_assert_eq(mem.nr_regions, 0);
}

/* Wished for over any range, in RAM and out of it: every byte stays what it was. */
Test(gmem_memfd, huge_pages_change_no_contents)
{
	uint8_t byte;

	cr_assert_eq(gmem_add(&mem, 0x40000000, 8 * MIB), 0);
	cr_assert_eq(gmem_write8(&mem, 0x40200000, 0x5a), 0);
	gmem_want_huge(&mem, 0x40000000, 8 * MIB);
	gmem_want_huge(&mem, 0x40001000, MIB);
	gmem_want_huge(&mem, 0x40001000, 3 * MIB);
	gmem_want_huge(&mem, 0x40000000, 9 * MIB);
	gmem_want_huge(&mem, 0x30000000, 8 * MIB);
	gmem_want_huge(&mem, 0x40000000, 0);
	for (gpa_t gpa = 0x40000000; gpa < 0x40800000; gpa += 4096) {
		cr_assert_eq(gmem_read8(&mem, gpa, &byte), 0);
		cr_assert_eq(byte, gpa == 0x40200000 ? 0x5a : 0, "at 0x%lx", gpa);
	}
}
