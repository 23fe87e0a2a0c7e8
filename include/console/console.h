/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a console: bytes between a guest's serial port and a terminal, pipe, file or
 * pseudo terminal.
 *
 * Output never makes a vCPU wait: console_write() puts bytes in a ring and the event loop writes
 * them out. A full ring is the device's transmit FIFO being full. Input is offered to the sink
 * no faster than it takes it. The console outlives a guest's resets; the sink is a boot's.
 *
 * A terminal is put in raw mode (output processing stays on) and restored by console_destroy(),
 * and on every other way out that a process has (exit, fatal signals, stop and continue).
 * In raw mode Ctrl-A is the escape: x ends, h helps, Ctrl-A sends one. It works whatever the sink
 * does, so a terminal is always read: of what is typed, 256 bytes wait for the sink, the rest is
 * lost. Input of any other kind waits in the host, and none is lost.
 *
 * A reader that goes is said once in the log, and output is dropped from then on. A pseudo
 * terminal that nobody has open keeps what was written last. SIGPIPE is ignored in the process.
 */
#ifndef ARCVISOR_CONSOLE_CONSOLE_H
#define ARCVISOR_CONSOLE_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

enum console_kind {
	CONSOLE_STDIO, /* standard input and output */
	CONSOLE_FILE,  /* output to a file that is made or truncated; no input */
	CONSOLE_PTY,   /* a new pseudo terminal, its name in a log line on standard error */
	CONSOLE_NONE,  /* output is dropped */
};

struct console_config {
	enum console_kind kind;
	const char *path; /* CONSOLE_FILE */
};

/* What a serial device gives to the console. Called on the loop's thread. */
struct console_sink {
	/* Takes at most @len bytes; how many it took. Fewer: console_input_ready() comes later. */
	size_t (*input)(void *ctx, const uint8_t *buf, size_t len);
	/* The ring that was full has room again. */
	void (*drained)(void *ctx);
	void *ctx;
};

struct console;

/*
 * @quit is called on the loop's thread when the user types Ctrl-A x. 0, or -errno with a line
 * in the log that names the file.
 */
int console_create(struct loop *loop, const struct console_config *config, void (*quit)(void *ctx),
		   void *quit_ctx, struct console **out);

/*
 * Writes out what is left, for at most a second where the reader is slow; restores the terminal.
 * No thread may be in console_write() any more. NULL is fine.
 */
void console_destroy(struct console *console);

/* Attaches a device, or none (NULL). On the loop's thread, or before it runs. */
void console_attach(struct console *console, const struct console_sink *sink);

/* Queues bytes for output: how many were taken. From any thread. */
size_t console_write(struct console *console, const uint8_t *buf, size_t len);

/* The sink has room for input again. From any thread. */
void console_input_ready(struct console *console);

#endif
