/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/console: the terminal on standard input. One a process, since a terminal's mode
 * is one; set up and restored on the loop's thread.
 */
#ifndef ARCVISOR_CONSOLE_TERM_H
#define ARCVISOR_CONSOLE_TERM_H

/*
 * Puts the terminal @fd into raw mode, output processing stays on, and arranges that exit(3),
 * fatal signals and SIGCONT leave or make it right. 0 or -errno; -ENOTTY: no terminal. A
 * background job is stopped by SIGTTOU until its user brings it forward, as any that asks for the
 * terminal, and later leaves the mode alone as long as it is in the background.
 */
int term_raw(int fd);

/* Puts back the mode that term_raw() found. Harmless where there was none. */
void term_restore(void);

#endif
