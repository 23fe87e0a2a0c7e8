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
#include "packed.h"

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

/* What the file, or what is packed in it, is instead of an arm64 Image. */
static int refuse_kind(const struct boot_files *files)
{
	enum image_kind kind = files->kernel.kind;

	if (files->payload.packing == IMAGE_PLAIN)
		log_error("%s is %s; %s", files->kernel_path, image_kind_name(kind),
			  image_kind_remedy(kind));
	else
		log_error("%s: the %s data in it is %s; %s", files->kernel_path,
			  image_packing_name(files->payload.packing), image_kind_name(kind),
			  image_kind_remedy(kind));
	return -ENOEXEC;
}

/* @size is that of the Image: the file's, or what it unpacks to. */
static int check_kernel(const struct boot_files *files, uint64_t size)
{
	const struct image_info *info = &files->kernel;
	const char *defect;

	if (info->kind == IMAGE_UNKNOWN && size < IMAGE_HEADER_SIZE) {
		log_error("%s is truncated: it has %" PRIu64 " bytes, an arm64 Image's header "
			  "alone %u; %s",
			  files->kernel_path, size, IMAGE_HEADER_SIZE,
			  image_kind_remedy(IMAGE_ARM64));
		return -ENOEXEC;
	}
	if (info->kind != IMAGE_ARM64)
		return refuse_kind(files);
	defect = image_defect(info, size);
	if (defect) {
		log_error("%s is damaged: %s; %s", files->kernel_path, defect,
			  image_kind_remedy(info->kind));
		return -ENOEXEC;
	}
	return 0;
}

static int refuse_payload(const struct boot_files *files, const uint8_t *head, size_t len,
			  int error)
{
	char packing[IMAGE_ZBOOT_NAME_SIZE];

	image_zboot_packing(head, len, packing);
	if (error == -ENOTSUP)
		log_error("%s is an EFI zboot program packed with \"%s\"; %s", files->kernel_path,
			  packing, image_kind_remedy(IMAGE_EFI_ZBOOT));
	else
		log_error("%s is damaged: it is truncated, or its header does not say where its "
			  "kernel is; copy or build it anew",
			  files->kernel_path);
	return -ENOEXEC;
}

/* Finds out what the file is by its first @len bytes, and what is packed in it. */
static int probe_kernel(struct boot_files *files, const uint8_t *head, size_t len)
{
	uint64_t size = files->kernel_size;
	int ret;

	image_probe(head, len, size, &files->kernel);
	ret = image_payload(head, len, size, files->kernel.kind, &files->payload);
	if (ret < 0)
		return refuse_payload(files, head, len, ret);
	if (files->payload.packing != IMAGE_PLAIN)
		ret = packed_probe(files, &size);
	return ret < 0 ? ret : check_kernel(files, size);
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
	return probe_kernel(files, head, (size_t)len);
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
