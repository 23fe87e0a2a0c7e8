/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: a pseudo terminal for others to open. */
#ifndef ARCVISOR_CONSOLE_PTY_H
#define ARCVISOR_CONSOLE_PTY_H

#include <stdbool.h>
#include <stdint.h>

struct pty {
	int fd;	  /* our side, non-blocking; -1: no pseudo terminal */
	int peer; /* the other side: kept open, or ours hangs up with each user who leaves */
};

/* Makes one in raw mode: 0 or -errno. */
int pty_open(struct pty *pty);

void pty_close(struct pty *pty); /* harmless where there is none */

/* Whether anybody but us has the other side open. */
bool pty_in_use(struct pty *pty);

/* Throws away what was written and not read: 0 or -errno. */
int pty_discard(struct pty *pty);

/* Waits, for at most @ms milliseconds, until those who have it open have read everything. */
void pty_wait_read(struct pty *pty, int64_t ms);

#endif
