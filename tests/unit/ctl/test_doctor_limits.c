/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "support.h"

static struct doctor_facts facts;
static struct report report;

static void setup(void)
{
	facts = facts_complete();
}

TestSuite(doctor_limits, .init = setup);

static void assert_reported(const char *part)
{
	report_of(&report, &facts);
	assert_has(report.text, part);
	assert_has(report.text, "\nguests can run here: yes\n");
}

Test(doctor_limits, complete_host)
{
	assert_reported("  ok       io_uring                works\n");
	assert_has(report.text, "  ok       memory available        1.5 GiB\n");
	assert_has(report.text, "  ok       locked memory           unlimited\n");
	assert_has(report.text, "  ok       open files              4096\n");
	assert_has(report.text, "  ok       threads                 4096\n");
	assert_has(report.text, "  ok       cgroup memory           unlimited\n");
	assert_has(report.text, "  ok       cgroup tasks            unlimited\n");
	assert_has(report.text, "  ok       halt polling            up to 500 us\n");
}

Test(doctor_limits, io_uring_not_in_the_kernel)
{
	facts.host.io_uring = -ENOSYS;
	assert_reported("  missing  io_uring                not in this kernel\n");
	assert_has(report.text, "costs:  disk I/O falls back");
	assert_has(report.text, "CONFIG_IO_URING");
}

Test(doctor_limits, io_uring_turned_off)
{
	facts.host.io_uring = -EPERM;
	facts.host.io_uring_disabled = 2;
	assert_reported("io_uring                turned off: kernel.io_uring_disabled is 2\n");
	assert_has(report.text, "remedy: sysctl kernel.io_uring_disabled=0\n");
}

Test(doctor_limits, io_uring_forbidden)
{
	static const uint64_t settings[] = { 0, HOST_UNKNOWN };

	for (int i = 0; i < 2; i++) {
		facts.host.io_uring = -EPERM;
		facts.host.io_uring_disabled = settings[i];
		assert_reported("io_uring                forbidden by a seccomp filter\n");
		assert_has(report.text, "io_uring_enter");
	}
}

Test(doctor_limits, io_uring_other_errors_are_told)
{
	facts.host.io_uring = -ENOMEM;
	assert_reported("  missing  io_uring                Cannot allocate memory\n");
}

Test(doctor_limits, huge_pages_off_for_shared_memory)
{
	static const char *const words[] = { "never", "deny" };

	for (int i = 0; i < 2; i++) {
		strcpy(facts.host.thp_shmem, words[i]);
		assert_reported("  limited  transparent huge pages  private memory: ");
		assert_has(report.text, "costs:  guests with vhost-user devices have small pages");
		assert_has(report.text, "transparent_hugepage/shmem_enabled");
	}
}

Test(doctor_limits, huge_pages_off)
{
	strcpy(facts.host.thp, "never");
	assert_reported("  limited  transparent huge pages  private memory: never, ");
	assert_has(report.text, "costs:  guest memory is mapped by small pages");
	assert_has(report.text, "echo madvise > ");
}

Test(doctor_limits, huge_pages_not_in_the_kernel)
{
	facts.host.thp[0] = '\0';
	assert_reported("  missing  transparent huge pages  not in this kernel\n");
	assert_has(report.text, "CONFIG_TRANSPARENT_HUGEPAGE");
}

Test(doctor_limits, hugetlb_pools_that_exist)
{
	assert_reported("  ok       hugetlb pool            3 of 8 pages of 2 MiB free\n");
	assert_has(report.text, "  ok       hugetlb pool            0 of 0 pages of 1 GiB free\n");
	assert_lacks(report.text, "of 32 MiB");
}

Test(doctor_limits, no_hugetlb_pool)
{
	facts.host.hugetlb[1].total = HOST_UNKNOWN;
	facts.host.hugetlb[4].free = HOST_UNKNOWN;
	assert_reported("  missing  hugetlb pool            none\n");
	assert_has(report.text, "CONFIG_HUGETLBFS");
}

Test(doctor_limits, little_memory)
{
	facts.host.memory_available = 256ull << 20;
	assert_reported("  limited  memory available        256 MiB\n");
	assert_has(report.text, "smaller guests (--memory)");
}

Test(doctor_limits, low_resource_limits)
{
	facts.host.memlock = 64 << 10;
	facts.host.nofile = 256;
	facts.host.nproc = 100;
	assert_reported("  limited  locked memory           64 KiB\n");
	assert_has(report.text, "LimitMEMLOCK=infinity");
	assert_has(report.text, "  limited  open files              256\n");
	assert_has(report.text, "LimitNOFILE=");
	assert_has(report.text, "  limited  threads                 100\n");
	assert_has(report.text, "LimitNPROC=");
}

Test(doctor_limits, just_enough_is_ok)
{
	facts.host.memlock = VM_DEFAULT_MEMORY;
	assert_reported("  ok       locked memory           512 MiB\n");
	facts.host.memlock--;
	assert_reported("  limited  locked memory           512.0 MiB\n");
}

Test(doctor_limits, low_cgroup_limits)
{
	facts.host.cgroup_memory = 100 << 20;
	facts.host.cgroup_pids = 64;
	assert_reported("  limited  cgroup memory           100 MiB\n");
	assert_has(report.text, "memory.max");
	assert_has(report.text, "  limited  cgroup tasks            64\n");
	assert_has(report.text, "pids.max");
}

Test(doctor_limits, unknown_limits_have_no_line)
{
	facts.host.cgroup_memory = HOST_UNKNOWN;
	facts.host.cgroup_pids = HOST_UNKNOWN;
	facts.host.halt_poll_ns = HOST_UNKNOWN;
	report_of(&report, &facts);
	assert_lacks(report.text, "cgroup");
	assert_lacks(report.text, "halt polling");
}

Test(doctor_limits, halt_polling_off)
{
	facts.host.halt_poll_ns = 0;
	assert_reported("  limited  halt polling            up to 0 us\n");
	assert_has(report.text, "wakes later");
	assert_has(report.text, "parameters/halt_poll_ns");
}
