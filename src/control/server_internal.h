/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/control: a server and its clients. */
#ifndef ARCVISOR_SRC_CONTROL_SERVER_INTERNAL_H
#define ARCVISOR_SRC_CONTROL_SERVER_INTERNAL_H

#include "base/local_socket.h"
#include "control/server.h"

struct client {
	struct control_server *server; /* NULL: the place is free */
	struct loop_fd source;
	uint64_t last_heard; /* the server's count of what came, when it last came from this one */
	bool ending;	     /* nothing more is read: closed when the output is gone */
	size_t in_len;
	char in[CONTROL_MAX_LINE];
	char *out; /* the answer under way, or NULL */
	size_t out_len, out_sent;
};

struct control_server {
	struct loop *loop;
	struct control_config config;
	struct loop_fd listener; /* fd -1: clients come by adoption only */
	int spare;		 /* a descriptor to give up where there are no more */
	struct local_socket socket;
	uint64_t heard;
	struct client clients[CONTROL_MAX_CLIENTS];
};

/* client.c */
int client_start(struct client *client, struct control_server *server, int fd);
void client_close(struct client *client);
void client_send(struct client *client, char *text, size_t len); /* takes @text */

#endif
