#include "common/command_line.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* getopt_long's value of row N is LONG_VALUE + N: apart from every letter, and from the 1 that it
 * gives for a word. */
enum { WORD_VALUE = 1, LONG_VALUE = 256 };

/* What getopt_long(3) needs, made from the table. */
struct parser {
	const struct command_line *command_line;
	struct option *long_options;
	char *letters;
};

static void parser_deinit(struct parser *parser)
{
	free(parser->long_options);
	free(parser->letters);
}

bool command_line_has(const struct command_line *command_line, const struct option_spec *spec)
{
	return !spec->commands || !command_line->command ||
	       (spec->commands & command_line->command);
}

static struct error *add_hint(const struct command_line *command_line, char *text)
{
	struct error *error = &error_out_of_memory;
	if (text)
		error = error_create(ERROR_USAGE, "%s (try '%s --help')", text,
				     command_line->program);
	free(text);
	return error;
}

struct error *command_line_error(const struct command_line *command_line, const char *format, ...)
{
	char *text;
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return add_hint(command_line, length < 0 ? NULL : text);
}

void arguments_deinit(struct arguments *arguments)
{
	string_list_deinit(&arguments->words);
}

static struct error *parser_init(const struct command_line *command_line, struct parser *parser)
{
	size_t rows = command_line->option_count;
	parser->command_line = command_line;
	/* Each row can have a name and an alias; each letter up to one colon. */
	parser->long_options = calloc(2 * rows + 1, sizeof(*parser->long_options));
	parser->letters = malloc(2 * rows + sizeof("-:"));
	if (!parser->long_options || !parser->letters)
		return &error_out_of_memory;
	struct option *long_option = parser->long_options;
	/* '-': words are given in order, as values of 1, so that those before and after "--" can
	 * be told apart; ':': a missing argument is told apart from an unknown option. */
	char *letter = stpcpy(parser->letters, "-:");
	for (size_t i = 0; i < rows; i++) {
		const struct option_spec *spec = &command_line->options[i];
		if (!command_line_has(command_line, spec))
			continue;
		int has_argument = spec->argument ? required_argument : no_argument;
		if (spec->kind == OPTION_UNAVAILABLE)
			has_argument = optional_argument;
		*long_option++ =
			(struct option){spec->name, has_argument, NULL, LONG_VALUE + (int)i};
		if (spec->alias)
			*long_option++ = (struct option){spec->alias, has_argument, NULL,
							 LONG_VALUE + (int)i};
		if (!spec->letter)
			continue;
		*letter++ = spec->letter;
		if (has_argument == required_argument)
			*letter++ = ':';
	}
	*letter = '\0';
	return NULL;
}

static const struct option_spec *find_spec(const struct command_line *command_line, int value)
{
	if (value >= LONG_VALUE)
		return &command_line->options[value - LONG_VALUE];
	for (size_t i = 0; i < command_line->option_count; i++) {
		const struct option_spec *spec = &command_line->options[i];
		if (value && spec->letter == value && command_line_has(command_line, spec))
			return spec;
	}
	return NULL;
}

/* The names that begin as `word` ("--na…") does, if it is the start of more than one. */
static struct error *ambiguous_option(const struct parser *parser, const char *word)
{
	const char *start = word + 2;
	size_t length = strcspn(start, "=");
	CLEANUP_FREE char *names = strdup("");
	size_t count = 0;
	for (const struct option *option = parser->long_options; option->name; option++) {
		if (!names || strncmp(option->name, start, length) != 0)
			continue;
		char *longer;
		if (asprintf(&longer, "%s%s--%s", names, count++ ? ", " : "", option->name) < 0)
			return &error_out_of_memory;
		free(names);
		names = longer;
	}
	if (count < 2)
		return command_line_error(parser->command_line, "unknown option '%s'", word);
	return command_line_error(parser->command_line, "'%s' can be %s", word, names);
}

/* What getopt_long answered with '?'. */
static struct error *unknown_option(const struct parser *parser, char **argv)
{
	const struct option_spec *spec = find_spec(parser->command_line, optopt);
	if (spec)
		return command_line_error(parser->command_line, "option --%s takes no argument",
					  spec->name);
	if (optopt)
		return command_line_error(parser->command_line, "unknown option '-%c'", optopt);
	return ambiguous_option(parser, argv[optind - 1]);
}

static struct error *missing_argument(const struct command_line *command_line)
{
	const struct option_spec *spec = find_spec(command_line, optopt);
	return command_line_error(command_line, "option --%s needs its argument, %s",
				  spec ? spec->name : "?",
				  spec && spec->argument ? spec->argument : "a value");
}

static struct error *apply_option(const struct command_line *command_line,
				  const struct option_spec *spec, void *values, const char *text)
{
	struct error *error = option_apply(spec, values, text);
	if (!error || error->code != ERROR_USAGE)
		return error;
	struct error *hinted =
		command_line_error(command_line, "--%s: %s", spec->name, error->message);
	error_destroy(error);
	return hinted;
}

static bool ends_parsing(const struct option_spec *spec)
{
	return strcmp(spec->name, "help") == 0 || strcmp(spec->name, "version") == 0;
}

/* All options and words up to "--" or the end, which is where optind is then. */
static struct error *parse_options(const struct parser *parser, int argc, char **argv, void *values,
				   struct arguments *arguments, bool *ret_ended)
{
	const struct command_line *command_line = parser->command_line;
	/* 0 makes glibc and musl begin anew, with the flags at the start of `letters`. */
	optind = 0;
	for (;;) {
		struct error *error;
		/* Where it stands before is what tells "--" from an argument that reads so. */
		int before = optind ? optind : 1;
		int value = getopt_long(argc, argv, parser->letters, parser->long_options, NULL);
		if (value == -1) {
			arguments->has_separator = optind > before;
			return NULL;
		}
		if (value == '?')
			return unknown_option(parser, argv);
		if (value == ':')
			return missing_argument(command_line);
		const struct option_spec *spec = NULL;
		if (value == WORD_VALUE) {
			error = string_list_append(&arguments->words, optarg);
		} else {
			spec = find_spec(command_line, value);
			error = spec ? apply_option(command_line, spec, values, optarg)
				     : unknown_option(parser, argv);
		}
		if (error)
			return error;
		if (spec && ends_parsing(spec)) {
			*ret_ended = true;
			return NULL;
		}
	}
}

struct error *command_line_parse(const struct command_line *command_line, int argc, char **argv,
				 void *values, struct arguments *ret)
{
	CLEANUP(parser_deinit) struct parser parser = {0};
	*ret = (struct arguments){0};
	struct error *error = parser_init(command_line, &parser);
	bool ended = false;
	if (!error)
		error = parse_options(&parser, argc, argv, values, ret, &ended);
	if (error || ended)
		return error;
	/* With words given in order, getopt_long ends at "--" or at the end of argv only. */
	ret->rest = &argv[optind];
	ret->rest_count = (size_t)(argc - optind);
	return NULL;
}
