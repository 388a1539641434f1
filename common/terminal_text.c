#include "common/terminal_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { ESCAPE_TEXT_SIZE = 12 };

/* The ranges of the first byte and of the second, for each length: Unicode 15, table 3-7. */
static const struct utf8_form {
	uint8_t first_low;
	uint8_t first_high;
	uint8_t second_low;
	uint8_t second_high;
	uint8_t length;
} utf8_forms[] = {
	{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct utf8_form *utf8_form(uint8_t first)
{
	for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(utf8_forms[0]); i++) {
		if (first >= utf8_forms[i].first_low && first <= utf8_forms[i].first_high)
			return &utf8_forms[i];
	}
	return NULL;
}

size_t utf8_decode(const char *text, size_t size, unsigned *ret)
{
	const uint8_t *bytes = (const uint8_t *)text;
	const struct utf8_form *form = size ? utf8_form(bytes[0]) : NULL;
	if (!form || form->length > size)
		return 0;
	/* The first byte of n > 1 has n one bits, a zero, and then the value. */
	unsigned value = form->length == 1 ? bytes[0] : bytes[0] & (0x7fU >> form->length);
	for (size_t i = 1; i < form->length; i++) {
		uint8_t low = i == 1 ? form->second_low : 0x80;
		uint8_t high = i == 1 ? form->second_high : 0xbf;
		if (bytes[i] < low || bytes[i] > high)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	*ret = value;
	return form->length;
}

/* C0, DEL and C1 drive terminals (ECMA-48); the others reorder, hide or break a line of text. */
bool terminal_text_is_unsafe(unsigned character)
{
	static const struct {
		unsigned first;
		unsigned last;
	} ranges[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0x061c, 0x061c},
		{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	}
	return false;
}

static void escape_character(unsigned character, char text[ESCAPE_TEXT_SIZE])
{
	static const char letters[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	if (character < sizeof(letters) && letters[character])
		snprintf(text, ESCAPE_TEXT_SIZE, "\\%c", letters[character]);
	else
		snprintf(text, ESCAPE_TEXT_SIZE,
			 character <= 0xff     ? "\\x%02x"
			 : character <= 0xffff ? "\\u%04x"
					       : "\\U%08x",
			 character);
}

/*
 * The length of the part of `text` that can be printed as it is. If something follows that cannot,
 * its escape is put into `escape`, and `ret_skip` is its length; else `ret_skip` is 0.
 */
static size_t safe_length(const char *text, size_t size, char escape[ESCAPE_TEXT_SIZE],
			  size_t *ret_skip)
{
	size_t position = 0;
	while (position < size) {
		uint8_t byte = (uint8_t)text[position];
		if (byte >= 0x20 && byte < 0x7f) {
			position++;
			continue;
		}
		unsigned character;
		size_t length = utf8_decode(text + position, size - position, &character);
		if (length && !terminal_text_is_unsafe(character)) {
			position += length;
			continue;
		}
		escape_character(length ? character : byte, escape);
		*ret_skip = length ? length : 1;
		return position;
	}
	*ret_skip = 0;
	return position;
}

struct error *terminal_text_append(struct buffer *buffer, const char *text)
{
	size_t size = strlen(text);
	for (;;) {
		char escape[ESCAPE_TEXT_SIZE];
		size_t skip;
		size_t safe = safe_length(text, size, escape, &skip);
		struct error *error = buffer_append(buffer, text, safe);
		if (error || !skip)
			return error;
		error = buffer_append(buffer, escape, strlen(escape));
		if (error)
			return error;
		text += safe + skip;
		size -= safe + skip;
	}
}

void terminal_text_write(FILE *stream, const char *text)
{
	size_t size = strlen(text);
	for (;;) {
		char escape[ESCAPE_TEXT_SIZE];
		size_t skip;
		size_t safe = safe_length(text, size, escape, &skip);
		fwrite(text, 1, safe, stream);
		if (!skip)
			return;
		fputs(escape, stream);
		text += safe + skip;
		size -= safe + skip;
	}
}

static bool variable_is_set(const char *name)
{
	const char *value = getenv(name);
	return value && *value;
}

bool terminal_color_wanted(bool no_color, FILE *stream)
{
	if (no_color || variable_is_set("NO_COLOR"))
		return false;
	/* "CLICOLOR_FORCE != 0", bixense.com/clicolors */
	const char *force = getenv("CLICOLOR_FORCE");
	if (force && *force && strcmp(force, "0") != 0)
		return true;
	const char *terminal = getenv("TERM");
	int fd = fileno(stream);
	return fd >= 0 && isatty(fd) && !(terminal && strcmp(terminal, "dumb") == 0);
}

const char *terminal_style(bool color, enum terminal_style style)
{
	static const char *const sequences[] = {
		[STYLE_NONE] = "",
		[STYLE_STRONG] = "\x1b[1m",
		[STYLE_FAINT] = "\x1b[2m",
		[STYLE_ID] = "\x1b[33m\x1b[1m",
		[STYLE_FUNCTION] = "\x1b[32m",
		[STYLE_FILE] = "\x1b[36m",
		[STYLE_PROBLEM] = "\x1b[31m",
	};
	return color ? sequences[style] : "";
}

const char *terminal_style_end(bool color)
{
	return color ? "\x1b[0m" : "";
}

void terminal_message(const char *program, const char *kind, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer line = {0};
	const char *const parts[] = {program, ": ", kind ? kind : "", kind ? ": " : ""};
	struct error *error = NULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !error; i++)
		error = buffer_append(&line, parts[i], strlen(parts[i]));
	if (!error)
		error = terminal_text_append(&line, text);
	if (!error)
		error = buffer_append(&line, "\n", 1);
	/* One write, so that lines of several processes do not mix. What is out of memory is said
	 * as well as can be. */
	fwrite(line.data, 1, line.size, stderr);
	if (error)
		fputs(": out of memory\n", stderr);
	error_destroy(error);
}
