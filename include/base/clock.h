/* SPDX-License-Identifier: Apache-2.0 */
/* A clock for threads that look at memory over and over: reading it costs no system call. */
#ifndef ARCVISOR_BASE_CLOCK_H
#define ARCVISOR_BASE_CLOCK_H

#include <stdint.h>

/*
 * Nanoseconds since some moment, never less than before, also from another thread that was told of
 * the earlier value. For durations alone: it is no clock of clock_gettime(2), whose own may run
 * faster or slower by what NTP corrects. From any thread.
 */
uint64_t clock_ns(void);

#endif
