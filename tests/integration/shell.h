/* SPDX-License-Identifier: Apache-2.0 */
/* A Linux guest with a shell on its console, as tools/guest/initramfs makes it. */
#ifndef ARCVISOR_TESTS_SHELL_H
#define ARCVISOR_TESTS_SHELL_H

#include "machine.h"

#define PROMPT "guest# "

/* Waits for the guest's first prompt, which must come. */
void shell_ready(struct machine *machine);

/*
 * Types @command and waits until @want came, which it must, and the prompt after it. The echo of a
 * command is no answer: what is wanted has its parts put together by the shell.
 */
void shell(struct machine *machine, const char *command, const char *want);

/* Powers the guest off, which must end arcvisor with status 0. */
void shell_off(struct machine *machine);

#endif
