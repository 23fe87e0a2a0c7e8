/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels that are packed in their files. The Image's header comes first: it is looked at before
 * anything is created, and bounds what is unpacked.
 */
#include "packed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "unpack.h"

/* An Image without image_size, Linux before 3.17, has some 10 MiB. */
#define UNSIZED_MAX (256 * MIB)

#define UNPACK_ROOM MIB /* what a codec is given at once */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The line for what unpack.h may answer; the error that the caller gets. */
static int unpack_failed(const struct boot_files *files, int error)
{
	const char *packing = image_packing_name(files->payload.packing);

	switch (error) {
	case -ENODATA:
		log_error("%s is damaged: its %s data is truncated; copy or build it anew",
			  files->kernel_path, packing);
		return -ENOEXEC;
	case -EBADMSG:
		log_error("%s is damaged: its %s data is corrupt; copy or build it anew",
			  files->kernel_path, packing);
		return -ENOEXEC;
	case -E2BIG:
		log_error("%s needs more than 128 MiB of memory to unpack; pack it with a "
			  "smaller window, such as zstd -22 --ultra has",
			  files->kernel_path);
		return -ENOEXEC;
	}
	log_error("cannot unpack %s: %s", files->kernel_path, strerror(-error));
	return error;
}

/* Reads on from @done, into nowhere: how long the kernel is. */
static int count_rest(struct boot_files *files, struct unpack *unpack, uint64_t *size)
{
	uint8_t nowhere[IMAGE_PROBE_SIZE];
	ssize_t n;

	do {
		n = unpack_read(unpack, nowhere, sizeof(nowhere));
		if (n < 0)
			return unpack_failed(files, (int)n);
		*size += (uint64_t)n;
		if (*size > UNSIZED_MAX) {
			log_error("%s unpacks to more than %" PRIu64 " MiB, and its header has no "
				  "image_size; boot a kernel of Linux 3.17 or later",
				  files->kernel_path, UNSIZED_MAX / MIB);
			return -ENOEXEC;
		}
	} while ((size_t)n == sizeof(nowhere));
	return 0;
}

static int probe(struct boot_files *files, struct unpack *unpack, uint64_t *size)
{
	struct image_info *info = &files->kernel;
	uint8_t head[IMAGE_PROBE_SIZE];
	ssize_t n = unpack_read(unpack, head, sizeof(head));
	int ret;

	if (n < 0)
		return unpack_failed(files, (int)n);
	*size = (uint64_t)n;
	image_probe(head, (size_t)n, *size, info);
	if (info->kind != IMAGE_ARM64)
		return 0;
	if (info->has_size && (size_t)n == sizeof(head)) {
		*size = info->image_size;
		return 0;
	}
	ret = (size_t)n == sizeof(head) ? count_rest(files, unpack, size) : 0;
	image_probe(head, (size_t)n, *size, info);
	return ret;
}

int packed_probe(struct boot_files *files, uint64_t *size)
{
	struct unpack *unpack;
	int ret = unpack_start(files->kernel_fd, &files->payload, &unpack);

	if (ret < 0)
		return unpack_failed(files, ret);
	ret = probe(files, unpack, size);
	unpack_end(unpack);
	return ret;
}

/*
 * Unpacks at most @size bytes to @gpa on: how many, or -errno. A codec may use all the room that it
 * is given, so where the kernel ends, what lies behind is made zero again.
 */
static ssize_t unpack_to(struct unpack *unpack, const struct gmem *mem, gpa_t gpa, uint64_t size)
{
	uint64_t done = 0;

	while (done < size) {
		uint64_t room;
		void *host = gmem_translate(mem, gpa + done, &room);
		uint64_t want = least(least(size - done, room), UNPACK_ROOM);
		ssize_t n;

		if (!host)
			return -EFAULT;
		n = unpack_read(unpack, host, want);
		if (n < 0)
			return n;
		done += (uint64_t)n;
		if ((uint64_t)n < want) {
			memset((uint8_t *)host + n, 0, want - (uint64_t)n);
			break;
		}
	}
	return (ssize_t)done;
}

/* What may be wrong with a kernel of which the first @size bytes were unpacked, and no error seen.
 */
static int check_whole(const struct boot_files *files, struct unpack *unpack, uint64_t size)
{
	uint8_t more;
	ssize_t n = unpack_read(unpack, &more, 1); /* checks the checksum, too */
	const char *defect;

	if (n < 0)
		return unpack_failed(files, (int)n);
	defect = image_defect(&files->kernel, size + (uint64_t)n);
	if (!defect)
		return 0;
	log_error("%s is damaged: unpacked, %s; copy or build it anew", files->kernel_path, defect);
	return -ENOEXEC;
}

int packed_load(const struct boot_files *files, const struct boot_map *map, const struct gmem *mem)
{
	struct unpack *unpack;
	ssize_t n;
	int ret = unpack_start(files->kernel_fd, &files->payload, &unpack);

	if (ret < 0)
		return unpack_failed(files, ret);
	n = unpack_to(unpack, mem, map->kernel_base, files->kernel.image_size);
	ret = n < 0 ? unpack_failed(files, (int)n) : check_whole(files, unpack, (uint64_t)n);
	unpack_end(unpack);
	return ret;
}
