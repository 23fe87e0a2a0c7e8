/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: a console's state, and what its files offer to each other. */
#ifndef ARCVISOR_CONSOLE_INTERNAL_H
#define ARCVISOR_CONSOLE_INTERNAL_H

#include <pthread.h>

#include "console/console.h"
#include "escape.h"
#include "pty.h"
#include "ring.h"
#include "stream.h"

#define INPUT_SIZE 256

struct console {
	struct loop *loop;
	struct console_sink sink; /* the loop's thread; zeroes where none is attached */
	void (*quit)(void *ctx);
	void *quit_ctx;
	struct stream in, out;	  /* both -1 never changes back; out stays what it was made as */
	struct pty pty;		  /* CONSOLE_PTY */
	struct loop_event kick;	  /* output came, or the sink has room */
	struct loop_timer gather; /* armed after each write */

	bool escapes; /* the input is a terminal in raw mode */
	struct escape escape;
	uint8_t input[INPUT_SIZE]; /* read, not taken by the sink yet */
	size_t input_len;

	/* Guards all below; a leaf. */
	pthread_mutex_t lock;
	bool lost;     /* the reader is gone: output is dropped */
	bool was_full; /* the sink waits for drained() */
	bool awake;    /* the loop will look at the ring by itself: no kick is needed */
	struct ring ring;
};

/* All on the loop's thread. */

/* Writes out what the ring holds, as far as the reader is ready, and looks again later. */
void output_push(struct console *console);
bool output_pending(struct console *console);
void output_ready(void *console, uint32_t events);
void output_gathered(void *console);

/* Writes out what is left, for at most a second where the reader is slow. */
void output_flush(struct console *console);

/* Offers the sink what was read, and reads on. */
void input_pull(struct console *console);
void input_ready(void *console, uint32_t events);

#endif
