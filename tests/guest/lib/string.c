/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a compiler may call by itself. */
#include <stddef.h>

/* Keeps the compiler from recognising a loop as the very function that it stands in. */
#define keep_loop() asm volatile("" : : : "memory")

void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);

void *memset(void *to, int value, size_t n)
{
	unsigned char *p = to;

	while (n--) {
		*p++ = (unsigned char)value;
		keep_loop();
	}
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *p = to;
	const unsigned char *q = from;

	while (n--) {
		*p++ = *q++;
		keep_loop();
	}
	return to;
}
