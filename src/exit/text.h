/* SPDX-License-Identifier: Apache-2.0 */
/* A line put together piece by piece in the caller's buffer; what does not fit is left out. */
#ifndef ARCVISOR_EXIT_TEXT_H
#define ARCVISOR_EXIT_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "exit/syndrome.h"

struct text {
	char *buf;
	size_t size;
	size_t len; /* without the terminating zero byte; less than size */
};

__attribute__((format(printf, 2, 3))) static inline void text_add(struct text *text,
								  const char *fmt, ...)
{
	size_t room = text->size - text->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text->buf + text->len, room, fmt, args);
	va_end(args);
	if (len > 0)
		text->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* A system register or instruction: its name if it has one, and its encoding. */
static inline void text_add_sysreg(struct text *text, const struct esr_sysreg *reg)
{
	const char *name = sysreg_name(reg);

	text_add(text, name ? "%s (S%u_%u_C%u_C%u_%u)" : "%sS%u_%u_C%u_C%u_%u", name ? name : "",
		 reg->op0, reg->op1, reg->crn, reg->crm, reg->op2);
}

#endif
