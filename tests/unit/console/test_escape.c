/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "console/escape.h"

#define A ESCAPE_KEY

static struct escape escape;

static void expect_after_key(uint8_t byte, enum escape_action action)
{
	cr_expect_eq(escape_next(&escape, A), ESCAPE_HOLD);
	cr_expect_eq(escape_next(&escape, byte), action, "Ctrl-A %c", byte);
	cr_expect_eq(escape_next(&escape, byte == A ? 'x' : byte), ESCAPE_PASS,
		     "the byte after an escape is the guest's");
}

Test(escape, every_other_byte_passes)
{
	for (unsigned int byte = 0; byte < 256; byte++)
		if (byte != A)
			cr_expect_eq(escape_next(&escape, (uint8_t)byte), ESCAPE_PASS);
}

Test(escape, x_quits)
{
	expect_after_key('x', ESCAPE_QUIT);
	expect_after_key('X', ESCAPE_QUIT);
}

Test(escape, h_and_question_mark_help)
{
	expect_after_key('h', ESCAPE_HELP);
	expect_after_key('H', ESCAPE_HELP);
	expect_after_key('?', ESCAPE_HELP);
}

Test(escape, the_key_twice_passes_one)
{
	expect_after_key(A, ESCAPE_PASS);
}

Test(escape, what_means_nothing_is_dropped)
{
	expect_after_key('q', ESCAPE_DROP);
	expect_after_key('\r', ESCAPE_DROP);
	expect_after_key(0, ESCAPE_DROP);
}
