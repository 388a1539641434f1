/* The text of --help, from the table of options. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/command_line.h"

enum {
	LINE_WIDTH = 79,
	HELP_COLUMN = 27, /* where the sentences begin */
};

/* Words of `text`, wrapped; the first line begins at `column`, all others are indented to `indent`.
 * A newline in the text is kept. */
static void write_wrapped(FILE *stream, const char *text, size_t column, size_t indent)
{
	bool first = true;
	while (*text) {
		size_t length = strcspn(text, " \n");
		if (!first && column + 1 + length > LINE_WIDTH) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		fprintf(stream, "%s%.*s", first ? "" : " ", (int)length, text);
		column += length + (first ? 0 : 1);
		first = false;
		text += length;
		if (*text == '\n') {
			fprintf(stream, "\n%*s", text[1] ? (int)indent : 0, "");
			column = indent;
			first = true;
		}
		if (*text)
			text++;
	}
	fputc('\n', stream);
}

static void write_option(FILE *stream, const struct option_spec *spec)
{
	char letter[8] = "    ";
	if (spec->letter)
		snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
	int column = fprintf(stream, "  %s--%s", letter, spec->name);
	if (spec->alias)
		column += fprintf(stream, ", --%s", spec->alias);
	if (spec->argument)
		column += fprintf(stream, " %s", spec->argument);
	if (column + 2 > HELP_COLUMN) {
		fputc('\n', stream);
		column = 0;
	}
	fprintf(stream, "%*s", HELP_COLUMN - column, "");
	write_wrapped(stream, spec->help ? spec->help : "", HELP_COLUMN, HELP_COLUMN);
}

void command_line_help(const struct command_line *command_line, FILE *stream)
{
	for (const char *const *line = command_line->synopsis; *line; line++)
		fprintf(stream, "%s %s %s\n", line == command_line->synopsis ? "Usage:" : "      ",
			command_line->program, *line);
	if (command_line->description) {
		fputc('\n', stream);
		write_wrapped(stream, command_line->description, 0, 0);
	}
	fputs("\nOptions:\n", stream);
	for (size_t i = 0; i < command_line->option_count; i++) {
		const struct option_spec *spec = &command_line->options[i];
		if (!spec->hidden && spec->kind != OPTION_UNAVAILABLE &&
		    command_line_has(command_line, spec))
			write_option(stream, spec);
	}
	if (command_line->epilogue) {
		fputc('\n', stream);
		write_wrapped(stream, command_line->epilogue, 0, 0);
	}
}

void command_line_version(const struct command_line *command_line, FILE *stream)
{
	fprintf(stream, "%s %s\n", command_line->program, PYSPY_VERSION);
}
