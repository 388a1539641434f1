/* Building and writing JSON with cJSON, for the formats that are JSON. */
#ifndef PYSPY_FORMATS_JSON_TEXT_H
#define PYSPY_FORMATS_JSON_TEXT_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "common/error.h"

/* A value under construction. The first failure is kept, and what follows does nothing: one check
 * of `failed` at the end. cJSON fails only when out of memory. */
struct json_builder {
	bool failed;
};

/* Keys are literals and strings are borrowed: both must outlive the value. NULL is null. */
void json_add_string(struct json_builder *builder, cJSON *object, const char *key,
		     const char *text);
/* The same with a copy of the string. */
void json_add_string_copy(struct json_builder *builder, cJSON *object, const char *key,
			  const char *text);
void json_add_bool(struct json_builder *builder, cJSON *object, const char *key, bool value);
void json_add_null(struct json_builder *builder, cJSON *object, const char *key);
/* All 64 bits, unlike cJSON's numbers, which are doubles. */
void json_add_integer(struct json_builder *builder, cJSON *object, const char *key, int64_t value);
void json_add_unsigned(struct json_builder *builder, cJSON *object, const char *key,
		       uint64_t value);
/* Null for 0, which is how the facts say unknown. */
void json_add_known(struct json_builder *builder, cJSON *object, const char *key, uint64_t value);
/* Empty containers, to be filled; NULL on failure, which the functions above bear. */
cJSON *json_add_object(struct json_builder *builder, cJSON *object, const char *key);
cJSON *json_add_array(struct json_builder *builder, cJSON *object, const char *key);
cJSON *json_append_object(struct json_builder *builder, cJSON *array);
/* A borrowed string at the end of an array. */
void json_append_string(struct json_builder *builder, cJSON *array, const char *text);

void json_destroyp(cJSON **value);

/*
 * Write a value without a newline. It is valid JSON and safe for a terminal whatever its strings
 * hold: bytes that are no UTF-8 come out as \\xff, as Python's "backslashreplace" writes them, and
 * characters that drive terminals as \u009b.
 */
struct error *json_write(FILE *stream, const cJSON *value);

#endif
