/* SPDX-License-Identifier: Apache-2.0 */
#include "word.h"

#include <string.h>

#include "base/size.h"

bool word_number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t val = 0;

	if (!*text || text[strspn(text, "0123456789")])
		return false;
	for (; *text; text++)
		if (__builtin_mul_overflow(val, 10, &val) ||
		    __builtin_add_overflow(val, (uint64_t)(*text - '0'), &val))
			return false;
	*out = val;
	return val >= 1 && val <= most;
}

bool word_bytes(const char *text, uint64_t *out)
{
	if (word_number(text, UINT64_MAX, out))
		return true;
	if (!*text || !text[strspn(text, "0123456789")])
		return false;
	return size_parse(text, out) == 0 && *out;
}

char *word_next(char **rest)
{
	char *word = *rest, *to = word, *from = word;

	while (*from && (*from != ',' || from[1] == ',')) {
		if (*from == ',')
			from++;
		if (to != from)
			*to = *from;
		to++;
		from++;
	}
	*rest = *from ? from + 1 : NULL;
	if (to != from || *from)
		*to = '\0';
	return word;
}

bool word_switch(const char *text, bool *on)
{
	*on = strcmp(text, "on") == 0;
	return *on || strcmp(text, "off") == 0;
}
