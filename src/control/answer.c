/* SPDX-License-Identifier: Apache-2.0 */
/* From a request's text to its answer's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/server.h"

#define MAX_REASON 256

int control_refuse(struct jval *answer, const char *fmt, ...)
{
	char reason[MAX_REASON];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	jval_put_string(answer, "error", reason);
	return -EINVAL;
}

static const struct control_command *find(const struct control_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->nr_commands; i++)
		if (strcmp(config->commands[i].name, name) == 0)
			return &config->commands[i];
	return NULL;
}

static int run(const struct control_config *config, const struct jval *request, struct jval *answer)
{
	const char *name = jval_get_string(request, "command");
	const struct control_command *command = name ? find(config, name) : NULL;

	if (!name)
		return control_refuse(answer, "a request needs a \"command\", a string");
	if (!command)
		return control_refuse(answer, "no command \"%.64s\"", name);
	return command->run(config->ctx, request, answer);
}

/* An answer with the id of @request, which may be NULL. */
static struct jval *begin(const struct jval *request, bool ok)
{
	struct jval *answer = jval_object();
	const struct jval *id = jval_get(request, "id");

	if (id)
		jval_put(answer, "id", jval_share(id));
	jval_put_bool(answer, "ok", ok);
	return answer;
}

/* Nothing of what a command had to say before it refused. */
static struct jval *refusal(const struct jval *request, struct jval *answer, const char *why)
{
	struct jval *refused = begin(request, false);

	jval_put_string(refused, "error", why ? why : "it failed");
	jval_free(answer);
	return refused;
}

static struct jval *answer_to(const struct control_config *config, const char *line, size_t len)
{
	const char *why = NULL;
	struct jval *request = jval_parse(line, len, &why);
	struct jval *answer = NULL;

	if (!request)
		return refusal(NULL, NULL, why);
	answer = begin(request, true);
	if (run(config, request, answer) < 0)
		answer = refusal(request, answer, jval_get_string(answer, "error"));
	jval_free(request);
	return answer;
}

char *control_answer(const struct control_config *config, const char *line, size_t len,
		     size_t *out_len)
{
	struct jval *answer = answer_to(config, line, len);
	char *text = jval_text(answer);
	size_t text_len = text ? strlen(text) : 0;

	jval_free(answer);
	if (text_len >= CONTROL_MAX_ANSWER) {
		free(text);
		text = strdup("{\"ok\":false,\"error\":\"the answer is too long\"}");
		text_len = text ? strlen(text) : 0;
	}
	if (!text)
		return NULL;
	text[text_len] = '\n'; /* in place of its end */
	*out_len = text_len + 1;
	return text;
}
