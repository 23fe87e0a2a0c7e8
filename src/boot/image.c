/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel image formats by their magic numbers, and the arm64 Image header. */
#include "boot/image.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

/* The header, booting.rst "3. Call the kernel image"; all fields are little endian. */
#define HEADER_TEXT_OFFSET 8
#define HEADER_IMAGE_SIZE  16
#define HEADER_FLAGS	   24
#define HEADER_PE_OFFSET   60

/* An EFI zboot program's, zboot-header.S: 32-bit little-endian offset and size, then a string. */
#define ZBOOT_OFFSET 8
#define ZBOOT_SIZE   12
#define ZBOOT_NAME   24

#define FLAG_BIG_ENDIAN	     1u
#define FLAG_PAGE_SIZE_SHIFT 1
#define FLAG_PAGE_SIZE_MASK  3u

/* What an Image without image_size gets, booting.rst: "may be assumed" and "as much as possible".
 */
#define OLD_TEXT_OFFSET 0x80000u
#define OLD_BSS_SIZE	(16 * MIB)

/* Microsoft PE format, "COFF File Header" after the signature, and "Section Table". */
#define PE_HEADER_SIZE	     24u
#define PE_NR_SECTIONS	     6
#define PE_OPTIONAL_SIZE     20
#define PE_SECTION_SIZE	     40u
#define PE_SECTION_RAW_SIZE  16
#define PE_SECTION_RAW_START 20

struct magic {
	enum image_kind kind;
	unsigned int offset;
	size_t len;
	const char *bytes;
};

#define MAGIC(kind, offset, bytes)                     \
	{                                              \
		kind, offset, sizeof(bytes) - 1, bytes \
	}

/*
 * The first that matches counts. Magics inside a header come before those at a file's start:
 * there the kernels among these may have an instruction, or "MZ" for their EFI stub.
 */
static const struct magic magics[] = {
	MAGIC(IMAGE_ARM64, 56, "ARM\x64"),
	MAGIC(IMAGE_RISCV, 56, "RSC\x05"),
	MAGIC(IMAGE_RISCV, 48, "RISCV\0\0\0"),
	MAGIC(IMAGE_X86, 0x202, "HdrS"),
	MAGIC(IMAGE_ARM32, 0x24, "\x18\x28\x6f\x01"),
	MAGIC(IMAGE_EFI_ZBOOT, 0, "MZ\0\0zimg"),
	MAGIC(IMAGE_EFI, 0, "MZ"),
	MAGIC(IMAGE_ELF, 0, "\177ELF"),
	MAGIC(IMAGE_GZIP, 0, "\x1f\x8b"),
	MAGIC(IMAGE_ZSTD, 0, "\x28\xb5\x2f\xfd"),
	MAGIC(IMAGE_XZ, 0, "\xfd\x37zXZ\0"),
	MAGIC(IMAGE_LZ4, 0, "\x02\x21\x4c\x18"), /* legacy frame, as the kernel build makes it */
	MAGIC(IMAGE_LZ4, 0, "\x04\x22\x4d\x18"),
	MAGIC(IMAGE_BZIP2, 0, "BZh"),
	MAGIC(IMAGE_UIMAGE, 0, "\x27\x05\x19\x56"),
	MAGIC(IMAGE_FIT, 0, "\xd0\x0d\xfe\xed"),
};

#define BOOT_IMAGE "boot the arm64 Image that the kernel build puts in arch/arm64/boot/Image"
#define REPACK	   "boot the arm64 Image in it, as it is or packed with gzip or zstd"

