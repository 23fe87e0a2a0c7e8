/* SPDX-License-Identifier: Apache-2.0 */
/* From the guest to the file: vCPU threads put bytes in a ring, the loop's thread writes them. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"

#define PUMP_CHUNKS 16	 /* then the loop's other sources have their turn */
#define FLUSH_MS    1000 /* what console_destroy() waits for a slow reader */

/*
 * When all is written the loop looks at the ring once more so much later, and until then a byte
 * wakes nobody: a guest that prints costs a wake-up a piece, not a character.
 */
#define GATHER_NS 1000000

/* In a console that may lose: makes room for @len bytes by forgetting as many of the oldest. */
static void make_room(struct ring *ring, size_t len)
{
	size_t room = ring_room(ring);

	if (len > room)
		ring_drop(ring, len - room < ring_used(ring) ? len - room : ring_used(ring));
}

size_t console_write(struct console *console, const uint8_t *buf, size_t len)
{
	size_t taken = len;
	bool wake = false;

	pthread_mutex_lock(&console->lock);
	if (!console->out_dropping) {
		if (console->ends.lossy)
			make_room(&console->out, len);
		taken = ring_put(&console->out, buf, len);
		if (taken < len)
			console->out_starved = true;
		wake = console->out_idle && taken;
		if (wake)
			console->out_idle = false;
	}
	pthread_mutex_unlock(&console->lock);
	if (wake)
		loop_event_raise(&console->wake);
	return taken;
}

/* Under @lock. True: the sink is to be told that there is room; a single byte is not worth it. */
static bool end_starvation(struct console *console)
{
	if (!console->out_starved || ring_used(&console->out) > CONSOLE_OUTPUT_SIZE / 2)
		return false;
	console->out_starved = false;
	return true;
}

/*
 * Has the next bytes to write in @chunk. False: there are none; with @sleep the next byte to come
 * then has to wake the loop.
 */
static bool refill(struct console *console, bool sleep)
{
	bool drained;

	if (console->chunk_pos < console->chunk_len)
		return true;
	pthread_mutex_lock(&console->lock);
	console->chunk_pos = 0;
	console->chunk_len = ring_get(&console->out, console->chunk, sizeof(console->chunk));
	console->out_idle = sleep && !console->chunk_len;
	drained = end_starvation(console);
	pthread_mutex_unlock(&console->lock);
	if (drained && console->sink)
		console->sink->drained(console->sink->ctx);
	return console->chunk_len > 0;
}

/* Writes some of @chunk: 0, -EAGAIN where the file takes nothing now, or -errno. */
static int send_some(struct console *console)
{
	struct pollfd ready = { .fd = console->ends.out, .events = POLLOUT };
	ssize_t n;

	if (poll(&ready, 1, 0) <= 0)
		return -EAGAIN;
	n = write(console->ends.out, console->chunk + console->chunk_pos,
		  console->chunk_len - console->chunk_pos);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	console->chunk_pos += (size_t)n;
	return 0;
}

/* The reader is gone: from here on output vanishes, which the guest cannot tell. */
static void give_up(struct console *console, int error)
{
	/* Who is connected may be gone, and have sent what was not read yet: input finds out. */
	if (!console->server.client)
		log_warn("%s: cannot write, output is dropped from here on: %s", console->name,
			 strerror(-error));
	console_output_close(console);
}

void console_output_close(struct console *console)
{
	console_watch_set(console->loop, &console->out_watch, 0);
	console->chunk_pos = console->chunk_len;
	pthread_mutex_lock(&console->lock);
	console->out_dropping = true;
	ring_drop(&console->out, ring_used(&console->out));
	pthread_mutex_unlock(&console->lock);
	refill(console, true);
}

void console_output_open(struct console *console)
{
	console->out_watch.source.fd = console->ends.out;
	pthread_mutex_lock(&console->lock);
	console->out_dropping = false;
	pthread_mutex_unlock(&console->lock);
}

void console_output_pump(struct console *console)
{
	int ret;

	for (unsigned int i = 0; i < PUMP_CHUNKS; i++) {
		if (!refill(console, false)) {
			console_watch_set(console->loop, &console->out_watch, 0);
			loop_timer_set(&console->gather, GATHER_NS);
			return;
		}
		ret = send_some(console);
		if (ret == -EAGAIN)
			ret = console_watch_set(console->loop, &console->out_watch, EPOLLOUT);
		else if (ret == 0)
			continue;
		if (ret < 0)
			give_up(console, ret);
		return;
	}
	loop_event_raise(&console->wake);
}

bool console_output_awake(struct console *console)
{
	bool awake;

	pthread_mutex_lock(&console->lock);
	awake = !console->out_idle;
	pthread_mutex_unlock(&console->lock);
	return awake;
}

void console_output_gathered(void *ctx)
{
	struct console *console = ctx;

	if (refill(console, true))
		console_output_pump(console);
}

static void writable(void *ctx, uint32_t events)
{
	(void)events;
	console_output_pump(ctx);
}

void console_output_init(struct console *console)
{
	pthread_mutex_init(&console->lock, NULL);
	console->out = (struct ring){ .bytes = console->out_bytes, .size = CONSOLE_OUTPUT_SIZE };
	console->out_idle = true;
	console->out_dropping = console->ends.out < 0;
	console->out_watch.source = (struct loop_fd){
		.fd = console->ends.out,
		.callback = writable,
		.ctx = console,
	};
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool wait_writable(const struct console *console, int64_t deadline)
{
	struct pollfd ready = { .fd = console->ends.out, .events = POLLOUT };
	int64_t left = deadline - now_ms();

	return left > 0 && poll(&ready, 1, (int)left) > 0;
}

void console_output_stop(struct console *console)
{
	int64_t deadline = now_ms() + FLUSH_MS;

	console_watch_set(console->loop, &console->out_watch, 0);
	while (refill(console, true)) {
		int ret = send_some(console);

		if (ret < 0 && (ret != -EAGAIN || !wait_writable(console, deadline)))
			break;
	}
	pthread_mutex_destroy(&console->lock);
}
