/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on standard error. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log_internal.h"

#define LINE_SIZE 512

static enum log_level log_level = LOG_LEVEL_WARN;

void log_set_level(enum log_level level)
{
	log_level = level;
}

static const char *prefix_of(enum log_level level)
{
	static const char *const prefixes[] = {
		[LOG_LEVEL_ERROR] = "arcvisor: ",
		[LOG_LEVEL_WARN] = "arcvisor: warning: ",
		[LOG_LEVEL_INFO] = "arcvisor: info: ",
		[LOG_LEVEL_DEBUG] = "arcvisor: debug: ",
	};

	return prefixes[level];
}

/* The log is the last resort: where it cannot be written there is nobody to tell. */
static void write_line(const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

/* By value, not by iscntrl(3): bytes of UTF-8 pass whatever the locale. */
static void hide_controls(char *text, const char *end)
{
	for (; text < end; text++)
		if ((unsigned char)*text < ' ' || *text == '\177')
			*text = '?';
}

__attribute__((format(printf, 2, 0))) static void log_vline(enum log_level level, const char *fmt,
							    va_list args)
{
	static const char cut[] = "...";
	char line[LINE_SIZE];
	size_t room = sizeof(line) - 1; /* the line's end */
	size_t len = strlen(prefix_of(level));
	int saved = errno;
	char *text = line + len;
	int n;

	memcpy(line, prefix_of(level), len);
	n = vsnprintf(text, room - len, fmt, args);
	if (n < 0)
		n = 0;
	if ((size_t)n < room - len) {
		len += (size_t)n;
	} else {
		len = room;
		memcpy(line + len - strlen(cut), cut, strlen(cut));
	}
	hide_controls(text, line + len);
	line[len++] = '\n';
	write_line(line, len);
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (level > log_level)
		return;
	va_start(args, fmt);
	log_vline(level, fmt, args);
	va_end(args);
}

/*
 * Second and count are one word, so that a new second and its empty budget are one step. Nothing
 * else is published by it: relaxed order will do.
 */
bool log_limit_take(struct log_limit *limit, uint32_t second, uint32_t *dropped)
{
	uint64_t old = atomic_load_explicit(&limit->window, memory_order_relaxed);
	uint64_t next;

	do {
		/* A thread that read the clock and was then held up does not turn it back. */
		next = old >> 32 < second ? (uint64_t)second << 32 : old;
		if ((uint32_t)next >= limit->burst) {
			atomic_fetch_add_explicit(&limit->dropped, 1, memory_order_relaxed);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&limit->window, &old, next + 1, memory_order_relaxed, memory_order_relaxed));
	*dropped = atomic_exchange_explicit(&limit->dropped, 0, memory_order_relaxed);
	return true;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	struct timespec now;
	uint32_t dropped;
	va_list args;

	if (level > log_level)
		return;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (!log_limit_take(limit, (uint32_t)now.tv_sec, &dropped))
		return;
	if (dropped)
		log_line(level, "%u lines like the next were left out", dropped);
	va_start(args, fmt);
	log_vline(level, fmt, args);
	va_end(args);
}
