/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test says, on the PL011. One line a check: `ok NAME` or `not ok NAME: got 0x.. want 0x..`.
 * Lines that begin with `# ` inform only; `skip NAME: why` is counted nowhere.
 * The format knows %s %c %u %d %x, with l for 64 bits, and nothing else. One CPU may print at a
 * time.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

void put_char(char c);
void print(const char *format, ...) PRINTF_LIKE(1, 2);
void note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Each returns whether it passed. */
bool check(bool pass, const char *name, ...) PRINTF_LIKE(2, 3);
bool check_eq(uint64_t got, uint64_t want, const char *name, ...) PRINTF_LIKE(3, 4);

void skip(const char *name, const char *why);

/* Prints `done N ok M failed` and powers the machine off. */
_Noreturn void done(void);

/* A failed check after which nothing can go on. */
_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* SYSTEM_OFF without a word. */
_Noreturn void power_off(void);

#endif
