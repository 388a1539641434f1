#include "analyze/python/text.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/cursor.h"
#include "common/terminal_text.h"
#include "common/utf8.h"

/* UTF-8 of one code point (RFC 3629), or an escape for what has none. */
static struct error *append_code_point(struct buffer *buffer, uint32_t point)
{
	char escape[16];
	char bytes[UTF8_MAX_BYTES];
	size_t size = utf8_encode(point, bytes);
	if (point && size)
		return buffer_append(buffer, bytes, size);
	int length = snprintf(escape, sizeof(escape),
			      point == 0	? "\\x00"
			      : point <= 0xffff ? "\\u%04x"
						: "\\U%08x",
			      point);
	return buffer_append(buffer, escape, (size_t)length);
}

static struct error *append_characters(struct buffer *buffer, const struct raw_string *string)
{
	struct cursor cursor = cursor_make(string->data, string->length * string->width);
	for (size_t i = 0; i < string->length; i++) {
		uint32_t point = string->width == 1   ? cursor_u8(&cursor)
				 : string->width == 2 ? cursor_u16(&cursor)
						      : cursor_u32(&cursor);
		struct error *error = append_code_point(buffer, point);
		if (error)
			return error;
	}
	return NULL;
}

/* Bytes, taken for UTF-8, which file names and sources mostly are; others as "\xff". */
static struct error *append_bytes(struct buffer *buffer, const struct raw_string *string)
{
	for (size_t i = 0; i < string->length;) {
		const char *text = (const char *)string->data + i;
		unsigned point;
		size_t size = utf8_decode(text, string->length - i, &point);
		struct error *error;
		if (size && point) {
			error = buffer_append(buffer, text, size);
		} else {
			char escape[8];
			int length = snprintf(escape, sizeof(escape), "\\x%02x", string->data[i]);
			error = buffer_append(buffer, escape, (size_t)length);
			size = 1;
		}
		if (error)
			return error;
		i += size;
	}
	return NULL;
}

struct error *python_text(const struct raw_string *string, char **ret)
{
	static const char unreadable[] = "<unreadable>";
	static const char ellipsis[] = "…";
	struct buffer buffer = {0};
	struct error *error;
	bool readable = string->status == MEMORY_OK && !string->malformed && string->data;
	if (!readable)
		error = buffer_append(&buffer, unreadable, sizeof(unreadable) - 1);
	else if (string->ascii && !memchr(string->data, 0, string->length))
		error = buffer_append(&buffer, string->data, string->length);
	else if (string->is_bytes)
		error = append_bytes(&buffer, string);
	else
		error = append_characters(&buffer, string);
	if (!error && readable && string->cut)
		error = buffer_append(&buffer, ellipsis, sizeof(ellipsis) - 1);
	if (!error)
		error = buffer_append_u8(&buffer, 0);
	if (error) {
		buffer_deinit(&buffer);
		return error;
	}
	*ret = (char *)buffer.data;
	return NULL;
}
