/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines on standard error, "arcvisor: LEVEL: text".
 *
 * Any thread may log. A line is written by one write(2), so lines do not mix. Nothing here
 * allocates. The exit, hypercall and queue paths log only through log_limited(), and only about
 * what the guest did wrong or the host refused. errno is left as it was.
 *
 * A line is at most 512 bytes, its end included; a longer one is cut and ends in "...". Control
 * characters in the text show as '?', so that no string makes a line of its own.
 */
#ifndef ARCVISOR_BASE_LOG_H
#define ARCVISOR_BASE_LOG_H

#include <stdatomic.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines above @level are dropped. The default is LOG_LEVEL_WARN. Call before threads start. */
void log_set_level(enum log_level level);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *fmt, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * A budget for messages that a guest can provoke: at most @burst lines a second. The next
 * line that is printed comes after one that says how many were left out before it.
 * Zero-initialised but for @burst; shared by any threads.
 */
struct log_limit {
	uint32_t burst;
	_Atomic uint64_t window;  /* 63:32 a CLOCK_MONOTONIC second, 31:0 lines printed in it */
	_Atomic uint32_t dropped; /* lines left out since the last one that was printed */
};

__attribute__((format(printf, 3, 4))) void log_limited(struct log_limit *limit,
						       enum log_level level, const char *fmt, ...);

#endif
