/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/console: the user's terminal in raw mode, and back.
 *
 * A process has at most one. From term_open() to term_close() it is restored by exit() and by
 * SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS and SIGQUIT before they do what they would have
 * done.
 */
#ifndef ARCVISOR_SRC_CONSOLE_TERM_H
#define ARCVISOR_SRC_CONSOLE_TERM_H

#include <stdbool.h>

/*
 * Remembers the mode of terminal @fd, which the caller keeps open until term_close(). -errno:
 * -ENOTTY where @fd is none, -EBUSY where there is one already.
 */
int term_open(int fd);

/* False where the terminal controls us and another process group has it: a background job. */
bool term_is_ours(void);

/* Raw mode but for output processing, so that the log's lines end well. A background job's no-op.
 */
void term_raw(void);

/* Whether the mode is raw by term_raw(). */
bool term_is_raw(void);

/* Back to the remembered mode. Safe in a signal handler; a background job's no-op. */
void term_restore(void);

/* Restores and forgets. */
void term_close(void);

/* Puts pseudo terminal @fd in raw mode: bytes pass as they are, both ways. 0 or -errno. */
int term_make_raw(int fd);

#endif
