/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

enum escape_action escape_next(struct escape *escape, uint8_t byte)
{
	if (!escape->pending) {
		escape->pending = byte == ESCAPE_KEY;
		return escape->pending ? ESCAPE_HOLD : ESCAPE_PASS;
	}
	escape->pending = false;
	switch (byte) {
	case ESCAPE_KEY:
		return ESCAPE_PASS;
	case 'x':
	case 'X':
		return ESCAPE_QUIT;
	case 'h':
	case 'H':
	case '?':
		return ESCAPE_HELP;
	default:
		return ESCAPE_DROP;
	}
}
