/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct loop *rig_loop;
struct control_server *rig_server;
char rig_folder[32], rig_path[64];

static unsigned int nr_run;

static int run_echo(void *ctx, const struct jval *request, struct jval *answer)
{
	const char *text = jval_get_string(request, "text");

	(void)ctx;
	nr_run++;
	jval_put_string(answer, "text", text ? text : "");
	return text ? 0 : control_refuse(answer, "no text to echo");
}

static int run_long(void *ctx, const struct jval *request, struct jval *answer)
{
	uint64_t bytes = 0;
	char *text;

	(void)ctx;
	nr_run++;
	cr_assert_eq(jval_get_u64(request, "bytes", &bytes), 0);
	text = malloc(bytes + 1);
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	jval_put_string(answer, "text", text);
	free(text);
	return 0;
}

static int run_stop(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)ctx;
	(void)request;
	(void)answer;
	nr_run++;
	loop_stop(rig_loop);
	return 0;
}

static int run_count(void *ctx, const struct jval *request, struct jval *answer)
{
	(void)ctx;
	(void)request;
	jval_put_u64(answer, "count", nr_run);
	return 0;
}

static const struct control_command commands[] = {
	{ "echo", run_echo },
	{ "long", run_long },
	{ "stop", run_stop },
	{ "count", run_count },
};

struct control_config rig_config = { .path = rig_path, .commands = commands, .nr_commands = 4 };

void rig_init(void)
{
	nr_run = 0;
	strcpy(rig_folder, "/tmp/control.XXXXXX");
	cr_assert_not_null(mkdtemp(rig_folder));
	snprintf(rig_path, sizeof(rig_path), "%s/socket", rig_folder);
	cr_assert_eq(loop_create(&rig_loop), 0);
	cr_assert_eq(control_server_create(rig_loop, &rig_config, &rig_server), 0);
}

void rig_fini(void)
{
	control_server_destroy(rig_server);
	loop_destroy(rig_loop);
	unlink(rig_path);
	cr_expect_eq(rmdir(rig_folder), 0);
}

static void nothing(void *ctx)
{
	(void)ctx;
	loop_stop(rig_loop);
}

/*
 * An event of our own ends the run: epoll gives what is ready in turns, so that after as many turns
 * as there can be clients nothing was left out.
 */
void rig_run(void)
{
	struct loop_event event;

	cr_assert_eq(loop_event_init(rig_loop, &event, nothing, NULL), 0);
	for (unsigned int i = 0; i < 64; i++) {
		loop_event_raise(&event);
		cr_assert_eq(loop_run(rig_loop), 0);
	}
	loop_event_fini(rig_loop, &event);
}

int rig_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	strcpy(addr.sun_path, rig_path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "%s", strerror(errno));
	return fd;
}

void rig_send_bytes(int fd, const void *buf, size_t len)
{
	cr_assert_eq(send(fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)len, "%s",
		     strerror(errno));
}

void rig_send(int fd, const char *text)
{
	rig_send_bytes(fd, text, strlen(text));
}

const char *rig_receive(int fd, bool *closed)
{
	static char text[4u << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	if (closed)
		*closed = n == 0 || errno != EAGAIN;
	return text;
}

void rig_expect(int fd, const char *request, const char *want)
{
	bool closed;

	rig_send(fd, request);
	rig_run();
	cr_expect_str_eq(rig_receive(fd, &closed), want);
	cr_expect_not(closed);
}
