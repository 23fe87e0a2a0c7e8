/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guest memory is made of in the host: kind and size of its pages, who else may map it, when
 * it is taken, on which NUMA node. Plain data; all zero is what a guest gets that asks for nothing.
 */
#ifndef ARCVISOR_MEM_BACKING_H
#define ARCVISOR_MEM_BACKING_H

#include <stdbool.h>
#include <stdint.h>

enum gmem_huge {
	GMEM_HUGE_WISH, /* transparent huge pages, where the host has them to give */
	GMEM_HUGE_OFF,	/* none */
	GMEM_HUGE_THP,	/* transparent ones, of a host that is set up to give them */
	GMEM_HUGE_POOL, /* of the host's pool (hugetlb), all of them reserved at once */
};

#define GMEM_MAX_NODE 1023u /* no Linux has more nodes */

struct gmem_backing {
	enum gmem_huge huge;
	uint64_t huge_size; /* GMEM_HUGE_POOL: bytes a page, a power of two */
	bool private;	    /* anonymous, this process' alone; else a memfd */
	bool merge;	    /* pages that are the same are kept once (KSM); needs @private */
	bool prealloc;	    /* taken at once, not when they are first touched */
	bool pin;	    /* stays where it is: rings of disks may pin it; needs @prealloc */
	bool bind;	    /* from NUMA node @node alone */
	unsigned int node;
};

/*
 * Asks the host whether @size bytes of such memory can be had, as far as it can tell. Files of
 * /proc and /sys are read below @root, "" for the real ones. 0, or -EINVAL after one line in the
 * log. A host that merges nothing at the moment gets a warning.
 */
int gmem_backing_check(const char *root, const struct gmem_backing *backing, uint64_t size);

#endif
