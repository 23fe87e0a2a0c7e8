/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels packed with gzip and zstd, as EFI zboot, and hostile ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "boot/load.h"
#include "boot_test.h"

#define RAM	   0x40000000ull
#define RAM_SIZE   (32ull << 20)
#define SPACE	   (256 << 10)
#define IMAGE_SIZE 0x10000u /* what test_kernel() says */

static uint8_t kernel[TEST_KERNEL_SIZE];
static uint8_t packed[SPACE];
static struct gmem mem;
static struct boot_map map;

static void setup(void)
{
	test_dir_init();
	test_log_keep();
	test_kernel(kernel);
	gmem_init(&mem);
	cr_assert_eq(gmem_add(&mem, RAM, RAM_SIZE), 0);
}

static void teardown(void)
{
	gmem_fini(&mem);
	test_dir_fini();
}

TestSuite(boot_packed, .init = setup, .fini = teardown);

static size_t gzip(const void *data, size_t len, uint8_t *out)
{
	z_stream stream = {
		.next_in = (uint8_t *)(uintptr_t)data,
		.avail_in = (unsigned int)len,
		.next_out = out,
		.avail_out = SPACE / 2,
	};

	cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static size_t zstd(const void *data, size_t len, uint8_t *out)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size;

	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size = ZSTD_compress2(context, out, SPACE / 2, data, len);
	cr_assert_not(ZSTD_isError(size));
	ZSTD_freeCCtx(context);
	return size;
}

typedef size_t (*pack_fn)(const void *data, size_t len, uint8_t *out);

static void put32(uint8_t *to, uint32_t val)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (uint8_t)(val >> 8 * i);
}

/* An EFI zboot program without its program: header, then @size bytes of payload and @tail more. */
static size_t zboot(const char *name, pack_fn pack, size_t tail)
{
	const uint32_t offset = 0x1000;
	size_t size = pack(kernel, sizeof(kernel), packed + offset);

	memset(packed, 0, offset);
	memcpy(packed, "MZ\0\0zimg", 8);
	put32(packed + 8, offset);
	put32(packed + 12, (uint32_t)size);
	strcpy((char *)packed + 24, name);
	put32(packed + offset + size, sizeof(kernel));
	return offset + size + tail;
}

static const char *packed_file(size_t len)
{
	return test_file("kernel", packed, len, len);
}

/* Opens, plans and loads: 0, or what refused it, with one line in the log. */
static int boot(const char *path)
{
	struct boot_files files;
	int ret = boot_files_open(&files, path, NULL);

	if (ret == 0) {
		cr_assert_eq(boot_plan(&files, RAM, RAM_SIZE, &map), 0);
		ret = boot_load(&files, &map, &mem);
		boot_files_close(&files);
	}
	return ret;
}

static void expect_loaded(void)
{
	const uint8_t *guest = gmem_slice(&mem, map.kernel_base, IMAGE_SIZE);

	cr_assert(!memcmp(guest, kernel, sizeof(kernel)));
	for (size_t i = sizeof(kernel); i < IMAGE_SIZE; i++)
		cr_assert_eq(guest[i], 0);
}

static void expect_boots(size_t len)
{
	cr_assert_eq(boot(packed_file(len)), 0, "%s", test_log());
	cr_expect_str_empty(test_log());
	expect_loaded();
}

static void expect_refusal(size_t len, const char *reason)
{
	const char *path = packed_file(len), *log;

	cr_expect_eq(boot(path), -ENOEXEC, "%s", reason);
	log = test_log();
	cr_expect(strstr(log, path), "%s", log);
	cr_expect(strstr(log, reason), "%s in: %s", reason, log);
	cr_expect_eq(strchr(log, '\n'), log + strlen(log) - 1, "one line: %s", log);
}

Test(boot_packed, a_gzip_image_boots)
{
	expect_boots(gzip(kernel, sizeof(kernel), packed));
}

Test(boot_packed, a_zstd_image_boots)
{
	expect_boots(zstd(kernel, sizeof(kernel), packed));
}

Test(boot_packed, a_zboot_program_with_gzip_boots)
{
	expect_boots(zboot("gzip", gzip, 512));
}

/* The kernel's build puts the unpacked length behind the payload. */
Test(boot_packed, a_zboot_program_with_zstd_boots)
{
	expect_boots(zboot("zstd22", zstd, 4));
	expect_boots(zboot("zstd", zstd, 0));
}

Test(boot_packed, the_header_is_known_before_anything_is_loaded)
{
	const char *path = packed_file(gzip(kernel, sizeof(kernel), packed));
	struct boot_files files;

	cr_assert_eq(boot_files_open(&files, path, NULL), 0);
	cr_expect_eq(files.kernel.kind, IMAGE_ARM64);
	cr_expect_eq(files.kernel.image_size, IMAGE_SIZE);
	cr_expect_eq(files.kernel.page_kib, 4);
	boot_files_close(&files);
}

