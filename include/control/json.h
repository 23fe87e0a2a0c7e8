/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values (RFC 8259). The one file that includes jansson is control/json.c.
 *
 * A value belongs to who made it until it is put into another, which it dies with. NULL is taken
 * wherever a value is: nothing is put into it, and nothing found in it. Where there is no memory
 * for a value it is left out. Any thread, a value on one at a time.
 */
#ifndef ARCVISOR_CONTROL_JSON_H
#define ARCVISOR_CONTROL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jval;

#define JVAL_MAX_DEPTH 16u /* objects and arrays within each other, in what is parsed */

/*
 * The object that @text of @len bytes is, or NULL: then *@why, a literal, says what is wrong. Names
 * must differ, and text be UTF-8 without NUL.
 */
struct jval *jval_parse(const char *text, size_t len, const char **why);

void jval_free(struct jval *val);

struct jval *jval_object(void);
struct jval *jval_array(void);

/* Puts @val under @name; it is the object's from here on. The same name again replaces. */
void jval_put(struct jval *object, const char *name, struct jval *val);
void jval_append(struct jval *array, struct jval *val);

void jval_put_string(struct jval *object, const char *name, const char *val);
void jval_put_bool(struct jval *object, const char *name, bool val);
void jval_put_u64(struct jval *object, const char *name, uint64_t val); /* at most INT64_MAX */

/* As a string, 0x and 16 digits: no reader of JSON need have 64-bit integers. */
void jval_put_hex(struct jval *object, const char *name, uint64_t val);

/* What is under @name, still the object's; or NULL. */
const struct jval *jval_get(const struct jval *object, const char *name);
const char *jval_get_string(const struct jval *object, const char *name); /* NULL: no string */

/* 0, -ENOENT (nothing of that name), -EINVAL (no integer, or below 0). */
int jval_get_u64(const struct jval *object, const char *name, uint64_t *val);

bool jval_is_true(const struct jval *object, const char *name);

/* A value that lives as long as either of the two. */
struct jval *jval_share(const struct jval *val);

/* The value in one line without its end, for free(3); NULL where there is no memory. */
char *jval_text(const struct jval *val);

/* Calls @each for what an object or array has, in order; @name is NULL in an array. */
void jval_walk(const struct jval *val,
	       void (*each)(void *ctx, const char *name, const struct jval *val), void *ctx);

enum jval_kind {
	JVAL_SCALAR, /* jval_text() says it; a string comes by jval_string() */
	JVAL_STRING,
	JVAL_OBJECT,
	JVAL_ARRAY,
};

enum jval_kind jval_kind(const struct jval *val);
const char *jval_string(const struct jval *val); /* NULL: no string */

#endif
