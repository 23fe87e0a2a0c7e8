/* SPDX-License-Identifier: Apache-2.0 */
/* Who connects to a console's socket: one at a time is its other end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "console_internal.h"

#define BACKLOG 8

static void tell(struct console *console)
{
	if (console->sink && console->sink->connected)
		console->sink->connected(console->sink->ctx);
}

/* Edges alone: where there are no more descriptors, those who wait would wake us for ever. */
static void watch(struct console *console, bool on)
{
	int ret = console_watch_set(console->loop, &console->server.watch,
				    on ? EPOLLIN | EPOLLET : 0);

	if (ret < 0)
		log_error("%s: nobody can connect any more: %s", console->name, strerror(-ret));
}

/* epoll takes a descriptor once, so input and output have one each. */
static bool take(struct console *console, int fd)
{
	int out = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (out < 0) {
		close(fd);
		return false;
	}
	console->ends.in = fd;
	console->ends.out = out;
	console->server.client = true;
	console->server.in_ended = false;
	return true;
}

static void arrived(void *ctx, uint32_t events)
{
	struct console *console = ctx;
	static struct log_limit limit = { .burst = 5 };
	int fd = accept4(console->server.socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
		return;
	if (fd < 0 || !take(console, fd)) {
		log_limited(&limit, LOG_LEVEL_WARN, "%s: cannot take a connection: %s",
			    console->name, strerror(errno));
		return;
	}
	watch(console, false);
	console_output_open(console);
	tell(console);
	console_input_open(console);
}

bool console_server_ended(struct console *console)
{
	struct pollfd look = { .fd = console->ends.in };

	if (poll(&look, 1, 0) == 0)
		return true;
	console_server_lost(console);
	return false;
}

void console_server_lost(struct console *console)
{
	console->server.client = console->server.in_ended = false;
	console_watch_set(console->loop, &console->in_watch, 0);
	console_output_close(console);
	console_ends_close(&console->ends);
	tell(console);
	watch(console, true);
}

int console_server_start(struct console *console, const char *path)
{
	int ret = local_socket_listen(console->name, path, BACKLOG, &console->server.socket);

	if (ret < 0)
		return ret;
	console->server.path = path;
	console->server.watch.source = (struct loop_fd){
		.fd = console->server.socket.fd,
		.callback = arrived,
		.ctx = console,
	};
	watch(console, true);
	return 0;
}

/* Who is connected gets what is left of the output (console_output_stop()). */
void console_server_stop(struct console *console)
{
	if (console->server.socket.fd < 0)
		return;
	watch(console, false);
	local_socket_close(console->server.path, &console->server.socket);
}
