/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: the input is what a client sends, in pieces. A piece is a byte of length and
 * so many bytes; after each the loop runs, and what came back is whole lines of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/server.h"
#include "input.h"

static struct loop *loop;
static struct loop_event turn_end;

/* Reads every kind of argument, and says it again. */
static int run_say(void *ctx, const struct jval *request, struct jval *answer)
{
	const char *text = jval_get_string(request, "text");
	uint64_t number;

	(void)ctx;
	if (text)
		jval_put_string(answer, "text", text);
	if (jval_get_u64(request, "number", &number) == 0)
		jval_put_u64(answer, "number", number);
	jval_put_bool(answer, "flag", jval_is_true(request, "flag"));
	return 0;
}

static int run_refuse(void *ctx, const struct jval *request, struct jval *answer)
{
	const char *text = jval_get_string(request, "text");

	(void)ctx;
	return control_refuse(answer, "not with \"%s\"", text ? text : "");
}

static const struct control_command commands[] = {
	{ "say", run_say },
	{ "refuse", run_refuse },
};

static const struct control_config config = { .commands = commands, .nr_commands = 2 };

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

/* What is ready when the event is raised is served before or after it: twice is all. */
static void run_loop(void)
{
	for (int i = 0; i < 2; i++) {
		loop_event_raise(&turn_end);
		fuzz_check(loop_run(loop) == 0);
	}
}

static void check_line(const char *line, size_t len)
{
	const char *why = NULL;
	struct jval *answer = jval_parse(line, len, &why);

	/* An id may be nested as deep as is taken, and the answer has it one object deeper. */
	fuzz_check(answer);
	fuzz_check(jval_is_true(answer, "ok") || jval_get_string(answer, "error"));
	jval_free(answer);
}

/* Answers fit into the socket's buffer: they are about as long as requests. */
static unsigned int check_answers(int fd)
{
	static char buf[1 << 18];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	unsigned int lines = 0;
	char *line = buf;

	if (n <= 0)
		return 0;
	fuzz_check((size_t)n < sizeof(buf) && buf[n - 1] == '\n');
	for (char *end; line < buf + n; line = end + 1, lines++) {
		end = memchr(line, '\n', (size_t)(buf + n - line));
		check_line(line, (size_t)(end - line));
	}
	return lines;
}

static void serve(struct control_server *server, int fd, struct fuzz_input *in)
{
	unsigned int asked = 1, answered = 0; /* one for a line that is too long */
	uint8_t piece[256];

	while (in->left && control_server_clients(server)) {
		size_t len = fuzz_upto(in, 255);

		len = len < in->left ? len : in->left;
		fuzz_take(in, piece, len);
		for (size_t i = 0; i < len; i++)
			asked += piece[i] == '\n';
		if (send(fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			fuzz_check(errno == EPIPE || errno == ECONNRESET);
		run_loop();
		answered += check_answers(fd);
	}
	fuzz_check(answered <= asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct control_server *server;
	int fds[2];

	fuzz_check(loop_create(&loop) == 0);
	fuzz_check(loop_event_init(loop, &turn_end, stop, NULL) == 0);
	fuzz_check(control_server_create(loop, &config, &server) == 0);
	fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	fuzz_check(control_server_adopt(server, fds[0]) == 0);
	serve(server, fds[1], &in);
	close(fds[1]);
	run_loop();
	fuzz_check(control_server_clients(server) == 0);
	control_server_destroy(server);
	loop_event_fini(loop, &turn_end);
	loop_destroy(loop);
	return 0;
}
