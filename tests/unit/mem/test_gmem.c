/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: what may be added, what it is on the host, and that nothing of it is left behind. */
#include "mem/gmem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "fixture.h"

TestSuite(gmem, .init = fixture_empty, .fini = fixture_fini);

/* Host and guest address agree modulo this where stage 2 can map huge pages. */
#define HUGE_PAGE (2 * MIB)

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	close(fd);
	return fd;
}

static bool is_mapped(const void *host)
{
	unsigned char vec;

	return mincore((void *)(uintptr_t)host, page, &vec) == 0;
}

Test(gmem, begins_empty)
{
	uint64_t limit;

	cr_assert_eq(mem.nr_regions, 0);
	cr_assert_eq(gmem_size(&mem), 0);
	cr_assert_null(gmem_translate(&mem, 0, &limit));
}

Test(gmem, new_memory_is_zero)
{
	uint64_t val = 1;

	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, MIB), 0);
	for (gpa_t gpa = FIXTURE_BASE; gpa < FIXTURE_BASE + MIB; gpa += sizeof(val)) {
		cr_assert_eq(gmem_read64(&mem, gpa, &val), 0);
		cr_assert_eq(val, 0);
	}
}

Test(gmem, keeps_regions_by_rising_base)
{
	cr_assert_eq(gmem_add(&mem, 8 * page, page), 0);
	cr_assert_eq(gmem_add(&mem, 0, page), 0);
	cr_assert_eq(gmem_add(&mem, 4 * page, 4 * page), 0);
	cr_assert_eq(mem.nr_regions, 3);
	cr_assert_eq(mem.regions[0].base, 0);
	cr_assert_eq(mem.regions[1].base, 4 * page);
	cr_assert_eq(mem.regions[2].base, 8 * page);
	cr_assert_eq(mem.regions[1].size, 4 * page);
	cr_assert_eq(gmem_size(&mem), 6 * page);
}

Test(gmem, refuses_what_is_not_whole_pages)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE + 1, page), -EINVAL);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE + page / 2, page), -EINVAL);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page + 1), -EINVAL);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page / 2), -EINVAL);
	cr_assert_eq(mem.nr_regions, 0);
}

Test(gmem, refuses_an_empty_region)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, 0), -EINVAL);
}

Test(gmem, refuses_what_ends_above_64_bits)
{
	cr_assert_eq(gmem_add(&mem, UINT64_MAX - page + 1, page), -EINVAL);
	cr_assert_eq(gmem_add(&mem, UINT64_MAX - page + 1, 2 * page), -EINVAL);
	cr_assert_eq(gmem_add(&mem, page, UINT64_MAX - page + 1), -EINVAL);
	cr_assert_eq(gmem_add(&mem, UINT64_MAX - 2 * page + 1, page), 0, "the last that fits");
}

Test(gmem, refuses_an_overlap)
{
	gpa_t base = FIXTURE_BASE;

	cr_assert_eq(gmem_add(&mem, base, 4 * page), 0);
	cr_assert_eq(gmem_add(&mem, base, 4 * page), -EEXIST);
	cr_assert_eq(gmem_add(&mem, base - page, 2 * page), -EEXIST);
	cr_assert_eq(gmem_add(&mem, base + 3 * page, 2 * page), -EEXIST);
	cr_assert_eq(gmem_add(&mem, base + page, page), -EEXIST);
	cr_assert_eq(gmem_add(&mem, base - page, 6 * page), -EEXIST);
	cr_assert_eq(mem.nr_regions, 1);
}

Test(gmem, takes_regions_that_touch)
{
	gpa_t base = FIXTURE_BASE;

	cr_assert_eq(gmem_add(&mem, base, page), 0);
	cr_assert_eq(gmem_add(&mem, base + page, page), 0);
	cr_assert_eq(gmem_add(&mem, base - page, page), 0);
}

Test(gmem, refuses_more_than_it_holds)
{
	int fd;

	for (unsigned int i = 0; i < GMEM_MAX_REGIONS; i++)
		cr_assert_eq(gmem_add(&mem, 2 * i * page, page), 0);
	fd = lowest_free_fd();
	cr_assert_eq(gmem_add(&mem, 1024 * page, page), -ENOSPC);
	cr_assert_eq(mem.nr_regions, GMEM_MAX_REGIONS);
	cr_assert_eq(lowest_free_fd(), fd);
}

Test(gmem, passes_on_that_there_is_no_descriptor)
{
	struct rlimit limit = { 0, 0 };

	limit.rlim_cur = limit.rlim_max = (rlim_t)lowest_free_fd();
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), -EMFILE);
	cr_assert_eq(mem.nr_regions, 0);
}

/* More than any host has addresses for, less than the largest file. */
Test(gmem, leaves_nothing_behind_where_it_cannot_map)
{
	int fd = lowest_free_fd();

	cr_assert_eq(gmem_add(&mem, 0, BIT64(61)), -ENOMEM);
	cr_assert_eq(mem.nr_regions, 0);
	cr_assert_eq(lowest_free_fd(), fd);
}

