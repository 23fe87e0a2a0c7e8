/* SPDX-License-Identifier: Apache-2.0 */
/* `arcvisor ctl` and `arcvisor stop`. */
#include "ctl/client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "control/json.h"
#include "control/server.h"
#include "ctl/cmdline.h"
#include "ctl/json_text.h"

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret = -ENAMETOOLONG;

	if (strlen(path) >= sizeof(addr.sun_path))
		goto fail;
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	ret = -errno;
	if (fd >= 0)
		close(fd);
fail:
	log_error("%s: no guest answers there: %s; give the path that --control had", path,
		  strerror(-ret));
	return ret;
}

/* VALUE as JSON where it is a whole number, true or false, else as text. */
static void put_argument(struct jval *request, const char *name, const char *value)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && !*end && !errno && number <= INT64_MAX)
		jval_put_u64(request, name, number);
	else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		jval_put_bool(request, name, *value == 't');
	else
		jval_put_string(request, name, value);
}

/* The request as a line, for free(3); NULL after one in the log. @words are COMMAND and the rest.
 */
static char *make_request(int count, char **words)
{
	struct jval *request = jval_object();
	char *text;

	jval_put_string(request, "command", words[0]);
	for (int i = 1; i < count; i++) {
		char *value = strchr(words[i], '=');

		if (!value || value == words[i]) {
			log_error("ctl: \"%.64s\" is no NAME=VALUE, such as vcpu=0", words[i]);
			jval_free(request);
			return NULL;
		}
		*value++ = '\0';
		put_argument(request, words[i], value);
	}
	text = jval_text(request);
	jval_free(request);
	if (!text || strlen(text) + 1 > CONTROL_MAX_LINE) {
		log_error("ctl: the request is too long or not UTF-8; give less");
		free(text);
		return NULL;
	}
	return text;
}

static int send_line(FILE *stream, const char *line)
{
	/* A server that is gone already may still have left what it had to say. */
	return fputs(line, stream) < 0 || fputc('\n', stream) < 0 || fflush(stream) < 0 ? -EPIPE
											: 0;
}

/* The next line without its end, for free(3), or NULL: there is none. */
static char *next_line(FILE *stream)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len = getline(&line, &size, stream);

	if (len <= 0 || line[len - 1] != '\n') {
		free(line);
		return NULL;
	}
	line[len - 1] = '\0';
	return line;
}

static struct jval *parse_line(const char *line)
{
	const char *why;

	return line ? jval_parse(line, strlen(line), &why) : NULL;
}

static int say_failure(const struct jval *answer)
{
	const char *why = jval_get_string(answer, "error");

	if (jval_is_true(answer, "ok"))
		return STATUS_OFF;
	log_error("%s", why ? why : "the guest ended before it answered");
	return STATUS_ERROR;
}

/* Opens the socket as a stream, and sends @request. NULL after one line in the log. */
static FILE *ask(const char *path, const char *request)
{
	int fd = connect_to(path);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "r+");

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (send_line(stream, request) < 0)
		log_debug("%s: the other side has closed", path);
	return stream;
}

static int exchange(const char *path, const char *request, bool raw, FILE *out)
{
	FILE *stream = ask(path, request);
	struct jval *answer;
	char *line;
	int status;

	if (!stream)
		return STATUS_ERROR;
	line = next_line(stream);
	answer = parse_line(line);
	status = raw && answer ? (jval_is_true(answer, "ok") ? STATUS_OFF : STATUS_ERROR)
			       : say_failure(answer);
	if (raw && answer)
		fprintf(out, "%s\n", line);
	else if (status == STATUS_OFF)
		json_text_print(answer, out);
	jval_free(answer);
	free(line);
	fclose(stream);
	return status;
}

int client_ctl(int argc, char **argv, FILE *out)
{
	int first = 1, status;
	bool raw = false;
	char *request;

	/* The command line's parser has been here: there is no option but --json. */
	for (; first < argc && argv[first][0] == '-' && strcmp(argv[first], "--") != 0; first++)
		raw = true;
	if (first < argc && strcmp(argv[first], "--") == 0)
		first++;

	if (argc < first + 2) {
		log_error("ctl needs PATH and COMMAND, such as arcvisor ctl guest.sock status");
		return STATUS_USAGE;
	}
	request = make_request(argc - first - 1, argv + first + 1);
	if (!request)
		return STATUS_USAGE;
	signal(SIGPIPE, SIG_IGN);
	status = exchange(argv[first], request, raw, out);
	free(request);
	return status;
}

/* Reads until the machine says why it ended; false where it just went. */
static int wait_end(FILE *stream, FILE *out)
{
	char *line;
	int status = STATUS_ERROR;

	while ((line = next_line(stream))) {
		struct jval *event = parse_line(line);
		const char *reason = jval_get_string(event, "reason");

		if (reason) {
			fprintf(out, "%s\n", reason);
			status = strcmp(reason, "off") == 0 ? STATUS_OFF : STATUS_ERROR;
		}
		jval_free(event);
		free(line);
	}
	return status;
}

int client_stop(int argc, char **argv, FILE *out)
{
	struct jval *answer;
	FILE *stream;
	char *line;
	int status;

	if (argc != 2) {
		log_error("stop needs PATH, the one that --control had");
		return STATUS_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	stream = ask(argv[1], "{\"command\":\"stop\"}");
	if (!stream)
		return STATUS_ERROR;
	line = next_line(stream);
	answer = parse_line(line);
	status = say_failure(answer);
	if (status == STATUS_OFF)
		status = wait_end(stream, out);
	jval_free(answer);
	free(line);
	fclose(stream);
	return status;
}
