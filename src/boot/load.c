/* SPDX-License-Identifier: Apache-2.0 */
/* Reads kernel and initrd from their files straight into guest memory. */
#include "boot/load.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/log.h"

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

int boot_load(const struct boot_files *files, const struct boot_map *map, const struct gmem *mem)
{
	int ret;

	/* All of it is written now or by the guest at once: a fault a huge page, not a page. */
	gmem_want_huge(mem, map->kernel_base, map->end - map->kernel_base);
	ret = load_file(files->kernel_fd, files->kernel_path, files->kernel_size, mem,
			map->kernel_base);
	if (ret)
		return ret;
	return load_file(files->initrd_fd, files->initrd_path, map->initrd_size, mem,
			 map->initrd_base);
}
