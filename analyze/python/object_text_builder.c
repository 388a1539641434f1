/* Text with a count of its characters, which can be cut. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analyze/python/object_text_parts.h"
#include "common/utf8.h"

void text_return(struct text_builder *text, struct text_mark mark)
{
	text->buffer.size = mark.size;
	text->characters = mark.characters;
}

static bool is_first_byte(uint8_t byte)
{
	return (byte & 0xc0) != 0x80;
}

void text_append(struct text_builder *text, const char *utf8)
{
	size_t size = strlen(utf8);
	if (text->error)
		return;
	text->error = buffer_append(&text->buffer, utf8, size);
	for (size_t i = 0; i < size; i++)
		text->characters += is_first_byte((uint8_t)utf8[i]);
}

void text_format(struct text_builder *text, const char *format, ...)
{
	char formatted[64];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(formatted, sizeof(formatted), format, arguments);
	va_end(arguments);
	text_append(text, formatted);
}

void text_append_point(struct text_builder *text, uint32_t point)
{
	char utf8[UTF8_MAX_BYTES + 1] = "";
	utf8_encode(point, utf8);
	text_append(text, utf8);
}

void text_cut(struct text_builder *text, struct text_mark mark, size_t limit, const char *close)
{
	size_t keep = strlen("...") + strlen(close);
	if (text->error || text->characters - mark.characters <= limit)
		return;
	keep = limit > keep ? limit - keep : 0;
	size_t size = mark.size;
	for (size_t characters = 0; size < text->buffer.size; size++) {
		if (is_first_byte(text->buffer.data[size]) && characters++ == keep)
			break;
	}
	text_return(text, (struct text_mark){size, mark.characters + keep});
	text_append(text, "...");
	text_append(text, close);
}