static const struct {
	const char *name;
	const char *remedy;
} kinds[] = {
	[IMAGE_ARM64] = { "an arm64 Image", "copy or build it anew" },
	[IMAGE_ARM64_BE] = { "an arm64 Image of a big-endian kernel",
			     "build the kernel with CONFIG_CPU_LITTLE_ENDIAN" },
	[IMAGE_ARM32] = { "a 32-bit Arm zImage", BOOT_IMAGE },
	[IMAGE_X86] = { "an x86 bzImage", BOOT_IMAGE },
	[IMAGE_RISCV] = { "a RISC-V Image", BOOT_IMAGE },
	[IMAGE_ELF] = { "an ELF file", BOOT_IMAGE },
	[IMAGE_GZIP] = { "a gzip file", REPACK },
	[IMAGE_ZSTD] = { "a zstd file", REPACK },
	[IMAGE_XZ] = { "an xz file", "unpack it with unxz and " REPACK },
	[IMAGE_LZ4] = { "an lz4 file", "unpack it with unlz4 and " REPACK },
	[IMAGE_BZIP2] = { "a bzip2 file", "unpack it with bunzip2 and " REPACK },
	[IMAGE_EFI_ZBOOT] = { "an EFI zboot program",
			      "build the kernel with CONFIG_KERNEL_GZIP or CONFIG_KERNEL_ZSTD, or "
			      "boot the Image that it is made of" },
	[IMAGE_EFI] = { "an EFI or PE program", BOOT_IMAGE },
	[IMAGE_UIMAGE] = { "a U-Boot uImage", BOOT_IMAGE },
	[IMAGE_FIT] = { "a device tree blob or U-Boot FIT", BOOT_IMAGE },
	[IMAGE_EMPTY] = { "empty", BOOT_IMAGE },
	[IMAGE_UNKNOWN] = { "of no known kernel format", BOOT_IMAGE },
};

static uint16_t get_le16(const uint8_t *from)
{
	uint16_t val;

	memcpy(&val, from, sizeof(val));
	return le16toh(val);
}

static uint32_t get_le32(const uint8_t *from)
{
	uint32_t val;

	memcpy(&val, from, sizeof(val));
	return le32toh(val);
}

static uint64_t get_le64(const uint8_t *from)
{
	uint64_t val;

	memcpy(&val, from, sizeof(val));
	return le64toh(val);
}

static enum image_kind classify(const uint8_t *head, size_t len)
{
	size_t i;

	if (!len)
		return IMAGE_EMPTY;
	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (range_within(m->offset, m->len, 0, len) &&
		    !memcmp(head + m->offset, m->bytes, m->len))
			return m->kind;
	}
	return IMAGE_UNKNOWN;
}

/* How long the file must be for the sections whose headers lie in @head. */
static uint64_t sections_end(const uint8_t *head, size_t len, uint64_t table, unsigned int count)
{
	uint64_t last = 0;

	for (; count && range_within(table, PE_SECTION_SIZE, 0, len); count--) {
		uint64_t end = (uint64_t)get_le32(head + table + PE_SECTION_RAW_START) +
			       get_le32(head + table + PE_SECTION_RAW_SIZE);

		if (end > last)
			last = end;
		table += PE_SECTION_SIZE;
	}
	return last;
}

/*
 * How long the file must be by its PE header, which every Image with an EFI stub has; 0 without
 * one. The header and the section table themselves count too, for files cut before their end.
 */
static uint64_t pe_end(const uint8_t *head, size_t len)
{
	uint64_t pe = get_le32(head + HEADER_PE_OFFSET);
	uint64_t table, table_end, last;
	unsigned int count;

	if (memcmp(head, "MZ", 2) || !pe)
		return 0;
	if (!range_within(pe, PE_HEADER_SIZE, 0, len))
		return pe + PE_HEADER_SIZE;
	if (memcmp(head + pe, "PE\0\0", 4))
		return 0;
	count = get_le16(head + pe + PE_NR_SECTIONS);
	table = pe + PE_HEADER_SIZE + get_le16(head + pe + PE_OPTIONAL_SIZE);
	table_end = table + count * PE_SECTION_SIZE;
	last = sections_end(head, len, table, count);
	return last > table_end ? last : table_end;
}

static void read_header(const uint8_t *head, size_t len, uint64_t file_size,
			struct image_info *info)
{
	static const uint8_t page_kib[] = { 0, 4, 16, 64 };

	info->text_offset = get_le64(head + HEADER_TEXT_OFFSET);
	info->image_size = get_le64(head + HEADER_IMAGE_SIZE);
	info->flags = get_le64(head + HEADER_FLAGS);
	info->page_kib = page_kib[(info->flags >> FLAG_PAGE_SIZE_SHIFT) & FLAG_PAGE_SIZE_MASK];
	info->file_end = pe_end(head, len);
	if (info->flags & FLAG_BIG_ENDIAN)
		info->kind = IMAGE_ARM64_BE;
	info->has_size = info->image_size;
	if (!info->has_size) {
		info->text_offset = OLD_TEXT_OFFSET;
		if (__builtin_add_overflow(file_size, OLD_BSS_SIZE, &info->image_size))
			info->image_size = UINT64_MAX;
	}
}

