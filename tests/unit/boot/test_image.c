/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "boot/image.h"
#include "boot_test.h"

static struct image_info probe(const uint8_t *head, size_t len, uint64_t file_size)
{
	/* On the heap and of the very size, so that the sanitizer sees a byte too far. */
	uint8_t *copy = malloc(len ? len : 1);
	struct image_info info;

	cr_assert_not_null(copy);
	memcpy(copy, head, len);
	image_probe(copy, len, file_size, &info);
	free(copy);
	return info;
}

static void expect_kind(size_t offset, const char *magic, size_t len, enum image_kind kind)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };
	size_t end = offset + len;

	memcpy(head + offset, magic, len);
	cr_expect_eq(probe(head, sizeof(head), 1 << 20).kind, kind, "%s", image_kind_name(kind));
	cr_expect_neq(probe(head, end - 1, 1 << 20).kind, kind, "%s, cut", image_kind_name(kind));
	head[end - 1] ^= 1;
	cr_expect_neq(probe(head, sizeof(head), 1 << 20).kind, kind, "%s, wrong",
		      image_kind_name(kind));
}

Test(image, kinds_are_told_by_their_magic)
{
	expect_kind(0x24, "\x18\x28\x6f\x01", 4, IMAGE_ARM32);
	expect_kind(0x202, "HdrS", 4, IMAGE_X86);
	expect_kind(56, "RSC\x05", 4, IMAGE_RISCV);
	expect_kind(48, "RISCV\0\0\0", 8, IMAGE_RISCV);
	expect_kind(0, "\177ELF", 4, IMAGE_ELF);
	expect_kind(0, "\x1f\x8b", 2, IMAGE_GZIP);
	expect_kind(0, "\x28\xb5\x2f\xfd", 4, IMAGE_ZSTD);
	expect_kind(0, "\xfd\x37zXZ\0", 6, IMAGE_XZ);
	expect_kind(0, "\x02\x21\x4c\x18", 4, IMAGE_LZ4);
	expect_kind(0, "\x04\x22\x4d\x18", 4, IMAGE_LZ4);
	expect_kind(0, "BZh", 3, IMAGE_BZIP2);
	expect_kind(0, "MZ\0\0zimg", 8, IMAGE_EFI_ZBOOT);
	expect_kind(0, "MZ", 2, IMAGE_EFI);
	expect_kind(0, "\x27\x05\x19\x56", 4, IMAGE_UIMAGE);
	expect_kind(0, "\xd0\x0d\xfe\xed", 4, IMAGE_FIT);
}

Test(image, no_bytes_are_empty)
{
	cr_assert_eq(probe((const uint8_t *)"", 0, 0).kind, IMAGE_EMPTY);
}

Test(image, zeroes_are_unknown)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };

	cr_assert_eq(probe(head, sizeof(head), 1 << 20).kind, IMAGE_UNKNOWN);
}

Test(image, an_efi_stub_does_not_hide_the_kernel)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };

	memcpy(head, "MZ", 2);
	memcpy(head + 0x202, "HdrS", 4);
	cr_expect_eq(probe(head, sizeof(head), 1 << 20).kind, IMAGE_X86);
	memcpy(head + 56, "ARM\x64", 4);
	cr_expect_eq(probe(head, sizeof(head), 1 << 20).kind, IMAGE_ARM64);
}

Test(image, the_first_instruction_of_an_arm64_image_may_look_like_gzip)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };

	test_header(head, 0, 1 << 20, 0xa);
	memcpy(head, "\x1f\x8b\x08\x14", 4); /* b .+0x222c7c */
	cr_assert_eq(probe(head, sizeof(head), 1 << 20).kind, IMAGE_ARM64);
}

Test(image, the_header_is_read)
{
	/* What the kernel of Debian 13 has, linux-image-6.12.107+deb13-cloud-arm64. */
	const uint64_t file_size = 30889920;
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };
	struct image_info info;

	test_header(head, 0, 0x1e70000, 0xa);
	test_pe_header(head, 0x40, 0x1970000, 0x1d75200);
	info = probe(head, sizeof(head), file_size);
	cr_expect_eq(info.kind, IMAGE_ARM64);
	cr_expect_eq(info.text_offset, 0);
	cr_expect_eq(info.image_size, 0x1e70000);
	cr_expect_eq(info.flags, 0xa);
	cr_expect_eq(info.file_end, 0x1d75200);
	cr_expect_eq(info.page_kib, 4);
	cr_expect_null(image_defect(&info, file_size));
}

Test(image, page_sizes_are_those_of_the_flags)
{
	static const unsigned int kib[] = { 0, 4, 16, 64 };
	uint8_t head[64];
	uint64_t i;

	for (i = 0; i < 4; i++) {
		test_header(head, 0, 1 << 20, 8 | i << 1);
		cr_expect_eq(probe(head, sizeof(head), 4096).page_kib, kib[i]);
	}
}

Test(image, a_big_endian_kernel_is_another_kind)
{
	uint8_t head[64];

	test_header(head, 0, 1 << 20, 0xb);
	cr_assert_eq(probe(head, sizeof(head), 4096).kind, IMAGE_ARM64_BE);
}

Test(image, without_image_size_the_old_protocol_holds)
{
	uint8_t head[64];
	struct image_info info;

	test_header(head, 0x1234000, 0, 0);
	info = probe(head, sizeof(head), 5000000);
	cr_expect_eq(info.text_offset, 0x80000);
	cr_expect_eq(info.image_size, 5000000 + (16u << 20));
	cr_expect_null(image_defect(&info, 5000000));

	info = probe(head, sizeof(head), UINT64_MAX);
	cr_expect_eq(info.image_size, UINT64_MAX);
	cr_expect_not_null(image_defect(&info, UINT64_MAX));
}

