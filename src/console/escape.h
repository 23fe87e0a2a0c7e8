/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: the Ctrl-A escape of a raw terminal. Pure. */
#ifndef ARCVISOR_CONSOLE_ESCAPE_H
#define ARCVISOR_CONSOLE_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#define ESCAPE_KEY 0x01 /* Ctrl-A */

enum escape_action {
	ESCAPE_PASS, /* the byte is the guest's */
	ESCAPE_HOLD, /* the byte is kept: it may begin an escape */
	ESCAPE_QUIT,
	ESCAPE_HELP,
	ESCAPE_DROP, /* an escape that means nothing */
};

struct escape {
	bool pending; /* the last byte was the escape key */
};

/* What to do with the next byte that was typed. */
enum escape_action escape_next(struct escape *escape, uint8_t byte);

#endif
