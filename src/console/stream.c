/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void stream_init(struct stream *stream, void (*callback)(void *ctx, uint32_t events), void *ctx)
{
	*stream = (struct stream){
		.source = { .fd = -1, .callback = callback, .ctx = ctx },
	};
}

void stream_close(struct loop *loop, struct stream *stream)
{
	stream_watch(loop, stream, 0);
	if (stream->owned && stream->source.fd >= 0)
		close(stream->source.fd);
	stream->source.fd = -1;
}

/* The other side of a pseudo terminal passes for a terminal; to open it makes a new one. */
static bool is_terminal(int fd)
{
	char name[32];

	return isatty(fd) && ptsname_r(fd, name, sizeof(name)) != 0;
}

/*
 * A terminal that polls as writable may take one byte and make write(2) wait for room for the
 * rest. O_NONBLOCK belongs to the open file, which a shell shares with us: so we open our own.
 */
void stream_open_standard(struct stream *stream, int fd, int flags)
{
	char path[32];
	int own = -1;

	if (fcntl(fd, F_GETFD) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (is_terminal(fd))
		own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	stream->owned = own >= 0;
	stream->source.fd = stream->owned ? own : fd;
}

int stream_probe(struct loop *loop, struct stream *stream)
{
	int ret;

	if (stream->source.fd < 0)
		return 0;
	ret = loop_fd_add(loop, &stream->source, 0);
	if (ret < 0)
		return ret == -EPERM ? 0 : ret; /* files are always ready, and epoll refuses them */
	loop_fd_remove(loop, &stream->source);
	stream->polls = true;
	return 0;
}

void stream_watch(struct loop *loop, struct stream *stream, uint32_t events)
{
	bool want = events != 0;

	if (!stream->polls || stream->watched == want)
		return;
	if (want) {
		stream->watched = loop_fd_add(loop, &stream->source, events) == 0;
		return;
	}
	loop_fd_remove(loop, &stream->source);
	stream->watched = false;
}