static const char *defect(uint64_t text_offset, uint64_t image_size, uint64_t file_size)
{
	uint8_t head[64];
	struct image_info info;

	test_header(head, text_offset, image_size, 0xa);
	info = probe(head, sizeof(head), file_size);
	return image_defect(&info, file_size);
}

Test(image, text_offset_is_below_2_mib_and_an_instruction_s)
{
	cr_expect_null(defect(0, 1 << 20, 4096));
	cr_expect_null(defect(0x80000, 1 << 20, 4096));
	cr_expect_null(defect(0x1ffffc, 1 << 20, 4096));
	cr_expect_not_null(defect(0x200000, 1 << 20, 4096));
	cr_expect_not_null(defect(UINT64_MAX, 1 << 20, 4096));
	cr_expect_not_null(defect(UINT64_MAX - 3, 1 << 20, 4096));
	cr_expect_not_null(defect(2, 1 << 20, 4096));
}

Test(image, image_size_holds_the_file_and_lies_within_the_window)
{
	cr_expect_null(defect(0, 4096, 4096));
	cr_expect_not_null(defect(0, 4095, 4096));
	cr_expect_not_null(defect(0, 1, 4096));
	cr_expect_null(defect(0, 32ull << 30, 4096));
	cr_expect_not_null(defect(0, (32ull << 30) + 1, 4096));
	cr_expect_not_null(defect(0, UINT64_MAX, 4096));
}

Test(image, a_file_cut_anywhere_is_truncated)
{
	uint8_t kernel[TEST_KERNEL_SIZE];
	struct image_info info;
	size_t len;

	test_kernel(kernel);
	for (len = 0; len < sizeof(kernel); len++) {
		info = probe(kernel, len < IMAGE_PROBE_SIZE ? len : IMAGE_PROBE_SIZE, len);
		cr_expect(info.kind != IMAGE_ARM64 || image_defect(&info, len), "%zu", len);
	}
	info = probe(kernel, IMAGE_PROBE_SIZE, sizeof(kernel));
	cr_expect_eq(info.kind, IMAGE_ARM64);
	cr_expect_null(image_defect(&info, sizeof(kernel)));
}

Test(image, sections_may_come_in_any_order)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };
	uint8_t text[40];
	struct image_info info;

	test_header(head, 0, 1 << 20, 0xa);
	test_pe_header(head, 0x40, 0x2000, 0x9000);
	memcpy(text, head + 0xf8, sizeof(text));
	memcpy(head + 0xf8, head + 0x120, sizeof(text));
	memcpy(head + 0x120, text, sizeof(text));
	info = probe(head, sizeof(head), 0x9000);
	cr_assert_eq(info.file_end, 0x9000);
}

Test(image, without_efi_stub_nothing_is_known_of_the_file_s_end)
{
	uint8_t head[IMAGE_PROBE_SIZE] = { 0 };

	test_header(head, 0, 1 << 20, 0xa);
	cr_expect_eq(probe(head, sizeof(head), 4096).file_end, 0);
	test_pe_header(head, 0x40, 0x2000, 0x9000);
	head[0x40] = 'N';
	cr_expect_eq(probe(head, sizeof(head), 4096).file_end, 0);
	head[0x40] = 'P';
	head[0] = 'N';
	cr_expect_eq(probe(head, sizeof(head), 4096).file_end, 0);
}

Test(image, bytes_beyond_the_probe_size_are_not_looked_at)
{
	uint8_t head[2 * IMAGE_PROBE_SIZE] = { 0 };

	test_header(head, 0, 1 << 20, 0xa);
	test_pe_header(head, IMAGE_PROBE_SIZE, 0x2000, 0x9000);
	cr_expect_eq(probe(head, sizeof(head), 0x9000).file_end, IMAGE_PROBE_SIZE + 24);
}

Test(image, a_hostile_pe_header_is_not_followed_out_of_the_head)
{
	uint8_t head[IMAGE_PROBE_SIZE];
	uint32_t state = 1;
	unsigned int round;
	size_t i;

	for (round = 0; round < 2000; round++) {
		for (i = 0; i < sizeof(head); i++) {
			state = state * 1664525 + 1013904223;
			head[i] = (uint8_t)(state >> 24);
		}
		memcpy(head, "MZ", 2);
		memcpy(head + 56, "ARM\x64", 4);
		head[62] = head[63] = 0;
		head[61] &= 0xf;
		i = (size_t)(head[60] | head[61] << 8);
		if (i >= 64 && i + 4 <= sizeof(head))
			memcpy(head + i, "PE\0", 4);
		probe(head, 64 + state % (IMAGE_PROBE_SIZE - 63), state);
	}
	memset(head + 60, 0xff, 4);
	cr_assert_eq(probe(head, sizeof(head), 4096).file_end, 0xffffffffull + 24);
}

Test(image, every_kind_has_a_name_and_a_remedy)
{
	enum image_kind kind;

	for (kind = IMAGE_ARM64; kind <= IMAGE_UNKNOWN; kind++) {
		cr_expect_not_null(image_kind_name(kind));
		cr_expect_not_null(image_kind_remedy(kind));
	}
	cr_expect_str_eq(image_kind_name(IMAGE_X86), "an x86 bzImage");
	cr_expect(strstr(image_kind_remedy(IMAGE_ELF), "arch/arm64/boot/Image"));
	cr_expect(strstr(image_kind_remedy(IMAGE_XZ), "unxz"));
}
