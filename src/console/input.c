/* SPDX-License-Identifier: Apache-2.0 */
/* From the file to the guest, no faster than the guest takes it. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"
#include "term.h"

static void help(void)
{
	static const char text[] = "\n"
				   "Ctrl-A x       end the guest\n"
				   "Ctrl-A h       list these keys\n"
				   "Ctrl-A Ctrl-A  send one Ctrl-A to the guest\n";

	/* To the terminal, also where output goes into a file. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		log_debug("console: nowhere to show help");
}

/* Does what escapes in @buf say and takes them out; how many bytes are left for the guest. */
static size_t take_escapes(struct console *console, uint8_t *buf, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		switch (escape_feed(&console->escape, buf[i])) {
		case ESCAPE_PASS:
			buf[kept++] = buf[i];
			break;
		case ESCAPE_QUIT:
			console->quit(console->quit_ctx);
			break;
		case ESCAPE_HELP:
			help();
			break;
		case ESCAPE_TAKE:
			break;
		}
	}
	return kept;
}

/* A background job's terminal is another's: what it types is not for us. */
static bool in_background(const struct console *console)
{
	return console->terminal && !term_is_ours();
}

static void read_some(struct console *console)
{
	uint8_t buf[CONSOLE_INPUT_SIZE];
	ssize_t n = read(console->ends.in, buf, ring_room(&console->in));

	if (n > 0) {
		size_t len = (size_t)n;

		if (console->terminal)
			len = take_escapes(console, buf, len);
		ring_put(&console->in, buf, len);
	} else if (n == 0 && console->server.client) {
		console->server.in_ended = console_server_ended(console);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR && console->server.client) {
		console_server_lost(console);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR && !in_background(console))) {
		console_input_stop(console);
	}
}

/*
 * @in_waits is set before the sink is asked: if it refuses, the guest may make room before we look
 * at the answer, and console_input_ready() must find us waiting then. The sink's lock orders the
 * two.
 */
static void offer(struct console *console)
{
	size_t len, taken;
	const uint8_t *buf;

	while (console->sink && (buf = ring_peek(&console->in, &len), len)) {
		atomic_store(&console->in_waits, true);
		taken = console->sink->input(console->sink->ctx, buf, len);
		ring_drop(&console->in, taken);
		if (taken < len)
			return;
		atomic_store(&console->in_waits, false);
	}
}

/*
 * A terminal in the background is watched for its edges alone: what others type makes it readable
 * for long, and a shell may put us in the foreground without a signal.
 */
static uint32_t wanted_events(const struct console *console)
{
	if (console->ends.in < 0 || console->in_always_ready || !ring_room(&console->in))
		return 0;
	if (console->server.in_ended)
		return EPOLLHUP | EPOLLET; /* he is gone altogether */
	return in_background(console) ? EPOLLIN | EPOLLET : EPOLLIN;
}

static void watch(struct console *console)
{
	int ret = console_watch_set(console->loop, &console->in_watch, wanted_events(console));

	if (ret == -EPERM) {
		console->in_always_ready = true;
		loop_event_raise(&console->wake);
	} else if (ret < 0) {
		console_input_stop(console);
	}
}

void console_input_feed(struct console *console)
{
	if (console->in_always_ready && !ring_used(&console->in))
		read_some(console);
	offer(console);
	if (console->in_always_ready && !ring_used(&console->in))
		loop_event_raise(&console->wake);
	watch(console);
}

/* The descriptor goes too: what is at its end polls as ready for ever. */
void console_input_stop(struct console *console)
{
	console_watch_set(console->loop, &console->in_watch, 0);
	console->in_always_ready = false;
	if (console->terminal)
		term_close();
	console->terminal = false;
	if (console->ends.in >= 0)
		close(console->ends.in);
	console->ends.in = -1;
}

static void readable(void *ctx, uint32_t events)
{
	struct console *console = ctx;

	(void)events;
	if (in_background(console))
		return;
	/* We may be in the foreground since any moment, whatever the watch was set for. */
	if (console->terminal && !term_is_raw())
		term_raw();
	read_some(console);
	console_input_feed(console);
}

void console_input_start(struct console *console)
{
	console->in = (struct ring){ .bytes = console->in_bytes, .size = CONSOLE_INPUT_SIZE };
	console->in_watch.source = (struct loop_fd){
		.fd = console->ends.in,
		.callback = readable,
		.ctx = console,
	};
	watch(console);
}

void console_input_open(struct console *console)
{
	console->in_watch.source.fd = console->ends.in;
	console_input_feed(console);
}

void console_input_resume(struct console *console)
{
	term_raw();
	console_input_feed(console);
}

void console_input_ready(struct console *console)
{
	if (atomic_exchange(&console->in_waits, false))
		loop_event_raise(&console->wake);
}
