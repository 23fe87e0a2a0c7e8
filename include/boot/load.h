/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts kernel, initrd and device tree into guest memory, as the arm64 boot protocol asks:
 *
 *   RAM base (2 MiB aligned) + text_offset   kernel, image_size bytes
 *   next 2 MiB boundary                      device tree, a 2 MiB slot
 *   next 2 MiB boundary                      initrd
 *
 * so that kernel and initrd share a window of 1 GiB-aligned memory of at most 32 GiB, and the
 * device tree shares no 2 MiB block with either.
 */
#ifndef ARCVISOR_BOOT_LOAD_H
#define ARCVISOR_BOOT_LOAD_H

#include <stdint.h>

#include "boot/image.h"
#include "mem/gmem.h"

#define BOOT_CMDLINE_MAX 2047u /* COMMAND_LINE_SIZE of arm64 Linux less its zero byte */

/* Files opened and checked before anything is created. */
struct boot_files {
	const char *kernel_path;
	int kernel_fd;
	uint64_t kernel_size;	      /* bytes in the file */
	struct image_info kernel;     /* the arm64 Image, unpacked */
	struct image_payload payload; /* where the file has it */
	const char *initrd_path;      /* NULL: none */
	int initrd_fd;		      /* -1: none */
	uint64_t initrd_size;
};

/* Where things are in guest memory. */
struct boot_map {
	gpa_t kernel_base; /* first byte of the image, and entry point */
	gpa_t dtb_base;
	gpa_t initrd_base;    /* means nothing without an initrd */
	uint64_t initrd_size; /* 0: none */
	gpa_t end;	      /* first byte above all of it */
};

/*
 * Opens and classifies the files. -errno with one line in the log that names file, reason and
 * remedy, and nothing left open: what open(2) said, -EISDIR, -EINVAL (not a regular file, an
 * empty initrd), -ENOEXEC (no arm64 Image, none packed with gzip, zstd or as EFI zboot, or a
 * damaged one), -ENOMEM. Of a packed kernel only the start is unpacked here, unless its header
 * lacks image_size. @initrd may be NULL.
 *
 * boot_files_close() may be called again, and after a boot_files_open() that failed.
 */
int boot_files_open(struct boot_files *files, const char *kernel, const char *initrd);
void boot_files_close(struct boot_files *files);

/*
 * Plans the map for RAM at [@ram_base, @ram_base + @ram_size), as one region or several that
 * touch. -ENOSPC with a line in the log that says which part does not fit and how much memory
 * would do; *@map is then as it was.
 */
int boot_plan(const struct boot_files *files, gpa_t ram_base, uint64_t ram_size,
	      struct boot_map *map);

/*
 * Reads kernel and initrd into guest memory, without a copy in between; a packed kernel is unpacked
 * into it. May be repeated. -errno with a line in the log: what preadv(2) said, -EFAULT (the map is
 * not all RAM), -EIO (a file is shorter than when it was opened), -ENOEXEC (a packed kernel is
 * damaged, or larger than the image_size in its header), -ENOMEM.
 */
int boot_load(const struct boot_files *files, const struct boot_map *map, const struct gmem *mem);

#endif
