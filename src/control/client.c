/* SPDX-License-Identifier: Apache-2.0 */
/* One client: lines in, answers out, never both at once and never waiting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_internal.h"

void client_close(struct client *client)
{
	loop_fd_remove(client->server->loop, &client->source);
	close(client->source.fd);
	free(client->out);
	client->out = NULL;
	client->server = NULL;
}

/* Sends what it can. False: the client is gone. */
static bool push(struct client *client)
{
	ssize_t n;

	while (client->out) {
		n = send(client->source.fd, client->out + client->out_sent,
			 client->out_len - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		client->out_sent += (size_t)n;
		if (client->out_sent < client->out_len)
			continue;
		free(client->out);
		client->out = NULL;
	}
	return true;
}

void client_send(struct client *client, char *text, size_t len)
{
	client->out = text;
	client->out_len = len;
	client->out_sent = 0;
}

static void answer(struct client *client, const char *line, size_t len)
{
	size_t out_len;
	char *out = control_answer(&client->server->config, line, len, &out_len);

	if (out)
		client_send(client, out, out_len);
	else
		client->ending = true;
}

static void refuse_long_line(struct client *client)
{
	static const char text[] =
		"{\"ok\":false,\"error\":\"a request has at most 4096 bytes\"}\n";
	char *copy = strdup(text);

	client->ending = true;
	if (copy)
		client_send(client, copy, sizeof(text) - 1);
}

_Static_assert(CONTROL_MAX_LINE == 4096, "the refusal names it");

/* A line ends at LF; a CR before that is blank to a JSON parser. */
static bool take_line(struct client *client)
{
	char *end = memchr(client->in, '\n', client->in_len);
	size_t len;

	if (!end) {
		if (client->in_len == sizeof(client->in))
			refuse_long_line(client);
		return false;
	}
	len = (size_t)(end - client->in);
	if (len && !(len == 1 && client->in[0] == '\r'))
		answer(client, client->in, len);
	client->in_len -= len + 1;
	memmove(client->in, end + 1, client->in_len);
	return true;
}

/* Answers what is there, one answer at a time. False: the client is gone. */
static bool serve(struct client *client)
{
	while (!client->out && !client->ending && take_line(client))
		if (!push(client))
			return false;
	return push(client);
}

/* What comes after the other side has shut its own down is nothing, but it may still listen. */
static bool receive(struct client *client)
{
	ssize_t n = recv(client->source.fd, client->in + client->in_len,
			 sizeof(client->in) - client->in_len, MSG_DONTWAIT);
	bool alive;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->in_len += (size_t)n;
	client->last_heard = ++client->server->heard;
	alive = serve(client);
	if (n == 0)
		client->ending = true;
	return alive;
}

/* While an answer waits to be taken, nothing is read. */
static bool watch(struct client *client)
{
	if (client->out)
		return loop_fd_modify(client->server->loop, &client->source, EPOLLOUT) == 0;
	return !client->ending &&
	       loop_fd_modify(client->server->loop, &client->source, EPOLLIN) == 0;
}

static void on_events(void *ctx, uint32_t events)
{
	struct client *client = ctx;
	bool alive = true;

	if (events & EPOLLOUT)
		alive = push(client) && serve(client);
	else if (events & EPOLLIN)
		alive = receive(client);
	else
		alive = false; /* EPOLLHUP or EPOLLERR alone: nobody is there to take an answer */
	if (!alive || !watch(client))
		client_close(client);
}

int client_start(struct client *client, struct control_server *server, int fd)
{
	int ret;

	client->source = (struct loop_fd){ .fd = fd, .callback = on_events, .ctx = client };
	ret = loop_fd_add(server->loop, &client->source, EPOLLIN);
	if (ret < 0)
		return ret;
	client->server = server;
	client->ending = false;
	client->in_len = 0;
	client->out = NULL;
	client->last_heard = ++server->heard;
	return 0;
}
