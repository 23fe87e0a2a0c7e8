/* SPDX-License-Identifier: Apache-2.0 */
/* Opens kernel and initrd, and refuses what cannot boot before anything is created. */
#include "boot/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* Refuses what is not a regular file. */
static int check_file(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode)) {
		log_error("%s is a directory; name a file in it", path);
		return -EISDIR;
	}
	if (!S_ISREG(st->st_mode)) {
		log_error("%s is not a regular file; copy what it holds to one", path);
		return -EINVAL;
	}
	return 0;
}

static int open_file(const char *path, int *out, uint64_t *size)
{
	struct stat st;
	int fd, ret;

	/* O_NONBLOCK: opening a FIFO must not wait for somebody to write to it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		log_error("cannot open %s: %s; check the path and its permissions", path,
			  strerror(-ret));
		goto fail;
	}
	ret = check_file(path, &st);
	if (ret)
		goto fail;
	*out = fd;
	*size = (uint64_t)st.st_size;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Reads the first @len bytes, fewer where the file has fewer: how many, or -errno. */
static ssize_t read_head(int fd, uint8_t *head, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, head + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int check_kernel(const struct boot_files *files)
{
	const struct image_info *info = &files->kernel;
	const char *path = files->kernel_path;
	const char *defect;

	if (info->kind == IMAGE_UNKNOWN && files->kernel_size < IMAGE_HEADER_SIZE) {
		log_error("%s is truncated: it has %" PRIu64 " bytes, an arm64 Image's header "
			  "alone %u; %s",
			  path, files->kernel_size, IMAGE_HEADER_SIZE,
			  image_kind_remedy(IMAGE_ARM64));
		return -ENOEXEC;
	}
	if (info->kind != IMAGE_ARM64) {
		log_error("%s is %s; %s", path, image_kind_name(info->kind),
			  image_kind_remedy(info->kind));
		return -ENOEXEC;
	}
	defect = image_defect(info, files->kernel_size);
	if (defect) {
		log_error("%s is damaged: %s; %s", path, defect, image_kind_remedy(info->kind));
		return -ENOEXEC;
	}
	return 0;
}

static int open_kernel(struct boot_files *files)
{
	uint8_t head[IMAGE_PROBE_SIZE];
	ssize_t len;
	int ret;

	ret = open_file(files->kernel_path, &files->kernel_fd, &files->kernel_size);
	if (ret)
		return ret;
	len = read_head(files->kernel_fd, head, sizeof(head));
	if (len < 0) {
		log_error("cannot read %s: %s; check the disk that holds it", files->kernel_path,
			  strerror((int)-len));
		return (int)len;
	}
	image_probe(head, (size_t)len, files->kernel_size, &files->kernel);
	return check_kernel(files);
}

static int open_initrd(struct boot_files *files)
{
	int ret = open_file(files->initrd_path, &files->initrd_fd, &files->initrd_size);

	if (ret)
		return ret;
	if (!files->initrd_size) {
		log_error("%s is empty; name an initrd that has contents, or none",
			  files->initrd_path);
		return -EINVAL;
	}
	return 0;
}

int boot_files_open(struct boot_files *files, const char *kernel, const char *initrd)
{
	int ret;

	*files = (struct boot_files){
		.kernel_path = kernel,
		.kernel_fd = -1,
		.initrd_path = initrd,
		.initrd_fd = -1,
	};
	ret = open_kernel(files);
	if (!ret && initrd)
		ret = open_initrd(files);
	if (ret)
		boot_files_close(files);
	return ret;
}

void boot_files_close(struct boot_files *files)
{
	if (files->initrd_fd >= 0)
		close(files->initrd_fd);
	if (files->kernel_fd >= 0)
		close(files->kernel_fd);
	files->initrd_fd = -1;
	files->kernel_fd = -1;
}
