/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-A and the key after it. */
#include "console/escape.h"

#include <criterion/criterion.h>

static enum escape_action after_ctrl_a(uint8_t byte)
{
	struct escape escape = { 0 };

	cr_assert_eq(escape_feed(&escape, 0x01), ESCAPE_TAKE);
	return escape_feed(&escape, byte);
}

Test(escape, other_keys_pass)
{
	struct escape escape = { 0 };

	for (unsigned int byte = 0; byte < 256; byte++)
		if (byte != 0x01)
			cr_expect_eq(escape_feed(&escape, (uint8_t)byte), ESCAPE_PASS);
}

Test(escape, ctrl_a_x_quits)
{
	cr_expect_eq(after_ctrl_a('x'), ESCAPE_QUIT);
}

Test(escape, ctrl_a_h_helps)
{
	cr_expect_eq(after_ctrl_a('h'), ESCAPE_HELP);
	cr_expect_eq(after_ctrl_a('?'), ESCAPE_HELP);
}

Test(escape, ctrl_a_twice_passes_one)
{
	cr_expect_eq(after_ctrl_a(0x01), ESCAPE_PASS);
}

Test(escape, ctrl_a_and_an_unknown_key_are_taken)
{
	for (unsigned int byte = 0; byte < 256; byte++)
		if (byte != 0x01 && byte != 'x' && byte != 'h' && byte != '?')
			cr_expect_eq(after_ctrl_a((uint8_t)byte), ESCAPE_TAKE);
}

Test(escape, is_over_after_one_key)
{
	static const uint8_t keys[] = { 0x01, 'x', 'h', '?', 'a' };

	for (unsigned int i = 0; i < sizeof(keys); i++) {
		struct escape escape = { 0 };

		escape_feed(&escape, 0x01);
		escape_feed(&escape, keys[i]);
		cr_expect_eq(escape_feed(&escape, 'x'), ESCAPE_PASS);
	}
}
