/* SPDX-License-Identifier: Apache-2.0 */
/* A console's input: from the host to the sink, no faster than it takes it. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "console_internal.h"

static const char help_text[] = "\nCtrl-A x       end the machine\n"
				"Ctrl-A h       this help\n"
				"Ctrl-A Ctrl-A  send one Ctrl-A\n";

void console_input_ready(struct console *console)
{
	loop_event_raise(&console->kick);
}

/* Takes escapes out of what was typed; how many bytes are left for the guest. */
static size_t filter_escapes(struct console *console, uint8_t *buf, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		switch (escape_next(&console->escape, buf[i])) {
		case ESCAPE_PASS:
			buf[kept++] = buf[i];
			break;
		case ESCAPE_QUIT:
			console->quit(console->quit_ctx);
			break;
		case ESCAPE_HELP:
			console_write(console, (const uint8_t *)help_text, strlen(help_text));
			break;
		case ESCAPE_HOLD:
		case ESCAPE_DROP:
			break;
		}
	}
	return kept;
}

/*
 * Reads once. False at the input's end. A terminal is read to the full whether there is room or
 * not, for the escape that may be in it; what does not fit is lost, as in a terminal's own queue.
 */
static bool read_input(struct console *console)
{
	size_t room = sizeof(console->input) - console->input_len;
	uint8_t buf[INPUT_SIZE];
	ssize_t n = read(console->in.source.fd, buf, console->escapes ? sizeof(buf) : room);
	size_t kept = (size_t)n;

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (console->escapes)
		kept = filter_escapes(console, buf, (size_t)n);
	if (kept > room)
		kept = room;
	memcpy(console->input + console->input_len, buf, kept);
	console->input_len += kept;
	return true;
}

static void offer_input(struct console *console)
{
	size_t n;

	if (!console->input_len || !console->sink.input)
		return;
	n = console->sink.input(console->sink.ctx, console->input, console->input_len);
	console->input_len -= n;
	memmove(console->input, console->input + n, console->input_len);
}

/*
 * Only while all that was read has been taken, since one that has hung up is always ready; and a
 * terminal always, or a guest that takes nothing would take the escape from its user.
 */
static void watch_input(struct console *console)
{
	bool want = console->in.source.fd >= 0 && (console->escapes || !console->input_len);

	stream_watch(console->loop, &console->in, want ? EPOLLIN : 0);
}

static void read_and_offer(struct console *console)
{
	if (!read_input(console))
		stream_close(console->loop, &console->in);
	offer_input(console);
}

void input_ready(void *ctx, uint32_t events)
{
	struct console *console = ctx;

	(void)events;
	read_and_offer(console);
	watch_input(console);
}

/* A file is never reported as ready and always is: read as long as what it gives is taken. */
static bool may_read_file(const struct console *console)
{
	return console->in.source.fd >= 0 && !console->in.polls && console->sink.input &&
	       !console->input_len;
}

void input_pull(struct console *console)
{
	offer_input(console);
	while (may_read_file(console))
		read_and_offer(console);
	watch_input(console);
}
