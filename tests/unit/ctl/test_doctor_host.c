/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <unistd.h>

#include "support.h"

static struct tree tree;
static struct doctor_host host;

static void setup(void)
{
	tree_init(&tree);
}

static void teardown(void)
{
	tree_fini(&tree);
}

TestSuite(doctor_host, .init = setup, .fini = teardown);

Test(doctor_host, reads_available_memory)
{
	tree_write(&tree, "/proc/meminfo",
		   "MemTotal:       24684096 kB\nMemAvailable:   1048576 kB\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.memory_available, 1ull << 30);
}

Test(doctor_host, a_longer_name_is_another_field)
{
	tree_write(&tree, "/proc/meminfo", "MemAvailableX: 1 kB\nMemAvailable: 2 kB\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.memory_available, 2048);
}

Test(doctor_host, reads_the_first_cpu)
{
	tree_write(&tree, "/proc/cpuinfo",
		   "processor\t: 0\nCPU implementer\t: 0xc0\nCPU architecture: 8\n"
		   "CPU variant\t: 0x0\nCPU part\t: 0xac3\n\n"
		   "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.cpu_implementer, 0xc0);
	cr_assert_eq(host.cpu_part, 0xac3);
}

Test(doctor_host, reads_the_chosen_huge_page_words)
{
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/enabled",
		   "always [madvise] never\n");
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "always within_size advise never [deny] force\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_str_eq(host.thp, "madvise");
	cr_assert_str_eq(host.thp_shmem, "deny");
}

Test(doctor_host, a_word_without_end_or_too_long_is_none)
{
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/enabled",
		   "[a-word-that-is-far-too-long-for-this]\n");
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_str_empty(host.thp);
	cr_assert_str_empty(host.thp_shmem);
}

Test(doctor_host, a_word_of_just_the_size_fits)
{
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/enabled", "[123456789012345]\n");
	tree_write(&tree, "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		   "[1234567890123456]\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_str_eq(host.thp, "123456789012345");
	cr_assert_str_empty(host.thp_shmem);
}

Test(doctor_host, reads_the_hugetlb_pools_that_exist)
{
	tree_write(&tree, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
	tree_write(&tree, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.hugetlb[1].page_kib, 2048);
	cr_assert_eq(host.hugetlb[1].total, 8);
	cr_assert_eq(host.hugetlb[1].free, 3);
	cr_assert_eq(host.hugetlb[4].page_kib, 1048576);
	cr_assert_eq(host.hugetlb[4].total, HOST_UNKNOWN);
}

Test(doctor_host, takes_the_tightest_limit_of_the_cgroups_above)
{
	tree_write(&tree, "/proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
	tree_write(&tree, "/sys/fs/cgroup/a/b/memory.max", "max\n");
	tree_write(&tree, "/sys/fs/cgroup/a/memory.max", "1073741824\n");
	tree_write(&tree, "/sys/fs/cgroup/a/b/pids.max", "100\n");
	tree_write(&tree, "/sys/fs/cgroup/a/pids.max", "200\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.cgroup_memory, 1ull << 30);
	cr_assert_eq(host.cgroup_pids, 100);
}

Test(doctor_host, a_container_has_its_limit_at_the_root)
{
	tree_write(&tree, "/proc/self/cgroup", "0::/\n");
	tree_write(&tree, "/sys/fs/cgroup/pids.max", "64\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.cgroup_pids, 64);
}

Test(doctor_host, no_limit_is_unlimited)
{
	tree_write(&tree, "/proc/self/cgroup", "0::/a\n");
	tree_write(&tree, "/sys/fs/cgroup/a/memory.max", "max\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.cgroup_memory, HOST_UNLIMITED);
	cr_assert_eq(host.cgroup_pids, HOST_UNKNOWN);
}

Test(doctor_host, reads_kernel_settings)
{
	tree_write(&tree, "/proc/sys/kernel/io_uring_disabled", "2\n");
	tree_write(&tree, "/sys/module/kvm/parameters/halt_poll_ns", "500000\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.io_uring_disabled, 2);
	cr_assert_eq(host.halt_poll_ns, 500000);
}

Test(doctor_host, what_is_not_there_is_unknown)
{
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.memory_available, HOST_UNKNOWN);
	cr_assert_eq(host.cpu_implementer, HOST_UNKNOWN);
	cr_assert_eq(host.cpu_part, HOST_UNKNOWN);
	cr_assert_eq(host.io_uring_disabled, HOST_UNKNOWN);
	cr_assert_eq(host.halt_poll_ns, HOST_UNKNOWN);
	cr_assert_eq(host.cgroup_memory, HOST_UNKNOWN);
	cr_assert_str_empty(host.thp);
	cr_assert_str_empty(host.thp_shmem);
}

Test(doctor_host, junk_is_unknown)
{
	tree_write(&tree, "/proc/meminfo", "MemAvailable\nMemAvailable: lots\n");
	tree_write(&tree, "/proc/self/cgroup", "0:\n");
	tree_write(&tree, "/sys/module/kvm/parameters/halt_poll_ns", "");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.memory_available, HOST_UNKNOWN);
	cr_assert_eq(host.cgroup_memory, HOST_UNKNOWN);
	cr_assert_eq(host.halt_poll_ns, HOST_UNKNOWN);
}

Test(doctor_host, cgroup_that_is_no_path_is_none)
{
	tree_write(&tree, "/proc/self/cgroup", "0::a\n");
	tree_write(&tree, "/sys/fs/cgroup/pids.max", "64\n");
	tree_write(&tree, "/sys/fs/cgroupa/pids.max", "32\n");
	doctor_host_gather(tree.root, &host);
	cr_assert_eq(host.cgroup_pids, 64);
}

Test(doctor_host, leaves_no_file_open)
{
	int before = dup(STDERR_FILENO);
	int after;

	close(before);
	doctor_host_gather("", &host);
	after = dup(STDERR_FILENO);
	close(after);
	cr_assert_eq(before, after);
}

Test(doctor_host, asks_the_running_kernel)
{
	doctor_host_gather("", &host);
	cr_assert_str_not_empty(host.machine);
	cr_assert_str_not_empty(host.release);
	cr_assert_geq(host.page_size, 4096);
	cr_assert_neq(host.nofile, HOST_UNKNOWN);
	cr_assert_leq(host.io_uring, 0);
}

Test(doctor_host, names_server_cpus)
{
	cr_assert_str_eq(doctor_cpu_name(0x41, 0xd08), "Cortex-A72");
	cr_assert_str_eq(doctor_cpu_name(0x41, 0xd0c), "Neoverse N1");
	cr_assert_str_eq(doctor_cpu_name(0x41, 0xd40), "Neoverse V1");
	cr_assert_str_eq(doctor_cpu_name(0x41, 0xd49), "Neoverse N2");
	cr_assert_str_eq(doctor_cpu_name(0x41, 0xd4f), "Neoverse V2");
	cr_assert_str_eq(doctor_cpu_name(0xc0, 0xac3), "Ampere-1");
	cr_assert_str_eq(doctor_cpu_name(0xc0, 0xac4), "Ampere-1A");
	cr_assert_null(doctor_cpu_name(0x41, 0xac3));
}
