/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: a unix stream socket, one JSON object a line each way (docs/control.md).
 *
 * Serves a table of commands and knows nothing of what they do. All of it is the loop's thread's.
 * No client can hold up another or the loop: input and output never wait, a client's requests are
 * not read while it has not taken the answers to those before, and where all places are taken the
 * client that was quiet longest makes room.
 */
#ifndef ARCVISOR_CONTROL_SERVER_H
#define ARCVISOR_CONTROL_SERVER_H

#include "control/json.h"
#include "loop/loop.h"

#define CONTROL_MAX_LINE    4096u      /* bytes of a request, its end included */
#define CONTROL_MAX_ANSWER  (2u << 20) /* bytes of an answer, its end included */
#define CONTROL_MAX_CLIENTS 32u

struct control_command {
	const char *name;
	/*
	 * Does what @request asks for and puts what it has to say into @answer, which has the
	 * request's id and "ok" already. 0, or what control_refuse() gives. May end the loop's
	 * run, but not destroy the server.
	 */
	int (*run)(void *ctx, const struct jval *request, struct jval *answer);
};

/* Makes @answer a refusal that says why, in words for a person. -EINVAL, for the command to give.
 */
__attribute__((format(printf, 2, 3))) int control_refuse(struct jval *answer, const char *fmt, ...);

struct control_config {
	const char *path;
	const struct control_command *commands;
	unsigned int nr_commands;
	void *ctx; /* of the commands */
};

/*
 * The answer to one request of @len bytes without its line's end: a line with one, for free(3), its
 * length in *@out_len. NULL where there is no memory.
 */
char *control_answer(const struct control_config *config, const char *line, size_t len,
		     size_t *out_len);

/*
 * Whether a socket can be made at @path: 0, or -errno after one line in the log. Somebody else's
 * file, a socket that is served, or a path that is too long (107 bytes) cannot be.
 */
int control_path_check(const char *path);

struct control_server;

/*
 * Makes the socket, with mode 0600 whatever the umask, in place of one that nobody serves any more.
 * 0, or -errno after one line in the log. @config is copied, its strings and commands are not.
 */
int control_server_create(struct loop *loop, const struct control_config *config,
			  struct control_server **out);

/* Closes what is open and removes the socket, if it is still this one's. NULL is fine. */
void control_server_destroy(struct control_server *server);

/* Sends @event to every client that can take it at once, and frees it. */
void control_server_tell(struct control_server *server, struct jval *event);

/*
 * Serves the connected socket @fd, which becomes the server's, as if it had been accepted. 0 or
 * -errno.
 */
int control_server_adopt(struct control_server *server, int fd);

unsigned int control_server_clients(const struct control_server *server);

#endif
