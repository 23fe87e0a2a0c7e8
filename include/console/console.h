/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of a console: bytes between a guest's serial port and a terminal, pipe, file,
 * pseudo terminal or socket.
 *
 * Output never makes a vCPU wait: console_write() puts bytes in a ring and the event loop writes
 * them out. A full ring is the device's transmit FIFO being full. Input is offered to the sink
 * no faster than it takes it. The console outlives a guest's resets; the sink is a boot's.
 *
 * A terminal on standard input is put in raw mode (output processing stays on) and restored by
 * console_destroy(), and on every other way out that a process has (exit, fatal signals, stop and
 * continue). On it Ctrl-A is the escape: x ends, h helps, Ctrl-A sends one. A background job leaves
 * its terminal alone until it is in the foreground: output passes, input waits.
 *
 * Where input ends the guest goes on without. Where output cannot be written any more (nobody
 * reads a pipe, a disk is full) the log says so once and what the guest sends is dropped.
 */
#ifndef ARCVISOR_CONSOLE_CONSOLE_H
#define ARCVISOR_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

enum console_kind {
	CONSOLE_STDIO, /* standard input and output */
	CONSOLE_FILE,  /* output to a file that is made or truncated; no input */
	/*
	 * A new pseudo terminal, its name in a line on standard error: "arcvisor: console: NAME".
	 * Nobody need be on it: when the ring is full the oldest output is lost, so that the guest
	 * never waits, and who comes late finds what the kernel and the ring still have.
	 */
	CONSOLE_PTY,
	CONSOLE_NONE, /* output is dropped */
	/*
	 * A unix stream socket, mode 0600, that others connect to: one at a time, the next when
	 * that one is gone. While there is none output is dropped. Who shuts down its sending side
	 * alone still gets output.
	 */
	CONSOLE_SOCKET,
};

struct console_config {
	enum console_kind kind;
	const char *path; /* CONSOLE_FILE, CONSOLE_SOCKET */
	const char *name; /* in messages; NULL: "console" */
};

/* What a serial device gives to the console. Called on the loop's thread. */
struct console_sink {
	/* Takes at most @len bytes; how many it took. Fewer: console_input_ready() comes later. */
	size_t (*input)(void *ctx, const uint8_t *buf, size_t len);
	/* The ring, which refused some, has room again. */
	void (*drained)(void *ctx);
	/* Somebody came to the other end, or left it: console_is_connected() changed. Or NULL. */
	void (*connected)(void *ctx);
	/* The terminal may have another size. Or NULL. */
	void (*resized)(void *ctx);
	void *ctx;
};

struct console;

/*
 * @quit is called on the loop's thread when the user types Ctrl-A x. 0, or -errno with a line
 * in the log that names the file.
 *
 * Call it before other threads start: it blocks the signals of job control where there is a
 * terminal. SIGPIPE is ignored in the whole process from here on. There is one console on standard
 * input at a time.
 */
int console_create(struct loop *loop, const struct console_config *config, void (*quit)(void *ctx),
		   void *quit_ctx, struct console **out);

/*
 * Writes out what is left, for at most a second where the reader is slow; restores the terminal.
 * No other thread uses the console any more. NULL is fine.
 */
void console_destroy(struct console *console);

/*
 * Attaches a device, or none (NULL); @sink must last until then. On the loop's thread, or while it
 * does not run.
 */
void console_attach(struct console *console, const struct console_sink *sink);

/*
 * Queues bytes for output: how many were taken. Fewer than @len: drained() comes later. From any
 * thread, also under the lock that the sink's functions take: none of them is called from here.
 */
size_t console_write(struct console *console, const uint8_t *buf, size_t len);

/* False: a socket to which nobody is connected. On the loop's thread, or while it does not run. */
bool console_is_connected(const struct console *console);

/*
 * What the terminal or pseudo terminal at the other end shows, in characters; 0 where there is
 * none, or it does not say. On the loop's thread, or while it does not run.
 */
void console_get_size(const struct console *console, uint16_t *cols, uint16_t *rows);

/* The sink has room for input again. From any thread, also under the sink's lock; cheap. */
void console_input_ready(struct console *console);

#endif