/* As a reset does: into the fresh memory of the next guest. */
Test(boot_packed, loads_again)
{
	const char *path = packed_file(zstd(kernel, sizeof(kernel), packed));
	struct boot_files files;

	cr_assert_eq(boot_files_open(&files, path, NULL), 0);
	cr_assert_eq(boot_plan(&files, RAM, RAM_SIZE, &map), 0);
	for (unsigned int i = 0; i < 3; i++) {
		cr_assert_eq(gmem_zero(&mem, RAM, RAM_SIZE), 0);
		cr_assert_eq(boot_load(&files, &map, &mem), 0);
		expect_loaded();
	}
	boot_files_close(&files);
}

Test(boot_packed, memory_in_two_regions_is_one_to_it)
{
	struct gmem parts;
	const char *path = packed_file(gzip(kernel, sizeof(kernel), packed));
	struct boot_files files;
	uint8_t copy[TEST_KERNEL_SIZE];

	gmem_init(&parts);
	cr_assert_eq(gmem_add(&parts, RAM, 0x1000), 0);
	cr_assert_eq(gmem_add(&parts, RAM + 0x1000, RAM_SIZE - 0x1000), 0);
	cr_assert_eq(boot_files_open(&files, path, NULL), 0);
	cr_assert_eq(boot_plan(&files, RAM, RAM_SIZE, &map), 0);
	cr_assert_eq(boot_load(&files, &map, &parts), 0);
	cr_assert_eq(gmem_read(&parts, RAM, copy, sizeof(copy)), 0);
	cr_expect(!memcmp(copy, kernel, sizeof(copy)));
	boot_files_close(&files);
	gmem_fini(&parts);
}

Test(boot_packed, a_kernel_with_text_offset_goes_there)
{
	test_header(kernel, 0x80000, IMAGE_SIZE, 0xa);
	expect_boots(gzip(kernel, sizeof(kernel), packed));
	cr_expect_eq(map.kernel_base, RAM + 0x80000);
}

Test(boot_packed, a_kernel_without_image_size_is_measured)
{
	const char *path;
	struct boot_files files;

	test_header(kernel, 0, 0, 0);
	path = packed_file(gzip(kernel, sizeof(kernel), packed));
	cr_assert_eq(boot_files_open(&files, path, NULL), 0);
	cr_expect_eq(files.kernel.text_offset, 0x80000);
	cr_expect_eq(files.kernel.image_size, sizeof(kernel) + (16 << 20));
	boot_files_close(&files);
	cr_assert_eq(boot(path), 0);
}

static void expect_no_length_boots(size_t len)
{
	for (size_t cut = 2; cut < len; cut++) {
		const char *log;

		cr_assert_eq(boot(test_file("cut", packed, cut, cut)), -ENOEXEC, "%zu of %zu", cut,
			     len);
		log = test_log();
		cr_expect(strstr(log, "truncated") || strstr(log, "corrupt"), "%zu: %s", cut, log);
		cr_expect_eq(strchr(log, '\n'), log + strlen(log) - 1, "one line: %s", log);
	}
}

Test(boot_packed, a_gzip_image_cut_anywhere_is_refused)
{
	expect_no_length_boots(gzip(kernel, sizeof(kernel), packed));
}

Test(boot_packed, a_zstd_image_cut_anywhere_is_refused)
{
	expect_no_length_boots(zstd(kernel, sizeof(kernel), packed));
}

/* A changed byte is found, or it is one that says nothing of the kernel, such as a time. */
static void expect_changes_found(size_t len)
{
	unsigned int harmless = 0;

	for (size_t i = 0; i < len; i++) {
		packed[i] ^= 0x55;
		cr_assert_eq(gmem_zero(&mem, RAM, RAM_SIZE), 0);
		if (boot(test_file("kernel", packed, len, len)) == 0) {
			expect_loaded();
			harmless++;
		}
		packed[i] ^= 0x55;
		test_log();
	}
	cr_expect_lt(harmless, 16);
}

Test(boot_packed, a_changed_byte_of_gzip_is_found)
{
	expect_changes_found(gzip(kernel, sizeof(kernel), packed));
}

Test(boot_packed, a_changed_byte_of_zstd_is_found)
{
	expect_changes_found(zstd(kernel, sizeof(kernel), packed));
}

Test(boot_packed, more_than_the_header_says_is_refused)
{
	test_header(kernel, 0, sizeof(kernel) - 1, 0xa);
	expect_refusal(gzip(kernel, sizeof(kernel), packed), "longer than the image_size");
	expect_refusal(zstd(kernel, sizeof(kernel), packed), "longer than the image_size");
}

