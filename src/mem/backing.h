/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/mem: how a region's memory is had from the host. */
#ifndef ARCVISOR_SRC_MEM_BACKING_H
#define ARCVISOR_SRC_MEM_BACKING_H

#include "mem/gmem.h"

/* The most that an address is rounded up by: the largest huge page of arm64 (64 KiB granules). */
#define BACKING_MAX_ALIGN ((uint64_t)16 << 30)

/* Bytes of a page of such memory. */
uint64_t backing_page(const struct gmem_backing *backing);

/*
 * Maps memory for @region, whose base, size and page are set: fills the rest. 0, or -errno and
 * nothing is left.
 */
int backing_map(const struct gmem_backing *backing, struct gmem_region *region);

/* Takes the pages at offset @from; both numbers are whole pages. Changes no byte. 0 or -errno. */
int backing_populate(const struct gmem_region *region, uint64_t from, uint64_t len);

#endif
