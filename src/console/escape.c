/* SPDX-License-Identifier: Apache-2.0 */
/* The escape key's two states. */
#include "escape.h"

#define CTRL_A 0x01

enum escape_action escape_feed(struct escape *escape, uint8_t byte)
{
	if (!escape->armed) {
		escape->armed = byte == CTRL_A;
		return escape->armed ? ESCAPE_TAKE : ESCAPE_PASS;
	}
	escape->armed = false;
	switch (byte) {
	case CTRL_A:
		return ESCAPE_PASS;
	case 'x':
		return ESCAPE_QUIT;
	case 'h':
	case '?':
		return ESCAPE_HELP;
	}
	return ESCAPE_TAKE;
}