Test(boot_packed, less_than_the_header_says_is_refused)
{
	expect_refusal(gzip(kernel, sizeof(kernel) - 1, packed), "unpacked, it is truncated");
}

/* 64 MiB of zeroes in 64 KiB: unpacking stops where image_size does. */
Test(boot_packed, a_bomb_is_not_unpacked)
{
	size_t size = 64 << 20;
	uint8_t *bomb = calloc(1, size);

	test_header(bomb, 0, 0x1000, 0xa);
	expect_refusal(gzip(bomb, size, packed), "longer than the image_size");
	test_header(bomb, 0, 1ull << 40, 0xa);
	expect_refusal(gzip(bomb, size, packed), "impossible image_size");
	free(bomb);
}

/* A kernel without image_size may not be as long as it likes. */
Test(boot_packed, a_bomb_without_a_size_is_not_unpacked)
{
	size_t size = 257 << 20;
	uint8_t *bomb = calloc(1, size);

	cr_assert_not_null(bomb);
	test_header(bomb, 0, 0, 0xa);
	expect_refusal(zstd(bomb, size, packed), "unpacks to more than 256 MiB");
	free(bomb);
}

/* RFC 8878 3.1.1.1.2: windows of 2^28 bytes. */
Test(boot_packed, a_zstd_window_over_the_limit_is_refused)
{
	memcpy(packed, "\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00", 9);
	expect_refusal(9, "needs more than 128 MiB");
}

Test(boot_packed, what_follows_a_stream_is_refused)
{
	size_t len = gzip(kernel, sizeof(kernel), packed);

	memcpy(packed + len, "garbage", 7);
	expect_refusal(len + 7, "gzip data is corrupt");
	len = zstd(kernel, sizeof(kernel), packed);
	len += zstd(kernel, sizeof(kernel), packed + len);
	expect_refusal(len, "zstd data is corrupt");
}

/* RFC 1952 2.2: a gzip file is a series of members. */
Test(boot_packed, a_gzip_image_in_two_members_boots)
{
	size_t len = gzip(kernel, 5000, packed);

	expect_boots(len + gzip(kernel + 5000, sizeof(kernel) - 5000, packed + len));
}

Test(boot_packed, what_is_packed_has_to_be_an_image)
{
	static const uint8_t elf[4096] = "\177ELF\2\1\1";
	uint8_t once[SPACE / 2];
	size_t len;

	expect_refusal(gzip(elf, sizeof(elf), packed), "the gzip data in it is an ELF file");
	len = gzip(kernel, sizeof(kernel), once);
	expect_refusal(zstd(once, len, packed), "the zstd data in it is a gzip file");
	test_header(kernel, 0, IMAGE_SIZE, 0xb);
	expect_refusal(gzip(kernel, sizeof(kernel), packed), "CONFIG_CPU_LITTLE_ENDIAN");
	expect_refusal(gzip("", 0, packed), "the gzip data in it is empty");
	expect_refusal(gzip(kernel, 63, packed), "63 bytes");
}

Test(boot_packed, another_packing_of_zboot_is_named)
{
	expect_refusal(zboot("lz4", gzip, 0), "packed with \"lz4\"; build the kernel with CONFIG_");
	expect_refusal(zboot("\n\033[2J", gzip, 0), "packed with \"??[2J\"");
	expect_refusal(zboot("a name that never ends and goes on", gzip, 0), "\"a name that nev\"");
}

Test(boot_packed, a_zboot_header_that_points_nowhere_is_refused)
{
	size_t len = zboot("gzip", gzip, 0);

	expect_refusal(len - 1, "does not say where its kernel is");
	put32(packed + 8, 0xffffffff);
	expect_refusal(len, "does not say where its kernel is");
	put32(packed + 8, 0);
	expect_refusal(len, "does not say where its kernel is");
	put32(packed + 8, 0x1001);
	put32(packed + 12, 0xffffffff);
	expect_refusal(len, "does not say where its kernel is");
	put32(packed + 12, 0);
	expect_refusal(len, "does not say where its kernel is");
	put32(packed + 8, 0x1000);
	put32(packed + 12, 100);
	expect_refusal(len, "truncated");
	put32(packed + 8, 0x1001);
	expect_refusal(len, "corrupt");
	expect_refusal(20, "does not say where its kernel is");
}

Test(boot_packed, a_zboot_program_packed_otherwise_than_it_says_is_refused)
{
	expect_refusal(zboot("gzip", zstd, 0), "gzip data is corrupt");
	expect_refusal(zboot("zstd22", gzip, 0), "zstd data is corrupt");
}