Test(gmem, refuses_what_is_larger_than_any_file)
{
	int fd = lowest_free_fd();

	cr_assert_eq(gmem_add(&mem, 0, BIT64(63)), -EINVAL);
	cr_assert_eq(gmem_add(&mem, 0, BIT64(63) - page), -EINVAL);
	cr_assert_eq(lowest_free_fd(), fd);
}

Test(gmem, host_and_guest_addresses_agree_modulo_a_huge_page)
{
	gpa_t gpa = FIXTURE_BASE;

	for (unsigned int i = 0; i < GMEM_MAX_REGIONS; i++) {
		const struct gmem_region *region = &mem.regions[i];

		cr_assert_eq(gmem_add(&mem, gpa, (1 + i % 3) * page), 0);
		cr_assert_eq((uintptr_t)region->host % HUGE_PAGE, gpa % HUGE_PAGE);
		gpa += 16 * MIB + 5 * page;
	}
}

Test(gmem, memory_is_one_file_that_others_can_map)
{
	uint32_t val = 0x11223344;
	uint8_t byte = 0;

	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, 2 * page), 0);
	cr_assert_eq(gmem_write32(&mem, FIXTURE_BASE + page, val), 0);
	cr_assert_eq(pread(mem.regions[0].fd, &byte, 1, (off_t)page), 1);
	cr_assert_eq(byte, 0x44);
}

Test(gmem, nobody_can_resize_the_file)
{
	int fd;

	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, 2 * page), 0);
	fd = mem.regions[0].fd;
	cr_assert_eq(ftruncate(fd, (off_t)page), -1);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(ftruncate(fd, (off_t)(3 * page)), -1);
	cr_assert_eq(errno, EPERM);
}

Test(gmem, nobody_can_add_a_seal)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	cr_assert_eq(fcntl(mem.regions[0].fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	cr_assert_eq(errno, EPERM);
}

Test(gmem, the_file_is_not_inherited)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	cr_assert(fcntl(mem.regions[0].fd, F_GETFD) & FD_CLOEXEC);
}

static uint64_t blocks_in_use(void)
{
	struct stat st;

	cr_assert_eq(fstat(mem.regions[0].fd, &st), 0);
	return (uint64_t)st.st_blocks;
}

Test(gmem, reserves_64_gib_without_touching_it)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, 64 * GIB), 0);
	cr_assert_eq(blocks_in_use(), 0);
	cr_assert_eq(gmem_write8(&mem, FIXTURE_BASE + 64 * GIB - 1, 1), 0);
	cr_assert_gt(blocks_in_use(), 0);
}

/* A host whose processes have fewer address bits says -ENOMEM. */
Test(gmem, reserves_1_tib_without_touching_it)
{
	int ret = gmem_add(&mem, FIXTURE_BASE, 1024 * GIB);

	if (ret == -ENOMEM)
		cr_skip_test("this host cannot map 1 TiB");
	cr_assert_eq(ret, 0);
	cr_assert_eq(blocks_in_use(), 0);
}

Test(gmem, fini_unmaps_and_closes_everything)
{
	const uint8_t *host[2];
	int fd = lowest_free_fd();

	cr_assert_eq(gmem_add(&mem, 0, 2 * page), 0);
	cr_assert_eq(gmem_add(&mem, 4 * page, page), 0);
	host[0] = mem.regions[0].host;
	host[1] = mem.regions[1].host;
	cr_assert(is_mapped(host[0]) && is_mapped(host[0] + page) && is_mapped(host[1]));
	gmem_fini(&mem);
	cr_assert_eq(mem.nr_regions, 0);
	cr_assert_eq(lowest_free_fd(), fd);
	cr_assert_not(is_mapped(host[0]) || is_mapped(host[0] + page) || is_mapped(host[1]));
}

static uint64_t address_space_in_use(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	cr_assert_not_null(statm);
	cr_assert_eq(fscanf(statm, "%lu", &pages), 1);
	fclose(statm);
	return pages * page;
}

/* About half of what is reserved to align a region lies on either side of this one. */
Test(gmem, keeps_no_address_space_for_itself)
{
	uint64_t before = address_space_in_use();

	for (int i = 0; i < 64; i++) {
		cr_assert_eq(gmem_add(&mem, FIXTURE_BASE + HUGE_PAGE / 2, page), 0);
		gmem_fini(&mem);
	}
	cr_assert_lt(address_space_in_use(), before + 8 * HUGE_PAGE);
}

Test(gmem, can_be_filled_again_after_fini)
{
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	cr_assert_eq(gmem_write8(&mem, FIXTURE_BASE, 1), 0);
	gmem_fini(&mem);
	gmem_fini(&mem);
	cr_assert_eq(gmem_add(&mem, FIXTURE_BASE, page), 0);
	uint8_t val = 1;

	cr_assert_eq(gmem_read8(&mem, FIXTURE_BASE, &val), 0);
	cr_assert_eq(val, 0);
}