void image_probe(const uint8_t *head, size_t len, uint64_t file_size, struct image_info *info)
{
	if (len > IMAGE_PROBE_SIZE)
		len = IMAGE_PROBE_SIZE;
	*info = (struct image_info){ .kind = classify(head, len) };
	if (info->kind != IMAGE_ARM64)
		return;
	if (len < IMAGE_HEADER_SIZE)
		info->kind = IMAGE_UNKNOWN;
	else
		read_header(head, len, file_size, info);
}

/* zboot-header.S: the payload without the length that follows it where the packing has none. */
static void zboot_payload(const uint8_t *head, struct image_payload *payload)
{
	payload->offset = get_le32(head + ZBOOT_OFFSET);
	payload->size = get_le32(head + ZBOOT_SIZE);
}

static enum image_packing zboot_packing(const char *name)
{
	static const struct {
		const char *name;
		enum image_packing packing;
	} packings[] = {
		{ "gzip", IMAGE_PACKED_GZIP },
		{ "zstd", IMAGE_PACKED_ZSTD },
		{ "zstd22", IMAGE_PACKED_ZSTD }, /* the level is a part of the kernel's name */
	};

	for (size_t i = 0; i < ARRAY_SIZE(packings); i++)
		if (!strcmp(name, packings[i].name))
			return packings[i].packing;
	return IMAGE_PLAIN;
}

void image_zboot_packing(const uint8_t *head, size_t len, char name[static IMAGE_ZBOOT_NAME_SIZE])
{
	size_t have = len > ZBOOT_NAME ? len - ZBOOT_NAME : 0;

	memset(name, 0, IMAGE_ZBOOT_NAME_SIZE);
	memcpy(name, head + len - have,
	       have < IMAGE_ZBOOT_NAME_SIZE ? have : IMAGE_ZBOOT_NAME_SIZE - 1);
}

static int find_zboot(const uint8_t *head, size_t len, uint64_t file_size,
		      struct image_payload *payload)
{
	struct image_payload found;
	char name[IMAGE_ZBOOT_NAME_SIZE];

	if (len < IMAGE_HEADER_SIZE)
		return -EINVAL;
	image_zboot_packing(head, len, name);
	found.packing = zboot_packing(name);
	if (found.packing == IMAGE_PLAIN)
		return -ENOTSUP;
	zboot_payload(head, &found);
	if (found.offset < IMAGE_HEADER_SIZE || !found.size ||
	    !range_within(found.offset, found.size, 0, file_size))
		return -EINVAL;
	*payload = found;
	return 0;
}

int image_payload(const uint8_t *head, size_t len, uint64_t file_size, enum image_kind kind,
		  struct image_payload *payload)
{
	*payload = (struct image_payload){ 0 };
	if (kind == IMAGE_EFI_ZBOOT)
		return find_zboot(head, len, file_size, payload);
	if (kind == IMAGE_GZIP)
		payload->packing = IMAGE_PACKED_GZIP;
	if (kind == IMAGE_ZSTD)
		payload->packing = IMAGE_PACKED_ZSTD;
	payload->size = file_size;
	return 0;
}

const char *image_packing_name(enum image_packing packing)
{
	static const char *const names[] = {
		[IMAGE_PLAIN] = "plain",
		[IMAGE_PACKED_GZIP] = "gzip",
		[IMAGE_PACKED_ZSTD] = "zstd",
	};

	assert((size_t)packing < ARRAY_SIZE(names));
	return names[packing];
}

const char *image_defect(const struct image_info *info, uint64_t file_size)
{
	if (info->file_end > file_size)
		return "it is truncated";
	if (info->text_offset >= IMAGE_ALIGN || info->text_offset % IMAGE_ENTRY_ALIGN)
		return "its header has an impossible text_offset";
	if (info->image_size > IMAGE_WINDOW_SIZE)
		return "its header has an impossible image_size";
	if (info->image_size < file_size)
		return "it is longer than the image_size in its header";
	return NULL;
}

const char *image_kind_name(enum image_kind kind)
{
	assert((size_t)kind < ARRAY_SIZE(kinds));
	return kinds[kind].name;
}

const char *image_kind_remedy(enum image_kind kind)
{
	assert((size_t)kind < ARRAY_SIZE(kinds));
	return kinds[kind].remedy;
}
