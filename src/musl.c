/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Debian's static libraries want of the C library they were built for, in a program that has
 * another: they are compiled against glibc with _FORTIFY_SOURCE, and their atomics call helpers of
 * the compiler, which choose by what glibc's start-up found out. Linked into the program alone;
 * tests have glibc.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int __snprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, ...);
int __vsnprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, va_list args);
long long __isoc23_strtoll(const char *text, char **end, int base);
uint64_t __aarch64_ldadd8_acq(uint64_t val, uint64_t *at);
uint64_t __aarch64_ldadd8_rel(uint64_t val, uint64_t *at);
uint8_t __aarch64_swp1_relax(uint8_t val, uint8_t *at);

/* @size is how large @buf is, where the compiler knows. */
int __vsnprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, va_list args)
{
	(void)flag;
	if (len > size)
		abort();
	return vsnprintf(buf, len, fmt, args);
}

int __snprintf_chk(char *buf, size_t len, int flag, size_t size, const char *fmt, ...)
{
	va_list args;
	int ret;

	va_start(args, fmt);
	ret = __vsnprintf_chk(buf, len, flag, size, fmt, args);
	va_end(args);
	return ret;
}

/* As strtoll(), but that C23 has binary numbers under base 0 and 2: nobody here asks for those. */
long long __isoc23_strtoll(const char *text, char **end, int base)
{
	return strtoll(text, end, base);
}

uint64_t __aarch64_ldadd8_acq(uint64_t val, uint64_t *at)
{
	return __atomic_fetch_add(at, val, __ATOMIC_ACQUIRE);
}

uint64_t __aarch64_ldadd8_rel(uint64_t val, uint64_t *at)
{
	return __atomic_fetch_add(at, val, __ATOMIC_RELEASE);
}

uint8_t __aarch64_swp1_relax(uint8_t val, uint8_t *at)
{
	return __atomic_exchange_n(at, val, __ATOMIC_RELAXED);
}
