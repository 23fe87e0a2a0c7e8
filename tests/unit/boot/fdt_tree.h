/* SPDX-License-Identifier: Apache-2.0 */
/* A device tree, built of a machine that each test changes, and what can be expected of it. */
#ifndef ARCVISOR_TESTS_FDT_TREE_H
#define ARCVISOR_TESTS_FDT_TREE_H

#include <criterion/criterion.h>
#include <libfdt.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "boot/fdt.h"
#include "mem/gmem.h"

/* The machine: two CPUs, 512 MiB, a GICv3 and all devices that are always there. */
extern struct gmem mem;
extern struct fdt_config config;
extern uint8_t seed[FDT_SEED_SIZE];

/* Its tree, of FDT_MAX_SIZE bytes; @used of them by the last build(). */
extern void *blob;
extern size_t used;

/* Before and after each test of a suite. */
void tree_setup(void);
void tree_teardown(void);

void build(void);
int node(const char *path);
uint32_t u32_of(const char *path, const char *name);
void expect_no_node(const char *path);
void expect_absent(const char *path, const char *name);
void expect_bytes(const char *path, const char *name, const void *val, size_t len);
void expect_cells(const char *path, const char *name, const uint32_t *cells, size_t count);
void expect_dtc_is_content(void);

#define expect_strings(path, name, list) expect_bytes((path), (name), (list), sizeof(list))
#define expect_flag(path, name)		 expect_bytes((path), (name), NULL, 0)

#define CELLS(...) (const uint32_t[]){ __VA_ARGS__ }, ARRAY_SIZE(((uint32_t[]){ __VA_ARGS__ }))

#define expect_u32(path, name, val) expect_cells((path), (name), CELLS(val))

#endif
