#include "formats/markup_text.h"

#include <string.h>

#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"

static void buffer_deinitp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static struct error *make_safe(const char *text, struct buffer *ret)
{
	struct error *error = terminal_text_append(ret, text);
	return error ? error : buffer_append_u8(ret, 0);
}

/* U+FFFE and U+FFFF are characters of UTF-8, and none of XML (XML 1.0, 2.2). */
static bool is_no_character(const char *text)
{
	return strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

struct error *markup_text_write(FILE *stream, const char *text)
{
	CLEANUP(buffer_deinitp) struct buffer safe = {0};
	struct error *error = make_safe(text, &safe);
	if (error)
		return error;
	for (const char *at = (const char *)safe.data; *at; at++) {
		static const char marks[] = "&<>\"'";
		static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
		const char *mark = strchr(marks, *at);
		if (mark)
			fputs(entities[mark - marks], stream);
		else if (is_no_character(at)) {
			fputs("\xef\xbf\xbd", stream);
			at += 2;
		} else
			fputc(*at, stream);
	}
	return NULL;
}

struct error *script_string_write(FILE *stream, const char *text)
{
	CLEANUP(buffer_deinitp) struct buffer safe = {0};
	struct error *error = make_safe(text, &safe);
	if (error)
		return error;
	fputc('"', stream);
	for (const char *at = (const char *)safe.data; *at; at++) {
		if (*at == '"' || *at == '\\')
			fprintf(stream, "\\%c", *at);
		else if (*at == '<' || *at == '>' || *at == '&' || *at == 0x7f ||
			 (unsigned char)*at < ' ')
			fprintf(stream, "\\u%04x", (unsigned)(unsigned char)*at);
		else
			fputc(*at, stream);
	}
	fputc('"', stream);
	return NULL;
}
