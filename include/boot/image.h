/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel image formats: what a file is, and what the arm64 boot protocol asks for it
 * (Linux Documentation/arch/arm64/booting.rst).
 *
 * Pure: works on the file's first bytes, trusts none of them. Any thread.
 */
#ifndef ARCVISOR_BOOT_IMAGE_H
#define ARCVISOR_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_ALIGN	   0x200000u	  /* text_offset counts from a multiple of this */
#define IMAGE_ENTRY_ALIGN  4u		  /* the first byte is an instruction's */
#define IMAGE_HEADER_SIZE  64u		  /* the arm64 header; a shorter file is none */
#define IMAGE_PROBE_SIZE   0x1000u	  /* how much of a file image_probe() can use */
#define IMAGE_WINDOW_SIZE  0x800000000ull /* kernel and initrd lie within one such window, */
#define IMAGE_WINDOW_ALIGN 0x40000000ull  /* which begins at a multiple of this */

enum image_kind {
	IMAGE_ARM64,	/* arm64 Image: what boots, as it is or packed */
	IMAGE_ARM64_BE, /* arm64 Image of a big-endian kernel */
	IMAGE_ARM32,	/* 32-bit Arm zImage */
	IMAGE_X86,	/* x86 bzImage */
	IMAGE_RISCV,	/* RISC-V Image */
	IMAGE_ELF,	/* ELF, such as vmlinux */
	IMAGE_GZIP,	/* gzip, such as Image.gz */
	IMAGE_ZSTD,
	IMAGE_XZ,
	IMAGE_LZ4,
	IMAGE_BZIP2,
	IMAGE_EFI_ZBOOT, /* EFI zboot: a compressed kernel in an EFI program */
	IMAGE_EFI,	 /* another EFI or PE program */
	IMAGE_UIMAGE,	 /* U-Boot legacy image */
	IMAGE_FIT,	 /* device tree blob or U-Boot FIT */
	IMAGE_EMPTY,
	IMAGE_UNKNOWN,
};

/* All but kind is for the two arm64 kinds, zero in others; none of it is checked yet. */
struct image_info {
	enum image_kind kind;
	uint64_t text_offset;  /* bytes from a 2 MiB boundary to the image's first byte */
	uint64_t image_size;   /* bytes of memory it uses from there, its BSS too */
	bool has_size;	       /* the header says image_size; else it was guessed */
	uint64_t flags;	       /* bit 0 big endian, 2:1 page size, 3 anywhere in memory */
	uint64_t file_end;     /* bytes that the file must have by its PE header; 0 unknown */
	unsigned int page_kib; /* the kernel's page size: 4, 16, 64; 0 unknown */
};

/*
 * Classifies a file by its first @len bytes (at most IMAGE_PROBE_SIZE are looked at) and, for an
 * arm64 Image, reads its header. An Image without image_size (Linux before 3.17) gets
 * text_offset 0x80000 and an image_size of @file_size plus 16 MiB for its BSS.
 *
 * The verdict is sound only where @len is IMAGE_PROBE_SIZE or the whole file.
 */
void image_probe(const uint8_t *head, size_t len, uint64_t file_size, struct image_info *info);

enum image_packing {
	IMAGE_PLAIN,
	IMAGE_PACKED_GZIP,
	IMAGE_PACKED_ZSTD,
};

/* The part of a file that holds the kernel, and how it is packed. */
struct image_payload {
	enum image_packing packing;
	uint64_t offset; /* bytes; the part lies within the file */
	uint64_t size;
};

/*
 * Where a file of @kind that image_probe() found in @head has its kernel: in gzip and zstd files
 * all of it, in an EFI zboot program what its header says (Linux
 * drivers/firmware/efi/libstub/zboot-header.S), in any other kind all of it, plain. 0, or -EINVAL
 * (the header points out of the file), -ENOTSUP (packed in a way that is not served); then @payload
 * is all zero.
 */
int image_payload(const uint8_t *head, size_t len, uint64_t file_size, enum image_kind kind,
		  struct image_payload *payload);

/* The name that an EFI zboot program's header has for its packing, shortened to fit @name. */
#define IMAGE_ZBOOT_NAME_SIZE 16
void image_zboot_packing(const uint8_t *head, size_t len, char name[static IMAGE_ZBOOT_NAME_SIZE]);

/* "gzip", "zstd"; "plain". */
const char *image_packing_name(enum image_packing packing);

/*
 * What is wrong with an arm64 Image of @file_size bytes, or NULL: it is truncated, or its header
 * says what no kernel can. Completes "FILE is damaged: ...".
 */
const char *image_defect(const struct image_info *info, uint64_t file_size);

/* "an x86 bzImage", "a gzip file", ...: completes "FILE is ...". */
const char *image_kind_name(enum image_kind kind);

/* What to do about it, completes a sentence: "boot the arm64 Image that ..."; never NULL. */
const char *image_kind_remedy(enum image_kind kind);

#endif
