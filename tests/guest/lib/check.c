/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdarg.h>

#include "cpu.h"
#include "mmio.h"
#include "pl011.h"
#include "psci.h"

static unsigned int passed, failed;

void put_char(char c)
{
	while (mmio_read32(UARTFR) & UARTFR_TXFF)
		;
	mmio_write32(UARTDR, (unsigned char)c);
}

static void put_string(const char *s)
{
	while (*s)
		put_char(*s++);
}

static void put_number(uint64_t value, unsigned int base)
{
	char digits[20];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (n)
		put_char(digits[--n]);
}

static void put_signed(int64_t value)
{
	if (value < 0)
		put_char('-');
	put_number(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static void vprint(const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%') {
			put_char(*format);
			continue;
		}

		bool is_long = *++format == 'l';

		if (is_long)
			format++;
		switch (*format) {
		case 's':
			put_string(va_arg(args, const char *));
			break;
		case 'c':
			put_char((char)va_arg(args, int));
			break;
		case 'd':
			put_signed(is_long ? va_arg(args, long) : va_arg(args, int));
			break;
		case 'u':
			put_number(is_long ? va_arg(args, unsigned long)
					   : va_arg(args, unsigned int),
				   10);
			break;
		case 'x':
			put_number(is_long ? va_arg(args, unsigned long)
					   : va_arg(args, unsigned int),
				   16);
			break;
		default:
			put_string("%?");
			return;
		}
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint(format, args);
	va_end(args);
}

void note(const char *format, ...)
{
	va_list args;

	put_string("# ");
	va_start(args, format);
	vprint(format, args);
	va_end(args);
	put_char('\n');
}

static void verdict(bool pass, const char *name, va_list args)
{
	if (pass)
		passed++;
	else
		failed++;
	put_string(pass ? "ok " : "not ok ");
	vprint(name, args);
}

bool check(bool pass, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	verdict(pass, name, args);
	va_end(args);
	put_char('\n');
	return pass;
}

bool check_eq(uint64_t got, uint64_t want, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	verdict(got == want, name, args);
	va_end(args);
	if (got != want)
		print(": got 0x%lx want 0x%lx", got, want);
	put_char('\n');
	return got == want;
}

void skip(const char *name, const char *why)
{
	print("skip %s: %s\n", name, why);
}

_Noreturn void power_off(void)
{
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

_Noreturn void done(void)
{
	print("done %u ok %u failed\n", passed, failed);
	power_off();
}

_Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict(false, format, args);
	va_end(args);
	put_char('\n');
	done();
}
