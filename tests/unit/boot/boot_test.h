/* SPDX-License-Identifier: Apache-2.0 */
/* What the boot tests share: kernel images, files in a temporary folder, the log's lines. */
#ifndef ARCVISOR_TESTS_BOOT_TEST_H
#define ARCVISOR_TESTS_BOOT_TEST_H

#include <stddef.h>
#include <stdint.h>

#define TEST_KERNEL_SIZE 0x3000u /* bytes in the file that test_kernel() makes */

/* An arm64 Image header without EFI stub, in the first 64 bytes of @head. */
void test_header(uint8_t *head, uint64_t text_offset, uint64_t image_size, uint64_t flags);

/*
 * A PE header at @pe with two sections, .text [0x1000, @data) and .data [@data, @data_end): what
 * an EFI stub adds to an Image. 0x108 bytes.
 */
void test_pe_header(uint8_t *head, uint32_t pe, uint32_t data, uint32_t data_end);

/* A whole kernel with EFI stub, TEST_KERNEL_SIZE bytes, every one behind its headers not zero. */
void test_kernel(uint8_t kernel[static TEST_KERNEL_SIZE]);

/* A folder for a test's files; test_dir_fini() removes it with them. */
void test_dir_init(void);
void test_dir_fini(void);

/* A path in that folder. The string lasts as long as the folder. */
const char *test_path(const char *name);

/* Writes a file of @len bytes, then makes it @size bytes long, sparse; returns its path. */
const char *test_file(const char *name, const void *bytes, size_t len, uint64_t size);

/* From here on standard error is kept; test_log() gives what was written and forgets it. */
void test_log_keep(void);
const char *test_log(void);

#endif
