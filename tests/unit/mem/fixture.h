/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory that the tests share: three regions, of which two touch. */
#ifndef ARCVISOR_TESTS_MEM_FIXTURE_H
#define ARCVISOR_TESTS_MEM_FIXTURE_H

#include "mem/gmem.h"

/*
 *   low [BASE, BASE + 2 pages), mid from there 1 page, a hole of 1 page, high 1 page
 */
#define FIXTURE_BASE ((gpa_t)0x40000000)

extern struct gmem mem;
extern uint64_t page;	     /* the host's page size */
extern gpa_t low, mid, high; /* where the regions begin */
extern gpa_t hole;	     /* where the hole does */

/* An empty map; only @page is set. */
void fixture_empty(void);

/* The map above, each byte a value that is neither 0 nor its neighbour's. */
void fixture_init(void);

void fixture_fini(void);

/* The byte that fixture_init() puts at @gpa. */
uint8_t fixture_byte(gpa_t gpa);

/* Fails the test unless all of guest memory is as fixture_init() left it. */
void fixture_expect_untouched(void);

#endif
