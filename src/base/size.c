/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define SHIFT_MIB 20

/* How far the suffix shifts, or -EINVAL. */
static int suffix_shift(const char *suffix)
{
	static const char letters[] = "KkMmGgTt";
	const char *letter;

	if (!*suffix)
		return SHIFT_MIB;
	letter = strchr(letters, *suffix);
	if (!letter || (suffix[1] && strcasecmp(suffix + 1, "iB") != 0))
		return -EINVAL;
	return 10 * (1 + (int)(letter - letters) / 2);
}

int size_parse(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	int shift = suffix_shift(text + digits);
	uint64_t val = 0;

	if (!digits || shift < 0)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (__builtin_mul_overflow(val, 10, &val) ||
		    __builtin_add_overflow(val, digit, &val))
			return -ERANGE;
	}
	if (__builtin_mul_overflow(val, BIT64(shift), &val))
		return -ERANGE;
	*bytes = val;
	return 0;
}
