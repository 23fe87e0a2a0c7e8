/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: one thread, epoll, callbacks.
 *
 * The thread that calls loop_run() owns the loop; all functions but loop_event_raise(),
 * loop_timer_set() and loop_stop() are for that thread (or for before it runs). Callbacks run on
 * it, one at a time; a callback may remove any source, its own too.
 */
#ifndef ARCVISOR_LOOP_LOOP_H
#define ARCVISOR_LOOP_LOOP_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

int loop_create(struct loop **out);
void loop_destroy(struct loop *loop); /* sources must be removed; NULL is fine */

/* Runs callbacks until loop_stop(); 0 or -errno. May be called again afterwards. */
int loop_run(struct loop *loop);

/*
 * Ends loop_run() after the callback under way; where none runs, the next one returns at once.
 * Events that came and were not delivered yet are kept for it. From any thread.
 */
void loop_stop(struct loop *loop);

/*
 * A file descriptor that is watched. The caller owns it and the struct, which must stay where it
 * is while added. @events are EPOLLIN, EPOLLOUT, ...; the callback gets those that came true.
 * A source that was removed is not called any more, one that was modified not with its old events.
 * Adding one says -EPERM where the file is always ready: a regular file, /dev/null.
 */
struct loop_fd {
	int fd;
	void (*callback)(void *ctx, uint32_t events);
	void *ctx;
};

int loop_fd_add(struct loop *loop, struct loop_fd *source, uint32_t events);
int loop_fd_modify(struct loop *loop, struct loop_fd *source, uint32_t events);
void loop_fd_remove(struct loop *loop, struct loop_fd *source);

/* A message without contents from any thread: raises that meet before the callback are one. */
struct loop_event {
	struct loop_fd source;
	void (*callback)(void *ctx);
	void *ctx;
};

int loop_event_init(struct loop *loop, struct loop_event *event, void (*callback)(void *ctx),
		    void *ctx);
void loop_event_fini(struct loop *loop, struct loop_event *event);
void loop_event_raise(struct loop_event *event); /* any thread, signal safe */

/* A one-shot timer on CLOCK_MONOTONIC. */
struct loop_timer {
	struct loop_fd source;
	void (*callback)(void *ctx);
	void *ctx;
};

int loop_timer_init(struct loop *loop, struct loop_timer *timer, void (*callback)(void *ctx),
		    void *ctx);
void loop_timer_fini(struct loop *loop, struct loop_timer *timer);

/* Calls back once, @ns nanoseconds from now, in place of what was set before; 0 disarms. Any
 * thread.
 */
void loop_timer_set(struct loop_timer *timer, uint64_t ns);

/*
 * Signals as callbacks. Blocks @set in the calling thread (do so before other threads start, so
 * that they inherit it) and reads them by signalfd(2).
 */
struct loop_signal {
	struct loop_fd source;
	sigset_t previous; /* the mask before, put back by loop_signal_fini() */
	void (*callback)(void *ctx, int signo);
	void *ctx;
};

int loop_signal_init(struct loop *loop, struct loop_signal *sig, const sigset_t *set,
		     void (*callback)(void *ctx, int signo), void *ctx);
void loop_signal_fini(struct loop *loop, struct loop_signal *sig);

#endif
