/* Strings as repr() writes them. */
#include <string.h>

#include "analyze/python/object_text_parts.h"
#include "analyze/python/printable.h"
#include "common/cursor.h"
#include "common/terminal_text.h"
#include "common/utf8.h"

/* Of a name: no character. */
#define NO_QUOTE UINT32_MAX

bool python_is_printable(uint32_t point)
{
	size_t low = 0;
	size_t high = printable_change_count;
	/* How many changes are at or before the character: after an odd number it is printable. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (printable_changes[middle] <= point)
			low = middle + 1;
		else
			high = middle;
	}
	return low % 2;
}

static bool is_bytes(const struct object_node *node)
{
	return node->kind == OBJECT_BYTES || node->kind == OBJECT_BYTEARRAY;
}

static uint32_t point_at(const struct text_builder *text, const struct object_node *node, size_t i)
{
	uint64_t point = 0;
	size_t width = is_bytes(node) ? 1 : node->width;
	bytes_field(object_node_bytes(text->tree, node), node->bytes.size, i * width, width,
		    &point);
	return (uint32_t)point;
}

static size_t point_count(const struct object_node *node)
{
	if (is_bytes(node))
		return node->bytes.size;
	return node->width ? node->bytes.size / node->width : 0;
}

/* Single quotes, but where these are in the text and double ones are not. */
static uint32_t choose_quote(const struct text_builder *text, const struct object_node *node)
{
	bool has_single = false;
	for (size_t i = 0; i < point_count(node); i++) {
		uint32_t point = point_at(text, node, i);
		if (point == '"')
			return '\'';
		has_single |= point == '\'';
	}
	return has_single ? '"' : '\'';
}

static void append_escaped(struct text_builder *text, uint32_t point, uint32_t quote,
			   bool only_ascii)
{
	static const char named[][2] = {{'\t', 't'}, {'\n', 'n'}, {'\r', 'r'}};
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (point == (uint32_t)named[i][0]) {
			text_format(text, "\\%c", named[i][1]);
			return;
		}
	}
	if (point == quote || (point == '\\' && quote != NO_QUOTE))
		text_format(text, "\\%c", (char)point);
	else if (point < 0x80 ? point >= ' ' && point < 0x7f
			      : !only_ascii && python_is_printable(point))
		text_append_point(text, point);
	else
		text_format(text,
			    point <= 0xff     ? "\\x%02x"
			    : point <= 0xffff ? "\\u%04x"
					      : "\\U%08x",
			    point);
}

/* Until 3.14 bytearrays have their single quotes escaped in double ones, too
 * (bytearray_repr_lock_held(), Objects/bytearrayobject.c). */
static bool escapes_all_quotes(const struct text_builder *text, const struct object_node *node)
{
	return node->kind == OBJECT_BYTEARRAY &&
	       (text->tree->python_major < 3 || text->tree->python_minor < 15);
}

static const char *prefix(const struct text_builder *text, const struct object_node *node)
{
	bool is_python2 = text->tree->python_major == 2;
	return is_bytes(node) ? (is_python2 && node->kind == OBJECT_BYTES ? "" : "b")
			      : (is_python2 ? "u" : "");
}

void text_string(struct text_builder *text, const struct object_node *node, size_t limit)
{
	static const char dots[] = "...";
	bool only_ascii = is_bytes(node) || text->tree->python_major == 2;
	uint32_t quote = choose_quote(text, node);
	struct text_mark start = text_mark(text);
	bool cut = node->cut;
	text_append(text, prefix(text, node));
	text_append_point(text, quote);
	for (size_t i = 0; i < point_count(node) && !text_is_over(text); i++) {
		struct text_mark before = text_mark(text);
		uint32_t point = point_at(text, node, i);
		append_escaped(text, point,
			       point == '\'' && escapes_all_quotes(text, node) ? point : quote,
			       only_ascii);
		size_t used = text->characters - start.characters + 1;
		/* The last one may take the place of the dots. */
		bool is_last = i + 1 == point_count(node) && !node->cut;
		if (limit == SIZE_MAX || used + (is_last ? 0 : strlen(dots)) <= limit)
			continue;
		text_return(text, before);
		cut = true;
		break;
	}
	text_append_point(text, quote);
	if (cut)
		text_append(text, dots);
}

void text_name_bytes(struct text_builder *text, const char *utf8, size_t size)
{
	while (size && !text_is_over(text)) {
		unsigned point = 0;
		size_t length = utf8_decode(utf8, size, &point);
		/* No UTF-8: byte for byte. */
		if (!length) {
			text_format(text, "\\x%02x", (uint8_t)*utf8);
			length = 1;
		} else {
			append_escaped(text, point, NO_QUOTE, false);
		}
		utf8 += length;
		size -= length;
	}
}

void text_name(struct text_builder *text, const char *utf8)
{
	text_name_bytes(text, utf8, strlen(utf8));
}

void text_plain_string(struct text_builder *text, const struct object_node *node)
{
	for (size_t i = 0; i < point_count(node) && !text_is_over(text); i++)
		append_escaped(text, point_at(text, node, i), NO_QUOTE, false);
	if (node->cut)
		text_append(text, "...");
}

void text_own_name(struct text_builder *text, const struct object_node *node, size_t limit)
{
	(void)limit;
	text_name_bytes(text, (const char *)object_node_bytes(text->tree, node), node->bytes.size);
}
