/* SPDX-License-Identifier: Apache-2.0 */
/* What the console tests share: a console, its loop on a thread, and a guest's serial port. */
#ifndef ARCVISOR_TESTS_CONSOLE_RIG_H
#define ARCVISOR_TESTS_CONSOLE_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/console.h"

#define RIG_INPUT_MAX 100000u

struct rig {
	struct loop *loop;
	struct console *console;
	struct console_sink sink;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	uint8_t input[RIG_INPUT_MAX]; /* what the port took */
	size_t taken;
	size_t room; /* what it takes in all before it refuses */
	unsigned int drained, quits;
};

/* Makes @in and @out standard input and output of this process; -1 closes one. */
void rig_stdio(int in, int out);

/* Console and port, with room for everything. The loop does not run yet. */
void rig_init(struct rig *rig, enum console_kind kind, const char *path);
void rig_run(struct rig *rig);
void rig_halt(struct rig *rig);
void rig_fini(struct rig *rig); /* halts it too */

void rig_attach(struct rig *rig);

/* Gives the port room for @more bytes and says so. */
void rig_allow(struct rig *rig, size_t more);

/* How often the console said that there is room for output again. */
unsigned int rig_drained(struct rig *rig);

/* These return when it is so; a test that waits in vain ends by its timeout. */
void rig_wait_input(struct rig *rig, size_t total);
void rig_wait_drained(struct rig *rig, unsigned int times);
void rig_wait_quits(struct rig *rig, unsigned int times);

/* Sends all of @buf as a guest does: when the ring refuses some, it waits for room. */
void rig_send(struct rig *rig, const void *buf, size_t len);

/* A text that tells any two places within 64 KiB apart. */
void rig_pattern(uint8_t *buf, size_t len);

/* Reads until there are @len bytes; how many there were when the file ended before. */
size_t rig_read(int fd, void *buf, size_t len);

/* Returns when the console has read all that was written to the other end of @fd. */
void rig_wait_read(int fd);

/* Fills a descriptor that nobody reads until it takes no more. */
void rig_fill(int fd);

/* From here on standard error is kept; rig_errors() gives what was written. */
void rig_keep_errors(void);
const char *rig_errors(void);

#endif
