/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is taken, what is refused, what comes out. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/json.h"

static const char *refusal(const char *text)
{
	const char *why = NULL;
	struct jval *val = jval_parse(text, strlen(text), &why);

	cr_assert_null(val, "%s", text);
	return why;
}

static void expect_text(struct jval *val, const char *want)
{
	char *text = jval_text(val);

	cr_expect_str_eq(text, want);
	free(text);
	jval_free(val);
}

Test(json, takes_an_object)
{
	static const char text[] = "{\"a\":1,\"b\":\"x\\u00e4\",\"c\":[true,null,2.5],\"d\":{}}";
	const char *why = NULL;
	struct jval *val = jval_parse(text, sizeof(text) - 1, &why);
	uint64_t number;

	cr_assert_not_null(val, "%s", why);
	cr_expect_eq(jval_get_u64(val, "a", &number), 0);
	cr_expect_eq(number, 1);
	cr_expect_str_eq(jval_get_string(val, "b"), "x\xc3\xa4");
	cr_expect_null(jval_get_string(val, "a"));
	cr_expect_eq(jval_get_u64(val, "b", &number), -EINVAL);
	cr_expect_eq(jval_get_u64(val, "z", &number), -ENOENT);
	cr_expect_eq(jval_kind(jval_get(val, "c")), JVAL_ARRAY);
	cr_expect_eq(jval_kind(jval_get(val, "d")), JVAL_OBJECT);
	expect_text(val, "{\"a\":1,\"b\":\"x\xc3\xa4\",\"c\":[true,null,2.5],\"d\":{}}");
}

Test(json, says_what_is_wrong)
{
	cr_expect_str_eq(refusal(""), "not JSON");
	cr_expect_str_eq(refusal("{"), "not JSON");
	cr_expect_str_eq(refusal("{} {}"), "not JSON");
	cr_expect_str_eq(refusal("{\"a\":\"\\u0000\"}"), "not JSON");
	cr_expect_str_eq(refusal("[1]"), "not an object");
	cr_expect_str_eq(refusal("{\"a\":1,\"a\":2}"), "a name stands twice in an object");
	cr_expect_str_eq(refusal("{\"\xff\":1}"), "not UTF-8");
	cr_expect_str_eq(refusal("{\"a\":99999999999999999999}"), "a number is too large");
}

Test(json, nesting_is_bounded)
{
	char text[2 * JVAL_MAX_DEPTH + 16];
	struct jval *val;
	const char *why;
	size_t depth = JVAL_MAX_DEPTH - 1;

	strcpy(text, "{\"\":");
	memset(text + 4, '[', depth);
	memset(text + 4 + depth, ']', depth);
	strcpy(text + 4 + 2 * depth, "}");
	val = jval_parse(text, strlen(text), &why);
	cr_expect_not_null(val);
	jval_free(val);
	memset(text + 4, '[', depth + 1);
	memset(text + 5 + depth, ']', depth + 1);
	strcpy(text + 6 + 2 * depth, "}");
	cr_expect_str_eq(refusal(text), "nested too deep");
}

/* Brackets in strings nest nothing, and an escaped quote does not end one. */
Test(json, brackets_in_strings_do_not_nest)
{
	static const char text[] = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[\"}";
	const char *why;
	struct jval *val = jval_parse(text, sizeof(text) - 1, &why);

	cr_expect_not_null(val);
	jval_free(val);
}

Test(json, makes_what_it_is_told)
{
	struct jval *val = jval_object(), *array = jval_array(), *item = jval_object();

	jval_put_string(val, "s", "a\"\n");
	jval_put_bool(val, "t", true);
	jval_put_u64(val, "n", INT64_MAX);
	jval_put_hex(val, "h", UINT64_MAX);
	jval_put_u64(item, "i", 0);
	jval_append(array, item);
	jval_put(val, "a", array);
	cr_expect(jval_is_true(val, "t"));
	cr_expect_not(jval_is_true(val, "n"));
	expect_text(val, "{\"s\":\"a\\\"\\n\",\"t\":true,\"n\":9223372036854775807,"
			 "\"h\":\"0xffffffffffffffff\",\"a\":[{\"i\":0}]}");
}

Test(json, a_shared_value_outlives_the_first)
{
	const char *why;
	struct jval *first = jval_parse("{\"id\":[7]}", 10, &why), *second = jval_object();

	jval_put(second, "id", jval_share(jval_get(first, "id")));
	jval_free(first);
	expect_text(second, "{\"id\":[7]}");
}

Test(json, nothing_is_taken)
{
	jval_free(NULL);
	jval_put(NULL, "a", jval_object());
	jval_append(NULL, jval_array());
	jval_put_u64(NULL, "a", 1);
	cr_expect_null(jval_get(NULL, "a"));
	cr_expect_null(jval_text(NULL));
	jval_walk(NULL, NULL, NULL);
}

static void count(void *ctx, const char *name, const struct jval *val)
{
	unsigned int *counts = ctx;

	counts[name ? 0 : 1]++;
	counts[2] += jval_kind(val) == JVAL_STRING;
}

Test(json, is_walked)
{
	static const char text[] = "{\"a\":\"1\",\"b\":[\"2\",3]}";
	const char *why;
	struct jval *val = jval_parse(text, sizeof(text) - 1, &why);
	unsigned int counts[3] = { 0 };

	jval_walk(val, count, counts);
	jval_walk(jval_get(val, "b"), count, counts);
	cr_expect_eq(counts[0], 2);
	cr_expect_eq(counts[1], 2);
	cr_expect_eq(counts[2], 2);
	jval_free(val);
}
