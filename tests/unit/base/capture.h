/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error as a socket of packets, so that a test sees each write(2) by itself. */
#ifndef ARCVISOR_TESTS_BASE_CAPTURE_H
#define ARCVISOR_TESTS_BASE_CAPTURE_H

#include <stddef.h>

/* From here on standard error is captured; for the rest of the test's process. */
void capture_start(void);

/* The next write as a string in @buf, and its length; -1 if there is none. Does not wait. */
int capture_next(char *buf, size_t size);

/* Fails the test unless the next write was exactly @line. */
void capture_expect(const char *line);

/* Fails the test if there was another write. */
void capture_expect_end(void);

#endif
