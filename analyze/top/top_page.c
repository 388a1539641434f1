#include "analyze/top/top_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"

enum { ESCAPE_SIZE = 12 };

void top_page_begin(struct top_page *page, unsigned width, unsigned height, bool ascii)
{
	error_destroy(page->error);
	page->error = NULL;
	page->width = width;
	page->height = height;
	page->ascii = ascii;
	buffer_clear(&page->text);
	page->span_count = 0;
	page->row = 0;
	page->column = 0;
}

void top_page_deinit(struct top_page *page)
{
	error_destroy(page->error);
	buffer_deinit(&page->text);
	free(page->spans);
	*page = (struct top_page){0};
}

/* One character as it is shown, and its columns. What the terminal cannot show, and what could
 * drive it, is written as its number. */
struct glyph {
	const char *text;
	size_t size;
	unsigned columns;
	char escape[ESCAPE_SIZE];
};

/* The bytes of `text` that it takes. */
static size_t next_glyph(const struct top_page *page, const char *text, size_t size,
			 struct glyph *ret)
{
	unsigned character = (unsigned char)*text;
	size_t length = utf8_decode(text, size, &character);
	int columns =
		length && !terminal_text_is_unsafe(character) && (!page->ascii || character < 0x7f)
			? wcwidth((wchar_t)character)
			: -1;
	if (columns >= 0) {
		ret->text = text;
		ret->size = length;
		ret->columns = (unsigned)columns;
		return length;
	}
	int written = snprintf(ret->escape, sizeof(ret->escape),
			       character <= 0xff     ? "\\x%02x"
			       : character <= 0xffff ? "\\u%04x"
						     : "\\U%08x",
			       character);
	ret->text = ret->escape;
	ret->size = (size_t)written;
	ret->columns = (unsigned)written;
	return length ? length : 1;
}

static struct error *begin_span(struct top_page *page, enum top_style style)
{
	const struct top_span *last =
		page->spans && page->span_count ? &page->spans[page->span_count - 1] : NULL;
	if (last && last->row == page->row && last->style == style)
		return NULL;
	if (!page->spans || page->span_count == page->span_capacity) {
		size_t capacity = page->span_capacity ? page->span_capacity * 2 : 128;
		struct top_span *spans = reallocarray(page->spans, capacity, sizeof(*spans));
		if (!spans)
			return &error_out_of_memory;
		page->spans = spans;
		page->span_capacity = capacity;
	}
	page->spans[page->span_count++] = (struct top_span){
		.style = style,
		.row = page->row,
		.begin = page->text.size,
		.end = page->text.size,
		.column = page->column,
	};
	return NULL;
}

void top_page_put(struct top_page *page, enum top_style style, const char *text)
{
	size_t size = strlen(text);
	if (page->error || !size || page->row >= page->height || page->column >= page->width)
		return;
	page->error = begin_span(page, style);
	while (size && !page->error) {
		struct glyph glyph;
		size_t taken = next_glyph(page, text, size, &glyph);
		if (page->column + glyph.columns > page->width) {
			/* Nothing more fits, also nothing narrower. */
			page->column = page->width;
			break;
		}
		page->error = buffer_append(&page->text, glyph.text, glyph.size);
		page->column += glyph.columns;
		text += taken;
		size -= taken;
	}
	if (page->spans && page->span_count)
		page->spans[page->span_count - 1].end = page->text.size;
}

void top_page_put_part(struct top_page *page, enum top_style style, const char *text,
		       unsigned columns)
{
	unsigned width = page->width;
	if (page->column + columns < width)
		page->width = page->column + columns;
	top_page_put(page, style, text);
	page->width = width;
}

void top_page_format(struct top_page *page, enum top_style style, const char *format, ...)
{
	CLEANUP_FREE char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text = NULL;
		if (!page->error)
			page->error = &error_out_of_memory;
		return;
	}
	top_page_put(page, style, text);
}

void top_page_pad(struct top_page *page, enum top_style style, unsigned column)
{
	static const char blanks[] = "                                ";
	while (page->column < column && page->column < page->width && !page->error) {
		unsigned wanted = column - page->column;
		if (wanted > sizeof(blanks) - 1)
			wanted = sizeof(blanks) - 1;
		top_page_put(page, style, blanks + sizeof(blanks) - 1 - wanted);
		if (page->row >= page->height)
			return;
	}
}

void top_page_end_row(struct top_page *page)
{
	page->row++;
	page->column = 0;
}

void top_page_go_to(struct top_page *page, unsigned row)
{
	page->row = row;
	page->column = 0;
}

unsigned top_page_rows_left(const struct top_page *page)
{
	return page->row < page->height ? page->height - page->row : 0;
}

unsigned top_page_width_of(const struct top_page *page, const char *text)
{
	unsigned columns = 0;
	size_t size = strlen(text);
	while (size) {
		struct glyph glyph;
		size_t taken = next_glyph(page, text, size, &glyph);
		columns += glyph.columns;
		text += taken;
		size -= taken;
	}
	return columns;
}

char *top_page_row_text(const struct top_page *page, unsigned row)
{
	size_t size = 0;
	char *text = calloc(page->text.size + 1, 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < page->span_count; i++) {
		const struct top_span *span = &page->spans[i];
		if (span->row != row)
			continue;
		memcpy(text + size, page->text.data + span->begin, span->end - span->begin);
		size += span->end - span->begin;
	}
	return text;
}
