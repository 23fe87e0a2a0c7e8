/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to answers, without a socket. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static void expect_answer(const char *request, const char *want)
{
	size_t len = 0;
	char *text = control_answer(&rig_config, request, strlen(request), &len);

	cr_assert_not_null(text);
	cr_expect_eq(len, strlen(want) + 1);
	cr_expect_eq(text[len - 1], '\n');
	cr_expect(!strncmp(text, want, strlen(want)), "%.*s, not %s", (int)len, text, want);
	free(text);
}

Test(answer, has_the_id_and_what_the_command_says)
{
	expect_answer("{\"id\":7,\"command\":\"echo\",\"text\":\"hi\"}",
		      "{\"id\":7,\"ok\":true,\"text\":\"hi\"}");
	expect_answer("{\"id\":[null,\"a\"],\"command\":\"echo\",\"text\":\"\"}",
		      "{\"id\":[null,\"a\"],\"ok\":true,\"text\":\"\"}");
	expect_answer("{\"command\":\"echo\",\"text\":\"hi\",\"more\":1}",
		      "{\"ok\":true,\"text\":\"hi\"}");
}

Test(answer, refuses_what_is_no_request)
{
	expect_answer("", "{\"ok\":false,\"error\":\"not JSON\"}");
	expect_answer("status", "{\"ok\":false,\"error\":\"not JSON\"}");
	expect_answer("[]", "{\"ok\":false,\"error\":\"not an object\"}");
	expect_answer("{\"id\":1}", "{\"id\":1,\"ok\":false,\"error\":\"a request needs a "
				    "\\\"command\\\", a string\"}");
	expect_answer("{\"id\":1,\"command\":2}", "{\"id\":1,\"ok\":false,\"error\":\"a request "
						  "needs a \\\"command\\\", a string\"}");
	expect_answer("{\"id\":\"x\",\"command\":\"jump\"}",
		      "{\"id\":\"x\",\"ok\":false,\"error\":\"no command \\\"jump\\\"\"}");
}

/* What a command put into its answer before it refused is not in the refusal. */
Test(answer, a_refusal_says_why_and_no_more)
{
	expect_answer("{\"id\":1,\"command\":\"echo\"}",
		      "{\"id\":1,\"ok\":false,\"error\":\"no text to echo\"}");
}

Test(answer, what_is_too_long_is_refused)
{
	expect_answer("{\"command\":\"long\",\"bytes\":2097152}",
		      "{\"ok\":false,\"error\":\"the answer is too long\"}");
}

Test(answer, a_long_name_is_cut)
{
	char request[400];

	snprintf(request, sizeof(request), "{\"command\":\"%0300d\"}", 0);
	expect_answer(request,
		      "{\"ok\":false,\"error\":\"no command "
		      "\\\"0000000000000000000000000000000000000000000000000000000000000000"
		      "\\\"\"}");
}
