/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of the control socket: `arcvisor ctl` and `arcvisor stop` (docs/control.md). */
#ifndef ARCVISOR_CTL_CLIENT_H
#define ARCVISOR_CTL_CLIENT_H

#include <stdio.h>

/*
 * `ctl [--json] PATH COMMAND [NAME=VALUE]...`, of which @argv has all from "ctl" on: asks and
 * writes the answer to @out, as text or as it came. `stop PATH` asks the guest to power off and
 * waits for its end.
 *
 * 0; 1 after one line in the log where the request failed or nobody answers, for stop also where
 * the guest had to be ended; 2 for bad usage.
 */
int client_ctl(int argc, char **argv, FILE *out);
int client_stop(int argc, char **argv, FILE *out);

#endif
