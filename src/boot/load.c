/* SPDX-License-Identifier: Apache-2.0 */
/* Reads kernel and initrd from their files straight into guest memory, or has them unpacked there.
 */
#include "boot/load.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/log.h"
#include "packed.h"

/* One read of as much as the kernel gives. Bytes read, 0 at the file's end, or -errno. */
static ssize_t read_some(int fd, uint64_t offset, uint64_t len, const struct gmem *mem, gpa_t gpa)
{
	struct iovec iov[GMEM_MAX_REGIONS];
	int nr_iov = gmem_iov(mem, gpa, len, iov, GMEM_MAX_REGIONS);
	ssize_t n;

	if (nr_iov < 0)
		return nr_iov;
	do {
		n = preadv(fd, iov, nr_iov, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int load_file(int fd, const char *path, uint64_t size, const struct gmem *mem, gpa_t gpa)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = read_some(fd, done, size - done, mem, gpa + done);

		if (n < 0) {
			log_error("cannot read %s into guest memory: %s", path, strerror((int)-n));
			return (int)n;
		}
		if (!n) {
			log_error("%s became shorter while it was read; start again", path);
			return -EIO;
		}
		done += (uint64_t)n;
	}
	return 0;
}

/*
 * What a boot writes whole gets huge pages: a stage 2 fault each instead of 512. That is kernel and
 * initrd, and where Linux takes its first memory: page structures and early tables from the top of
 * RAM down (memblock), then pages from the lowest free up, which is above what was loaded. A small
 * guest keeps its memory until it asks.
 */
#define WARM_TOP   (12ull << 20)
#define WARM_ABOVE (20ull << 20)
#define WARM_LEAST (200ull << 20) /* from the kernel on */

static void warm_memory(const struct boot_map *map, const struct gmem *mem)
{
	uint64_t loaded = map->end - map->kernel_base, limit;

	gmem_translate(mem, map->kernel_base, &limit); /* to the end of RAM */
	if (limit >= WARM_LEAST && limit - loaded >= WARM_ABOVE + WARM_TOP) {
		gmem_want_huge(mem, map->kernel_base + limit - WARM_TOP, WARM_TOP);
		loaded += WARM_ABOVE;
	}
	gmem_want_huge(mem, map->kernel_base, loaded);
}

static int load_kernel(const struct boot_files *files, const struct boot_map *map,
		       const struct gmem *mem)
{
	if (files->payload.packing != IMAGE_PLAIN)
		return packed_load(files, map, mem);
	return load_file(files->kernel_fd, files->kernel_path, files->kernel_size, mem,
			 map->kernel_base);
}

int boot_load(const struct boot_files *files, const struct boot_map *map, const struct gmem *mem)
{
	int ret;

	warm_memory(map, mem);
	ret = load_kernel(files, map, mem);
	if (ret)
		return ret;
	return load_file(files->initrd_fd, files->initrd_path, map->initrd_size, mem,
			 map->initrd_base);
}
