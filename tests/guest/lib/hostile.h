/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For guests that do their worst, in rounds. After each the guest is quiet until the test has
 * looked at the VMM and lets it go on. The numbers repeat: the seed is fixed, and printed.
 */
#ifndef GUEST_HOSTILE_H
#define GUEST_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

/* Prints the seed. */
void hostile_begin(void);

/* 64 random bits; each CPU has its own sequence. */
uint64_t hostile_random(void);

/* Below `limit`, which is not 0. */
uint64_t hostile_below(uint64_t limit);

/* A value that somebody may mishandle: a small or huge number, an address, an edge, random bits. */
uint64_t hostile_value(void);

/* Makes the PL011 usable again, prints `round`, waits for a letter: false when it is 'q'. */
bool hostile_round(void);

#endif
