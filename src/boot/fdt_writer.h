/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/boot/fdt*.c: libfdt's sequential writer with its errors kept, and what those files
 * offer each other.
 */
#ifndef ARCVISOR_BOOT_FDT_WRITER_H
#define ARCVISOR_BOOT_FDT_WRITER_H

#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "boot/caches.h"
#include "boot/fdt.h"

#define NAME_SIZE 48 /* "interrupt-controller@" and 16 digits fit */

/* Keeps the first error, so that callers need not look until the end. */
struct writer {
	void *blob;
	int err; /* -FDT_ERR_* */
};

static inline void begin(struct writer *w, const char *name)
{
	if (!w->err)
		w->err = fdt_begin_node(w->blob, name);
}

static inline void end(struct writer *w)
{
	if (!w->err)
		w->err = fdt_end_node(w->blob);
}

static inline void put_bytes(struct writer *w, const char *name, const void *val, size_t len)
{
	if (!w->err && len > FDT_MAX_SIZE)
		w->err = -FDT_ERR_NOSPACE;
	if (!w->err)
		w->err = fdt_property(w->blob, name, val, (int)len);
}

static inline void put_flag(struct writer *w, const char *name)
{
	put_bytes(w, name, NULL, 0);
}

static inline void put_string(struct writer *w, const char *name, const char *val)
{
	put_bytes(w, name, val, strlen(val) + 1);
}

/* A string list is a literal: "one\0two". */
#define put_strings(w, name, list) put_bytes((w), (name), (list), sizeof(list))

static inline void put_u32(struct writer *w, const char *name, uint32_t val)
{
	if (!w->err)
		w->err = fdt_property_u32(w->blob, name, val);
}

static inline void put_u64(struct writer *w, const char *name, uint64_t val)
{
	if (!w->err)
		w->err = fdt_property_u64(w->blob, name, val);
}

static inline void put_cells(struct writer *w, const char *name, const uint32_t *cells,
			     size_t count)
{
	void *val;
	size_t i;

	if (!w->err)
		w->err = fdt_property_placeholder(w->blob, name, (int)(count * sizeof(*cells)),
						  &val);
	for (i = 0; !w->err && i < count; i++)
		fdt32_st((uint8_t *)val + i * sizeof(*cells), cells[i]);
}

/* Addresses and sizes of two cells each. */
static inline void put_reg(struct writer *w, const uint64_t *reg, size_t count)
{
	void *val;
	size_t i;

	if (!w->err)
		w->err =
			fdt_property_placeholder(w->blob, "reg", (int)(count * sizeof(*reg)), &val);
	for (i = 0; !w->err && i < count; i++)
		fdt64_st((uint8_t *)val + i * sizeof(*reg), reg[i]);
}

static inline void node_name(char name[static NAME_SIZE], const char *prefix, uint64_t address)
{
	snprintf(name, NAME_SIZE, "%s@%" PRIx64, prefix, address);
}

/* Begins a node that has one range of addresses. */
static inline void begin_at(struct writer *w, const char *prefix, gpa_t base, uint64_t size)
{
	char name[NAME_SIZE];

	node_name(name, prefix, base);
	begin(w, name);
	put_reg(w, (const uint64_t[]){ base, size }, 2);
}

/* fdt_cpus.c: the node /cpus; @caches may be NULL. */
void write_cpus(struct writer *w, unsigned int nr_cpus, const struct caches *caches);

#endif
