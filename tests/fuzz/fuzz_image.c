/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel files: what is opened, planned and loaded into guest memory. The first byte says what the
 * rest is: a file, or what a gzip or zstd file has in it.
 */
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "boot/load.h"
#include "input.h"

#define RAM	 0x40000000ull
#define RAM_SIZE (8ull << 20)
#define ROOM	 (1u << 20)

enum wrap {
	WRAP_NONE,
	WRAP_GZIP,
	WRAP_ZSTD,
};

static struct gmem *guest_memory(void)
{
	static struct gmem mem;

	if (!mem.nr_regions) {
		gmem_init(&mem);
		fuzz_check(gmem_add(&mem, RAM, RAM_SIZE) == 0);
	}
	return &mem;
}

static size_t gzip(const struct fuzz_input *in, uint8_t *out)
{
	z_stream stream = {
		.next_in = (uint8_t *)(uintptr_t)in->at,
		.avail_in = (unsigned int)in->left,
		.next_out = out,
		.avail_out = ROOM,
	};

	fuzz_check(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	fuzz_check(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

/* A file of what the input says; its descriptor. */
static int make_file(enum wrap wrap, const struct fuzz_input *in)
{
	static uint8_t packed[ROOM];
	const uint8_t *bytes = packed;
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	size_t len = 0;

	if (wrap == WRAP_NONE) {
		bytes = in->at;
		len = in->left;
	} else if (wrap == WRAP_GZIP) {
		len = gzip(in, packed);
	} else {
		len = ZSTD_compress(packed, ROOM, in->at, in->left, 1);
		fuzz_check(!ZSTD_isError(len));
	}
	fuzz_check(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	return fd;
}

/* What was loaded is the kernel, and lies where it may. */
static void check_loaded(const struct boot_files *files, const struct boot_map *map, enum wrap wrap,
			 const struct fuzz_input *in)
{
	uint64_t size = files->kernel.image_size;
	const uint8_t *guest = gmem_slice(guest_memory(), map->kernel_base, size);

	fuzz_check(guest && map->dtb_base >= map->kernel_base + size);
	fuzz_check(map->dtb_base % IMAGE_ALIGN == 0 && map->end <= RAM + RAM_SIZE);
	if (wrap != WRAP_NONE || files->payload.packing == IMAGE_PLAIN)
		fuzz_check(in->left <= size && !memcmp(guest, in->at, in->left));
}

static void boot(const char *path, enum wrap wrap, const struct fuzz_input *in)
{
	struct boot_files files;
	struct boot_map map;

	if (boot_files_open(&files, path, NULL) < 0)
		return;
	fuzz_check(files.kernel.kind == IMAGE_ARM64 && files.kernel.text_offset < IMAGE_ALIGN);
	if (boot_plan(&files, RAM, RAM_SIZE, &map) == 0 &&
	    boot_load(&files, &map, guest_memory()) == 0)
		check_loaded(&files, &map, wrap, in);
	boot_files_close(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	enum wrap wrap = (enum wrap)fuzz_upto(&in, WRAP_ZSTD);
	char path[32];
	int fd;

	if (in.left > ROOM / 2)
		return 0;
	fd = make_file(wrap, &in);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	boot(path, wrap, &in);
	close(fd);
	return 0;
}
