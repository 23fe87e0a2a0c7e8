/* SPDX-License-Identifier: Apache-2.0 */
/* A console's life, and what its two directions share. */
#include "console/console.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"
#include "term.h"

int console_watch_set(struct loop *loop, struct console_watch *watch, uint32_t events)
{
	int ret = 0;

	if (events == watch->events)
		return 0;
	if (!events)
		loop_fd_remove(loop, &watch->source);
	else if (!watch->events)
		ret = loop_fd_add(loop, &watch->source, events);
	else
		ret = loop_fd_modify(loop, &watch->source, events);
	if (ret == 0)
		watch->events = events;
	return ret;
}

static void woken(void *ctx)
{
	struct console *console = ctx;

	if (console_output_awake(console))
		console_output_pump(console);
	console_input_feed(console);
}

static void resized(struct console *console)
{
	if (console->sink && console->sink->resized)
		console->sink->resized(console->sink->ctx);
}

/*
 * SIGTTIN and SIGTTOU need no answer: they are blocked, so that the terminal's driver says EIO to
 * a background job's read and lets its write pass, in place of stopping it.
 */
static void on_job_control(void *ctx, int signo)
{
	struct console *console = ctx;

	if (signo == SIGTSTP) {
		term_restore();
		raise(SIGSTOP);
	} else if (signo == SIGCONT && console->terminal) {
		console_input_resume(console);
	}
	/* While we were stopped it may have changed, too. */
	if (signo == SIGWINCH || signo == SIGCONT)
		resized(console);
}

static int catch_job_control(struct console *console)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	sigaddset(&set, SIGWINCH);
	return loop_signal_init(console->loop, &console->job_control, &set, on_job_control,
				console);
}

static int take_terminal(struct console *console)
{
	int ret = catch_job_control(console);

	if (ret < 0)
		return ret;
	ret = term_open(console->ends.in);
	if (ret < 0) {
		loop_signal_fini(console->loop, &console->job_control);
		return ret;
	}
	console->job_controlled = true;
	console->terminal = true;
	term_raw();
	return 0;
}

static int start(struct console *console, const struct console_config *config)
{
	int ret = loop_event_init(console->loop, &console->wake, woken, console);

	if (ret < 0)
		return ret;
	ret = loop_timer_init(console->loop, &console->gather, console_output_gathered, console);
	if (ret < 0)
		goto fail_wake;
	if (config->kind == CONSOLE_STDIO && console->ends.in >= 0 && isatty(console->ends.in))
		ret = take_terminal(console);
	if (ret < 0)
		goto fail_gather;
	/* A reader that is gone is EPIPE from write(2). */
	signal(SIGPIPE, SIG_IGN);
	console_output_init(console);
	console_input_start(console);
	return 0;

fail_gather:
	loop_timer_fini(console->loop, &console->gather);
fail_wake:
	loop_event_fini(console->loop, &console->wake);
	return ret;
}

int console_create(struct loop *loop, const struct console_config *config, void (*quit)(void *ctx),
		   void *quit_ctx, struct console **out)
{
	struct console *console = calloc(1, sizeof(*console));
	int ret;

	if (!console) {
		log_error("cannot make a console: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	console->loop = loop;
	console->quit = quit;
	console->quit_ctx = quit_ctx;
	console->name = config->name ? config->name : "console";
	console->server.socket.fd = -1;
	ret = console_ends_open(config, &console->ends);
	if (ret < 0)
		goto fail;
	ret = start(console, config);
	if (ret < 0) {
		log_error("cannot make a console: %s", strerror(-ret));
		goto fail_ends;
	}
	ret = config->kind == CONSOLE_SOCKET ? console_server_start(console, config->path) : 0;
	if (ret < 0) {
		console_destroy(console);
		return ret;
	}
	*out = console;
	return 0;

fail_ends:
	console_ends_close(&console->ends);
fail:
	free(console);
	return ret;
}

/* The terminal comes last, so that what is left of the output is written as it was meant. */
void console_destroy(struct console *console)
{
	if (!console)
		return;
	console->sink = NULL;
	console_server_stop(console);
	console_output_stop(console);
	console_input_stop(console);
	if (console->job_controlled)
		loop_signal_fini(console->loop, &console->job_control);
	loop_timer_fini(console->loop, &console->gather);
	loop_event_fini(console->loop, &console->wake);
	console_ends_close(&console->ends);
	free(console);
}

void console_attach(struct console *console, const struct console_sink *sink)
{
	console->sink = sink;
	/* What was typed before it came. */
	loop_event_raise(&console->wake);
}

bool console_is_connected(const struct console *console)
{
	return console->server.socket.fd < 0 || console->server.client;
}

void console_get_size(const struct console *console, uint16_t *cols, uint16_t *rows)
{
	struct winsize size = { 0 };

	if (ioctl(console->ends.in, TIOCGWINSZ, &size) < 0 &&
	    ioctl(console->ends.out, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){ 0 };
	*cols = size.ws_col;
	*rows = size.ws_row;
}
