/* SPDX-License-Identifier: Apache-2.0 */
/* A console on descriptors of the test's own, and a sink that writes down what it gets. */
#ifndef ARCVISOR_TESTS_CONSOLE_RIG_H
#define ARCVISOR_TESTS_CONSOLE_RIG_H

#include <stdbool.h>

#include "console/console.h"

#define RIG_INPUT_MAX 4096

struct rig {
	struct loop *loop;
	struct console *console;
	int type;    /* what is written here is typed; -1 */
	int shown;   /* what the console wrote is read here; -1 */
	size_t room; /* bytes that the sink takes a time */
	size_t got_len;
	uint8_t got[RIG_INPUT_MAX];
	int drained;
	int quits;
	bool done;
};

extern struct rig rig;

/* A loop; nothing else yet. */
void rig_init(void);
void rig_fini(void); /* destroys the console if it is still there */

/* Puts pipes, or a terminal's two sides, in the place of standard input and output. */
void rig_use_pipes(void);
void rig_use_terminal(void); /* rig.type and rig.shown are its other side */
void rig_use_input_file(const char *text);

/* Makes the console and attaches the sink. */
void rig_open(enum console_kind kind, const char *path);
void rig_attach(void);

/* Runs the loop until @done says so. */
void rig_run_until(bool (*done)(void));

/* Runs all that is ready now. */
void rig_run_ready(void);

/* Puts @text in the output ring, which must have room. */
void rig_say(const char *text);
void rig_type(const char *text);

/* Runs the loop until the sink has got @text in all. */
void rig_expect_input(const char *text);

/* Runs the loop until @text is what came out, from where the last call ended. */
void rig_expect_output(const char *text);

/* Fills the ring until it takes no more; how many bytes it took. They count up modulo 251. */
size_t rig_fill(void);

/* What is said on standard error between the two; to be freed. */
void rig_log_start(void);
char *rig_log_stop(void);

#endif
