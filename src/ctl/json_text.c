/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#define INDENT 2

struct printer {
	FILE *out;
	int indent;
	int nr_items; /* of an array, so far */
};

/* What a guest named must not reach a terminal as escapes. */
static void print_safely(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void print_scalar(const struct jval *val, FILE *out)
{
	char *text = jval_kind(val) == JVAL_STRING ? NULL : jval_text(val);

	print_safely(text ? text : jval_string(val) ? jval_string(val) : "", out);
	free(text);
}

static void print_member(void *ctx, const char *name, const struct jval *val)
{
	struct printer *printer = ctx;
	enum jval_kind kind = jval_kind(val);
	struct printer inner = { .out = printer->out, .indent = printer->indent + INDENT };

	if (name) {
		fprintf(printer->out, "%*s", printer->indent, "");
		print_safely(name, printer->out);
	} else {
		inner.indent = printer->indent;
		if (printer->nr_items++)
			fputc('\n', printer->out);
	}
	if (kind == JVAL_OBJECT || kind == JVAL_ARRAY) {
		if (name)
			fputc('\n', printer->out);
		jval_walk(val, print_member, &inner);
		return;
	}
	fprintf(printer->out, "%*s", name ? 1 : printer->indent, "");
	print_scalar(val, printer->out);
	fputc('\n', printer->out);
}

static void print_top(void *ctx, const char *name, const struct jval *val)
{
	if (strcmp(name, "ok") != 0 && strcmp(name, "id") != 0)
		print_member(ctx, name, val);
}

void json_text_print(const struct jval *answer, FILE *out)
{
	struct printer printer = { .out = out };

	jval_walk(answer, print_top, &printer);
}
