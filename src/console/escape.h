/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: Ctrl-A, the key that speaks to the VMM and not to the guest. Pure. */
#ifndef ARCVISOR_SRC_CONSOLE_ESCAPE_H
#define ARCVISOR_SRC_CONSOLE_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised; lasts from one read to the next, since the two keys may come apart. */
struct escape {
	bool armed; /* the byte before was Ctrl-A */
};

enum escape_action {
	ESCAPE_PASS, /* the byte goes to the guest */
	ESCAPE_TAKE, /* it does not, and nothing is to be done */
	ESCAPE_QUIT, /* x */
	ESCAPE_HELP, /* h or ? */
};

/* Ctrl-A twice passes the second; Ctrl-A and a key without a meaning are both taken. */
enum escape_action escape_feed(struct escape *escape, uint8_t byte);

#endif
