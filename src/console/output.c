/* SPDX-License-Identifier: Apache-2.0 */
/* A console's output: from any thread into the ring, from the ring to the host. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"

/* What a pipe that polls as writable takes without blocking (POSIX PIPE_BUF is at least that). */
#define WRITE_CHUNK 512
#define FLUSH_MS    1000 /* for a reader that is slow when the machine has ended */

/*
 * After each write the loop looks at the ring once more so much later, and until then a byte
 * wakes nobody: a guest that prints costs a wake-up a piece, not a character.
 */
#define GATHER_NS 1000000

/* Users of a pseudo terminal come and go without an event: how often a full one is looked at. */
#define PTY_LOOK_NS 100000000

/* True if the loop must be woken. A full ring is news too: drop_unread() may have to help. */
static bool note_queued_locked(struct console *console, bool full)
{
	bool wake = !console->awake || (full && !console->was_full);

	console->awake = true;
	console->was_full |= full;
	return wake;
}

size_t console_write(struct console *console, const uint8_t *buf, size_t len)
{
	bool wake = false;
	size_t n = len;

	if (console->out.source.fd < 0 || !len)
		return len;
	pthread_mutex_lock(&console->lock);
	if (!console->lost) {
		n = ring_put(&console->ring, buf, len);
		wake = note_queued_locked(console, n < len);
	}
	pthread_mutex_unlock(&console->lock);
	if (wake)
		loop_event_raise(&console->kick);
	return n;
}

/* The reader is gone: the guest goes on without one. */
static void lose_output(struct console *console, int error)
{
	log_warn("console output is lost from here on: %s", strerror(error));
	pthread_mutex_lock(&console->lock);
	console->lost = true;
	ring_drop(&console->ring, ring_used(&console->ring));
	pthread_mutex_unlock(&console->lock);
}

static size_t ring_level(struct console *console)
{
	size_t used;

	pthread_mutex_lock(&console->lock);
	used = ring_used(&console->ring);
	pthread_mutex_unlock(&console->lock);
	return used;
}

bool output_pending(struct console *console)
{
	return ring_level(console) > 0;
}

static bool writable(const struct stream *stream)
{
	struct pollfd pollfd = { .fd = stream->source.fd, .events = POLLOUT };

	return !stream->polls || poll(&pollfd, 1, 0) == 1;
}

/*
 * Writes one piece of the ring. The descriptor may be shared with others and so stays blocking:
 * no more is written than one that polls as writable takes. How many bytes, 0 where the reader is
 * not ready, or -errno.
 */
static ssize_t write_some(struct console *console)
{
	const uint8_t *bytes;
	ssize_t n;
	size_t len;

	/* Only this thread takes bytes out, so what is peeked stays where it is. */
	pthread_mutex_lock(&console->lock);
	bytes = ring_peek(&console->ring, WRITE_CHUNK, &len);
	pthread_mutex_unlock(&console->lock);
	if (!writable(&console->out))
		return 0;
	do
		n = write(console->out.source.fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	pthread_mutex_lock(&console->lock);
	ring_drop(&console->ring, (size_t)n);
	pthread_mutex_unlock(&console->lock);
	return n;
}

/*
 * Writes what the ring holds now; what comes meanwhile is for the next time, so that a guest that
 * never stops does not keep the loop. False where the reader is not ready for all of it.
 */
static bool write_ring(struct console *console)
{
	ssize_t left = (ssize_t)ring_level(console);

	while (left > 0) {
		ssize_t n = write_some(console);

		if (n == 0)
			return false;
		if (n < 0) {
			lose_output(console, (int)-n);
			return true;
		}
		left -= n;
	}
	return true;
}

/*
 * Nobody may ever open a pseudo terminal, and a guest must not wait for that: once all is full,
 * what was written first goes. True if there is room again.
 */
static bool drop_unread(struct console *console)
{
	return console->pty.fd >= 0 && ring_level(console) == RING_SIZE &&
	       !pty_in_use(&console->pty) && pty_discard(&console->pty) == 0;
}

static void tell_drained(struct console *console)
{
	bool drained;

	pthread_mutex_lock(&console->lock);
	drained = console->was_full && ring_used(&console->ring) < RING_SIZE;
	if (drained)
		console->was_full = false;
	pthread_mutex_unlock(&console->lock);
	if (drained && console->sink.drained)
		console->sink.drained(console->sink.ctx);
}

/* When to look at the ring by the clock; 0: the reader's readiness is the next event. */
static uint64_t next_look(const struct console *console)
{
	if (!console->out.watched)
		return GATHER_NS;
	return console->pty.fd >= 0 ? PTY_LOOK_NS : 0;
}

void output_push(struct console *console)
{
	bool done = write_ring(console);

	if (!done && drop_unread(console))
		done = write_ring(console);
	stream_watch(console->loop, &console->out, done ? 0 : EPOLLOUT);
	tell_drained(console);
	loop_timer_set(&console->gather, next_look(console));
}

/* If nothing came since the last write, the next byte has to wake us. */
void output_gathered(void *ctx)
{
	struct console *console = ctx;
	bool pending;

	pthread_mutex_lock(&console->lock);
	pending = ring_used(&console->ring) > 0;
	console->awake = pending;
	pthread_mutex_unlock(&console->lock);
	if (pending)
		output_push(console);
}

void output_ready(void *ctx, uint32_t events)
{
	(void)events;
	output_push(ctx);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the guest said last is what its user most wants to read. */
void output_flush(struct console *console)
{
	struct pollfd pollfd = { .fd = console->out.source.fd, .events = POLLOUT };
	int64_t end = now_ms() + FLUSH_MS;
	int64_t left = FLUSH_MS;

	if (console->pty.fd >= 0 && !pty_in_use(&console->pty))
		return;
	while (left > 0 && !write_ring(console)) {
		poll(&pollfd, 1, (int)left);
		left = end - now_ms();
	}
	if (console->pty.fd >= 0)
		pty_wait_read(&console->pty, end - now_ms());
}
