/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by jansson; struct jval is its json_t under a name that nobody else needs to know. */
#include "control/json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static json_t *value_of(const struct jval *val)
{
	return (json_t *)val;
}

static struct jval *jval_of(json_t *val)
{
	return (struct jval *)val;
}

/* jansson's parser calls itself, and would do so 2048 times. */
static bool is_too_deep(const char *text, size_t len)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if ((c == '{' || c == '[') && ++depth > JVAL_MAX_DEPTH)
			return true;
		else if ((c == '}' || c == ']') && depth)
			depth--;
	}
	return false;
}

static const char *why_not(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return "a name stands twice in an object";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_numeric_overflow:
		return "a number is too large";
	case json_error_out_of_memory:
		return "out of memory";
	default:
		return "not JSON";
	}
}

struct jval *jval_parse(const char *text, size_t len, const char **why)
{
	json_error_t error;
	json_t *val;

	if (is_too_deep(text, len)) {
		*why = "nested too deep";
		return NULL;
	}
	val = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!val) {
		*why = why_not(&error);
		return NULL;
	}
	if (!json_is_object(val)) {
		json_decref(val);
		*why = "not an object";
		return NULL;
	}
	return jval_of(val);
}

void jval_free(struct jval *val)
{
	json_decref(value_of(val));
}

struct jval *jval_object(void)
{
	return jval_of(json_object());
}

struct jval *jval_array(void)
{
	return jval_of(json_array());
}

/* Takes @val also where it fails: then it is gone. */
void jval_put(struct jval *object, const char *name, struct jval *val)
{
	(void)!json_object_set_new(value_of(object), name, value_of(val));
}

void jval_append(struct jval *array, struct jval *val)
{
	(void)!json_array_append_new(value_of(array), value_of(val));
}

void jval_put_string(struct jval *object, const char *name, const char *val)
{
	jval_put(object, name, jval_of(json_string(val)));
}

void jval_put_bool(struct jval *object, const char *name, bool val)
{
	jval_put(object, name, jval_of(json_boolean(val)));
}

void jval_put_u64(struct jval *object, const char *name, uint64_t val)
{
	jval_put(object, name, jval_of(json_integer((json_int_t)val)));
}

void jval_put_hex(struct jval *object, const char *name, uint64_t val)
{
	char text[2 + 16 + 1];

	snprintf(text, sizeof(text), "0x%016" PRIx64, val);
	jval_put_string(object, name, text);
}

const struct jval *jval_get(const struct jval *object, const char *name)
{
	return jval_of(json_object_get(value_of(object), name));
}

const char *jval_get_string(const struct jval *object, const char *name)
{
	return jval_string(jval_get(object, name));
}

int jval_get_u64(const struct jval *object, const char *name, uint64_t *val)
{
	const json_t *found = value_of(jval_get(object, name));

	if (!found)
		return -ENOENT;
	if (!json_is_integer(found) || json_integer_value(found) < 0)
		return -EINVAL;
	*val = (uint64_t)json_integer_value(found);
	return 0;
}

bool jval_is_true(const struct jval *object, const char *name)
{
	return json_is_true(value_of(jval_get(object, name)));
}

struct jval *jval_share(const struct jval *val)
{
	return jval_of(json_incref(value_of(val)));
}

char *jval_text(const struct jval *val)
{
	return json_dumps(value_of(val), JSON_COMPACT | JSON_ENCODE_ANY);
}

void jval_walk(const struct jval *val,
	       void (*each)(void *ctx, const char *name, const struct jval *val), void *ctx)
{
	json_t *value = value_of(val);

	for (void *i = json_object_iter(value); i; i = json_object_iter_next(value, i))
		each(ctx, json_object_iter_key(i), jval_of(json_object_iter_value(i)));
	for (size_t i = 0; i < json_array_size(value); i++)
		each(ctx, NULL, jval_of(json_array_get(value, i)));
}

enum jval_kind jval_kind(const struct jval *val)
{
	if (json_is_object(value_of(val)))
		return JVAL_OBJECT;
	if (json_is_array(value_of(val)))
		return JVAL_ARRAY;
	return json_is_string(value_of(val)) ? JVAL_STRING : JVAL_SCALAR;
}

const char *jval_string(const struct jval *val)
{
	return json_string_value(value_of(val));
}
