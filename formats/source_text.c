#include "formats/source_text.h"

#include <string.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"

static const char indentation[] = "        ";

/* Characters that take two columns, and those that take none (Unicode, EastAsianWidth.txt: the
 * large blocks; combining marks and joiners). */
static const struct {
	unsigned first;
	unsigned last;
	unsigned width;
} widths[] = {
	{0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200d, 0},   {0x20d0, 0x20ff, 0},
	{0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
	{0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
	{0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
};

static unsigned character_width(unsigned character)
{
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		if (character >= widths[i].first && character <= widths[i].last)
			return widths[i].width;
	}
	return 1;
}

/* Columns that the bytes of `text` from `begin` to `end` take when they are written. */
static struct error *text_width(const char *text, size_t begin, size_t end, size_t *ret)
{
	CLEANUP(buffer_deinit) struct buffer shown = {0};
	CLEANUP_FREE char *part = strndup(text + begin, end - begin);
	size_t width = 0;
	if (!part)
		return &error_out_of_memory;
	struct error *error = terminal_text_append(&shown, part);
	for (size_t at = 0; !error && at < shown.size;) {
		unsigned character = 0;
		size_t size =
			utf8_decode((const char *)shown.data + at, shown.size - at, &character);
		width += size ? character_width(character) : 1;
		at += size ? size : 1;
	}
	*ret = width;
	return error;
}

static void write_many(FILE *stream, char character, size_t count)
{
	while (count--)
		fputc(character, stream);
}

/* `begin` and `end` are where the line's text is, without blanks around it. */
static struct error *write_marks(FILE *stream, const struct model_frame *frame, size_t begin,
				 size_t end)
{
	size_t first = (size_t)frame->column;
	size_t last = frame->end_line == frame->line ? (size_t)frame->end_column : end;
	size_t before;
	size_t marked;
	/* Columns that do not fit are of another line than this: the file has changed. */
	if (first < begin || last > end || first >= last || (first == begin && last == end))
		return NULL;
	struct error *error = text_width(frame->source, begin, first, &before);
	if (!error)
		error = text_width(frame->source, first, last, &marked);
	if (error)
		return error;
	fputs(indentation, stream);
	write_many(stream, ' ', before);
	write_many(stream, '^', marked);
	fputc('\n', stream);
	return NULL;
}

struct error *source_text_write(FILE *stream, const struct model_frame *frame)
{
	static const char blanks[] = " \t\f\v\r";
	size_t begin = strspn(frame->source, blanks);
	size_t end = strlen(frame->source);
	while (end > begin && strchr(blanks, frame->source[end - 1]))
		end--;
	if (begin == end)
		return NULL;
	CLEANUP_FREE char *text = strndup(frame->source + begin, end - begin);
	if (!text)
		return &error_out_of_memory;
	fputs(indentation, stream);
	terminal_text_write(stream, text);
	fputc('\n', stream);
	return frame->has_columns && !frame->source_escaped ? write_marks(stream, frame, begin, end)
							    : NULL;
}
