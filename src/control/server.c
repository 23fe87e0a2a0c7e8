/* SPDX-License-Identifier: Apache-2.0 */
/* The server: who comes, who makes room, who is told. */
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "server_internal.h"

#define OPTION	"--control"
#define BACKLOG 8

static struct client *free_place(struct control_server *server)
{
	struct client *quietest = &server->clients[0];

	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct client *client = &server->clients[i];

		if (!client->server)
			return client;
		if (client->last_heard < quietest->last_heard)
			quietest = client;
	}
	client_close(quietest);
	return quietest;
}

int control_server_adopt(struct control_server *server, int fd)
{
	int ret = client_start(free_place(server), server, fd);

	if (ret < 0)
		close(fd);
	return ret;
}

/*
 * Without a descriptor for a client, the listener would stay readable for ever: the spare one takes
 * the client, who is turned away.
 */
static void turn_away(struct control_server *server)
{
	static struct log_limit limit = { .burst = 1 };
	int fd;

	log_limited(&limit, LOG_LEVEL_WARN, "control: no file descriptors for another client");
	close(server->spare);
	fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_listener(void *ctx, uint32_t events)
{
	struct control_server *server = ctx;
	int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		control_server_adopt(server, fd);
	else if (errno == EMFILE || errno == ENFILE)
		turn_away(server);
}

static int start(struct control_server *server)
{
	int ret;

	server->listener.fd = server->socket.fd;
	ret = loop_fd_add(server->loop, &server->listener, EPOLLIN);
	if (ret < 0)
		return ret;
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return 0;
}

int control_path_check(const char *path)
{
	return local_socket_check(OPTION, path);
}

int control_server_create(struct loop *loop, const struct control_config *config,
			  struct control_server **out)
{
	struct control_server *server = calloc(1, sizeof(*server));
	int ret;

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->config = *config;
	server->socket.fd = -1;
	server->listener = (struct loop_fd){ .fd = -1, .callback = on_listener, .ctx = server };
	server->spare = -1;
	*out = server;
	if (!config->path)
		return 0;
	ret = local_socket_listen(OPTION, config->path, BACKLOG, &server->socket);
	if (ret == 0)
		ret = start(server);
	if (ret < 0)
		control_server_destroy(server);
	return ret;
}

void control_server_destroy(struct control_server *server)
{
	if (!server)
		return;
	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++)
		if (server->clients[i].server)
			client_close(&server->clients[i]);
	if (server->listener.fd >= 0)
		loop_fd_remove(server->loop, &server->listener);
	if (server->config.path)
		local_socket_close(server->config.path, &server->socket);
	if (server->spare >= 0)
		close(server->spare);
	free(server);
}

void control_server_tell(struct control_server *server, struct jval *event)
{
	char *text = jval_text(event);
	size_t len = text ? strlen(text) : 0;

	jval_free(event);
	if (!text)
		return;
	text[len] = '\n';
	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++) {
		struct client *client = &server->clients[i];

		/* In the middle of an answer it would be part of that. */
		if (client->server && !client->out &&
		    send(client->source.fd, text, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_debug("control: a client was not told");
	}
	free(text);
}

unsigned int control_server_clients(const struct control_server *server)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CONTROL_MAX_CLIENTS; i++)
		n += server->clients[i].server != NULL;
	return n;
}
