/* SPDX-License-Identifier: Apache-2.0 */
/* Consoles: what they are made of, from their making to their end. */
#include "console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"
#include "term.h"

static void kicked(void *ctx)
{
	struct console *console = ctx;

	if (output_pending(console))
		output_push(console);
	input_pull(console);
}

void console_attach(struct console *console, const struct console_sink *sink)
{
	console->sink = sink ? *sink : (struct console_sink){ 0 };
	if (sink)
		loop_event_raise(&console->kick);
}

static int open_stdio(struct console *console)
{
	int ret;

	stream_open_standard(&console->in, STDIN_FILENO, O_RDONLY);
	stream_open_standard(&console->out, STDOUT_FILENO, O_WRONLY);
	if (console->in.source.fd < 0)
		return 0;
	ret = term_raw(STDIN_FILENO);
	if (ret < 0 && ret != -ENOTTY)
		log_warn("the terminal stays as it is: %s", strerror(-ret));
	console->escapes = ret == 0;
	return 0;
}

static int open_file(struct console *console, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	int ret = fd < 0 ? -errno : 0;

	if (ret < 0) {
		log_error("--console %s: cannot be written: %s", path, strerror(-ret));
		return ret;
	}
	console->out.source.fd = fd;
	console->out.owned = true;
	return 0;
}

static int open_pty(struct console *console)
{
	int ret = pty_open(&console->pty);

	if (ret < 0)
		goto fail;
	console->out.source.fd = console->pty.fd;
	/* epoll takes a descriptor once. */
	console->in.source.fd = fcntl(console->pty.fd, F_DUPFD_CLOEXEC, 0);
	if (console->in.source.fd < 0) {
		ret = -errno;
		goto fail;
	}
	console->in.owned = true;
	log_warn("the console is %s", ptsname(console->pty.fd));
	return 0;

fail:
	log_error("--console pty: cannot make a pseudo terminal: %s", strerror(-ret));
	return ret;
}

static int open_streams(struct console *console, const struct console_config *config)
{
	switch (config->kind) {
	case CONSOLE_STDIO:
		return open_stdio(console);
	case CONSOLE_FILE:
		return open_file(console, config->path);
	case CONSOLE_PTY:
		return open_pty(console);
	case CONSOLE_NONE:
		break;
	}
	return 0;
}

static void close_streams(struct console *console)
{
	stream_close(console->loop, &console->in);
	stream_close(console->loop, &console->out);
	pty_close(&console->pty);
	term_restore();
}

static int open_console(struct console *console, const struct console_config *config)
{
	int ret;

	stream_init(&console->in, input_ready, console);
	stream_init(&console->out, output_ready, console);
	console->pty = (struct pty){ .fd = -1, .peer = -1 };
	ret = open_streams(console, config);
	if (ret == 0)
		ret = stream_probe(console->loop, &console->in);
	if (ret == 0)
		ret = stream_probe(console->loop, &console->out);
	if (ret < 0)
		close_streams(console);
	return ret;
}

int console_create(struct loop *loop, const struct console_config *config, void (*quit)(void *ctx),
		   void *quit_ctx, struct console **out)
{
	struct console *console = calloc(1, sizeof(*console));
	int ret;

	if (!console)
		return -ENOMEM;
	console->loop = loop;
	console->quit = quit;
	console->quit_ctx = quit_ctx;
	pthread_mutex_init(&console->lock, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader that goes is an error of write(2) */

	/* First, or a descriptor made here is taken for a standard one that is closed. */
	ret = open_console(console, config);
	if (ret < 0)
		goto fail;
	ret = loop_event_init(loop, &console->kick, kicked, console);
	if (ret < 0)
		goto fail_streams;
	ret = loop_timer_init(loop, &console->gather, output_gathered, console);
	if (ret < 0)
		goto fail_kick;
	loop_event_raise(&console->kick);
	*out = console;
	return 0;

fail_kick:
	loop_event_fini(loop, &console->kick);
fail_streams:
	close_streams(console);
fail:
	pthread_mutex_destroy(&console->lock);
	free(console);
	return ret;
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	output_flush(console);
	close_streams(console);
	loop_timer_fini(console->loop, &console->gather);
	loop_event_fini(console->loop, &console->kick);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
