/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: what a console is made of, and its two directions. */
#ifndef ARCVISOR_SRC_CONSOLE_CONSOLE_INTERNAL_H
#define ARCVISOR_SRC_CONSOLE_CONSOLE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/local_socket.h"
#include "console/console.h"
#include "escape.h"
#include "ring.h"

#define CONSOLE_OUTPUT_SIZE 65536u
#define CONSOLE_INPUT_SIZE  4096u
#define CONSOLE_CHUNK	    PIPE_BUF /* a pipe that polls as ready takes that much (pipe(7)) */

/* The files, each with a descriptor of our own; -1 where there is none. */
struct console_ends {
	int in, out;
	int slave;  /* of a pseudo terminal: kept open, so that it works with nobody on it */
	bool lossy; /* nobody may be there: the oldest output gives way, the guest never waits */
};

/* 0, or -errno after a line in the log. */
int console_ends_open(const struct console_config *config, struct console_ends *ends);
void console_ends_close(struct console_ends *ends);

/* A descriptor in the loop, or not (no events): one that has ended polls as ready for ever. */
struct console_watch {
	struct loop_fd source;
	uint32_t events;
};

int console_watch_set(struct loop *loop, struct console_watch *watch, uint32_t events);

/* Who connects to a CONSOLE_SOCKET; @socket.fd is -1 where the console is something else. */
struct console_server {
	struct local_socket socket;
	const char *path;
	struct console_watch watch;
	bool client;   /* somebody is connected: the console's ends are he */
	bool in_ended; /* he sends no more, and may still take */
};

/* All but what @lock guards belongs to the loop's thread. */
struct console {
	struct loop *loop;
	const struct console_sink *sink;
	void (*quit)(void *ctx);
	void *quit_ctx;
	const char *name;
	struct console_ends ends;
	struct console_server server;
	struct loop_event wake; /* there is output, or the sink has room, or a sink at all */

	bool terminal; /* input is the user's: keys may escape, and we may be a background job */
	bool job_controlled;
	struct loop_signal job_control;

	struct console_watch in_watch;
	bool in_always_ready; /* a file that epoll refuses */
	struct ring in;
	struct escape escape;
	_Atomic bool in_waits; /* console_input_ready() has somebody to wake; any thread */

	struct console_watch out_watch;
	struct loop_timer gather;     /* armed when all is written */
	uint8_t chunk[CONSOLE_CHUNK]; /* out of the ring, on its way to the file */
	size_t chunk_pos, chunk_len;

	pthread_mutex_t lock; /* a leaf: no sink is called and no other lock is taken under it */
	struct ring out;
	bool out_idle;	   /* the loop sleeps until it is told of output */
	bool out_starved;  /* a writer was refused some */
	bool out_dropping; /* there is nowhere to write */

	uint8_t out_bytes[CONSOLE_OUTPUT_SIZE];
	uint8_t in_bytes[CONSOLE_INPUT_SIZE];
};

/* Begins to watch for input; where that cannot be had there is none. */
void console_input_start(struct console *console);

/* Offers the sink what there is, reads more where that is due, watches for what comes. */
void console_input_feed(struct console *console);

/* We may be in the foreground again, with a terminal that somebody else has used. */
void console_input_resume(struct console *console);

/* What comes from the descriptor ends.in, if there is one, is input from here on. */
void console_input_open(struct console *console);

/* Ends input: nothing is watched any more. */
void console_input_stop(struct console *console);

void console_output_init(struct console *console);

/* False while the loop sleeps until it is told of output: there is nothing to pump. */
bool console_output_awake(struct console *console);

/* Writes out what the file takes now, then waits for more of either. */
void console_output_pump(struct console *console);

/* The callback of @gather. */
void console_output_gathered(void *ctx);

/* ends.out is written from here on, and none of what was to go to another. */
void console_output_open(struct console *console);

/* Nothing is written from here on: what there is, and what comes, is dropped. */
void console_output_close(struct console *console);

/* Writes out all there is, for at most a second; then nothing is watched any more. */
void console_output_stop(struct console *console);

/* socket.c: listens at @path, and waits for who comes. 0, or -errno after a line in the log. */
int console_server_start(struct console *console, const char *path);
void console_server_stop(struct console *console); /* nothing where there is none */

/*
 * The one who is connected sends no more: true where he may still take, false where he was gone
 * and the place is free again.
 */
bool console_server_ended(struct console *console);

/* He is gone: the place is free again. */
void console_server_lost(struct console *console);

#endif
