/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/ctl: options whose value is words with commas between them. */
#ifndef ARCVISOR_CTL_WORD_H
#define ARCVISOR_CTL_WORD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Cuts the first word off *@rest, up to a single comma; a doubled one is a comma of the word. What
 * needs no change is not written. *@rest is NULL behind the last one.
 */
char *word_next(char **rest);

/* Digits alone, 1 to @most; *@out is written where they are digits. */
bool word_number(const char *text, uint64_t most, uint64_t *out);

/* "on" or "off"; false where it is neither. */
bool word_switch(const char *text, bool *on);

/* As size_parse(), but bytes where there is no suffix; not 0. */
bool word_bytes(const char *text, uint64_t *out);

#endif
