#include "formats/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"

/* Take `item` into `object`; it is destroyed if that fails. */
static void add_item(struct json_builder *builder, cJSON *object, const char *key, cJSON *item)
{
	if (object && item && cJSON_AddItemToObjectCS(object, key, item))
		return;
	cJSON_Delete(item);
	builder->failed = true;
}

static cJSON *append_item(struct json_builder *builder, cJSON *array, cJSON *item)
{
	if (array && item && cJSON_AddItemToArray(array, item))
		return item;
	cJSON_Delete(item);
	builder->failed = true;
	return NULL;
}

void json_add_string(struct json_builder *builder, cJSON *object, const char *key, const char *text)
{
	add_item(builder, object, key,
		 text ? cJSON_CreateStringReference(text) : cJSON_CreateNull());
}

void json_add_string_copy(struct json_builder *builder, cJSON *object, const char *key,
			  const char *text)
{
	add_item(builder, object, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

void json_add_bool(struct json_builder *builder, cJSON *object, const char *key, bool value)
{
	add_item(builder, object, key, cJSON_CreateBool(value));
}

void json_add_null(struct json_builder *builder, cJSON *object, const char *key)
{
	add_item(builder, object, key, cJSON_CreateNull());
}

void json_add_integer(struct json_builder *builder, cJSON *object, const char *key, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	add_item(builder, object, key, cJSON_CreateRaw(text));
}

void json_add_unsigned(struct json_builder *builder, cJSON *object, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRIu64, value);
	add_item(builder, object, key, cJSON_CreateRaw(text));
}

void json_add_known(struct json_builder *builder, cJSON *object, const char *key, uint64_t value)
{
	if (value)
		json_add_unsigned(builder, object, key, value);
	else
		json_add_null(builder, object, key);
}

cJSON *json_add_object(struct json_builder *builder, cJSON *object, const char *key)
{
	cJSON *item = cJSON_CreateObject();
	add_item(builder, object, key, item);
	return builder->failed ? NULL : item;
}

cJSON *json_add_array(struct json_builder *builder, cJSON *object, const char *key)
{
	cJSON *item = cJSON_CreateArray();
	add_item(builder, object, key, item);
	return builder->failed ? NULL : item;
}

cJSON *json_append_object(struct json_builder *builder, cJSON *array)
{
	return append_item(builder, array, cJSON_CreateObject());
}

void json_append_string(struct json_builder *builder, cJSON *array, const char *text)
{
	append_item(builder, array, cJSON_CreateStringReference(text));
}

void json_destroyp(cJSON **value)
{
	cJSON_Delete(*value);
}

static void free_printed(char **text)
{
	cJSON_free(*text);
}

/*
 * cJSON escapes quotes, backslashes and characters below 0x20, and copies all other bytes. Those
 * are only ever in strings, so that what is escaped here ends up in one.
 */
static void write_escaped(FILE *stream, unsigned character, size_t length)
{
	if (!length)
		fprintf(stream, "\\\\x%02x", character);
	else if (character <= 0xffff)
		fprintf(stream, "\\u%04x", character);
	else /* RFC 8259, section 7: a surrogate pair */
		fprintf(stream, "\\u%04x\\u%04x", 0xd800 + ((character - 0x10000) >> 10),
			0xdc00 + ((character - 0x10000) & 0x3ff));
}

struct error *json_write(FILE *stream, const cJSON *value)
{
	CLEANUP(free_printed) char *printed = cJSON_PrintUnformatted(value);
	if (!printed)
		return &error_out_of_memory;
	const char *text = printed;
	const char *end = printed + strlen(printed);
	const char *written = text;
	while (text < end) {
		unsigned character = (uint8_t)*text;
		if (character >= 0x20 && character < 0x7f) {
			text++;
			continue;
		}
		size_t length = utf8_decode(text, (size_t)(end - text), &character);
		if (length && !terminal_text_is_unsafe(character)) {
			text += length;
			continue;
		}
		fwrite(written, 1, (size_t)(text - written), stream);
		write_escaped(stream, character, length);
		text += length ? length : 1;
		written = text;
	}
	fwrite(written, 1, (size_t)(text - written), stream);
	if (ferror(stream))
		return error_errno(ERROR_IO, errno, "cannot write JSON");
	return NULL;
}
