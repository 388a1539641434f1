#include "analyze/python/text.h"

#include <stdio.h>
#include <string.h>

#include "common/buffer.h"
#include "common/cursor.h"

/* UTF-8 of one code point (RFC 3629), or an escape for what has none. */
static struct error *append_code_point(struct buffer *buffer, uint32_t point)
{
	char escape[16];
	uint8_t bytes[4];
	size_t size;
	if (point == 0 || (point >= 0xd800 && point <= 0xdfff) || point > 0x10ffff) {
		int length = snprintf(escape, sizeof(escape),
				      point == 0	? "\\x00"
				      : point <= 0xffff ? "\\u%04x"
							: "\\U%08x",
				      point);
		return buffer_append(buffer, escape, (size_t)length);
	}
	if (point < 0x80) {
		bytes[0] = (uint8_t)point;
		size = 1;
	} else if (point < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | point >> 6);
		size = 2;
	} else if (point < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | point >> 12);
		size = 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | point >> 18);
		size = 4;
	}
	for (size_t i = 1; i < size; i++)
		bytes[i] = (uint8_t)(0x80 | (point >> 6 * (size - 1 - i) & 0x3f));
	return buffer_append(buffer, bytes, size);
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
