/* SPDX-License-Identifier: Apache-2.0 */
/* Catches what the code under test writes to standard error. */
#ifndef ARCVISOR_TESTS_EXIT_CAPTURE_H
#define ARCVISOR_TESTS_EXIT_CAPTURE_H

void capture_start(void);

/* Puts standard error back; what was written, to be freed. */
char *capture_stop(void);

#endif
