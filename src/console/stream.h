/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/console: one direction of a console, a descriptor of the host's. */
#ifndef ARCVISOR_CONSOLE_STREAM_H
#define ARCVISOR_CONSOLE_STREAM_H

#include <stdbool.h>

#include "loop/loop.h"

struct stream {
	struct loop_fd source; /* fd -1: none, or its end was reached */
	bool owned;	       /* ours to close */
	bool polls;	       /* epoll takes it, so that readiness is an event */
	bool watched;
};

void stream_init(struct stream *stream, void (*callback)(void *ctx, uint32_t events), void *ctx);

/* Closes the descriptor if it is ours; there is none from here on. */
void stream_close(struct loop *loop, struct stream *stream);

/*
 * Takes standard descriptor @fd, if it is open, for @flags (O_RDONLY, O_WRONLY). A terminal is
 * opened anew where that can be done, to have it without blocking: see stream.c.
 */
void stream_open_standard(struct stream *stream, int fd, int flags);

/* Finds out whether it polls. 0 or -errno. */
int stream_probe(struct loop *loop, struct stream *stream);

/* Calls back on @events (EPOLLIN or EPOLLOUT), or no more (0). */
void stream_watch(struct loop *loop, struct stream *stream, uint32_t events);

#endif
