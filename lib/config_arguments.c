/*
 * A configuration from a command line, by the same kind of table as the programs have. Not by
 * getopt_long(3), which has global state.
 */
#include <string.h>

#include "common/cleanup.h"
#include "common/command_line.h"
#include "common/option_values.h"
#include "formats/report_format.h"
#include "lib/configuration.h"
#include "lib/error_object.h"

#define NS_PER_SECOND 1e9

/* What the rows fill. */
struct values {
	struct id_list pids;
	const char *core;
	bool native;
	bool subprocesses;
	bool gil;
	bool idle;
	bool nonblocking;
	unsigned locals;
	bool first_lines;
	bool no_lines;
	bool full_filenames;
	bool threads;
	bool hide_progress;
	bool capture;
	bool json;
	const char *format;
	const char *output;
	uint64_t rate;
	const char *duration;
	uint64_t delay_ns;
	const char *executable;
	const char *sysroot;
	const char *word; /* the last one that is no command: a FILE */
};

#define FIELD(member) offsetof(struct values, member)

/* To add an option: a field of struct values, a row, its line in fill(). */
static const struct option_spec rows[] = {
	{.name = "pid",
	 .letter = 'p',
	 .argument = "PID",
	 .kind = OPTION_IDS,
	 .offset = FIELD(pids)},
	{.name = "core",
	 .letter = 'c',
	 .argument = "FILE",
	 .kind = OPTION_STRING,
	 .offset = FIELD(core)},
	{.name = "native", .letter = 'n', .kind = OPTION_FLAG, .offset = FIELD(native)},
	{.name = "subprocesses", .letter = 's', .kind = OPTION_FLAG, .offset = FIELD(subprocesses)},
	{.name = "gil", .letter = 'g', .kind = OPTION_FLAG, .offset = FIELD(gil)},
	{.name = "idle", .letter = 'i', .kind = OPTION_FLAG, .offset = FIELD(idle)},
	{.name = "nonblocking",
	 .alias = "no-block",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(nonblocking)},
	{.name = "locals", .letter = 'l', .kind = OPTION_COUNT, .offset = FIELD(locals)},
	{.name = "function", .letter = 'F', .kind = OPTION_FLAG, .offset = FIELD(first_lines)},
	{.name = "nolineno", .kind = OPTION_FLAG, .offset = FIELD(no_lines)},
	{.name = "full-filenames", .kind = OPTION_FLAG, .offset = FIELD(full_filenames)},
	{.name = "threads", .letter = 't', .kind = OPTION_FLAG, .offset = FIELD(threads)},
	{.name = "hideprogress", .kind = OPTION_FLAG, .offset = FIELD(hide_progress)},
	{.name = "capture-output",
	 .alias = "capture",
	 .kind = OPTION_FLAG,
	 .offset = FIELD(capture)},
	{.name = "json", .letter = 'j', .kind = OPTION_FLAG, .offset = FIELD(json)},
	{.name = "format",
	 .letter = 'f',
	 .argument = "FORMAT",
	 .kind = OPTION_STRING,
	 .offset = FIELD(format)},
	{.name = "output",
	 .letter = 'o',
	 .argument = "FILE",
	 .kind = OPTION_STRING,
	 .offset = FIELD(output)},
	{.name = "rate",
	 .letter = 'r',
	 .argument = "HZ",
	 .kind = OPTION_NUMBER,
	 .offset = FIELD(rate)},
	{.name = "duration",
	 .letter = 'd',
	 .argument = "S",
	 .kind = OPTION_STRING,
	 .offset = FIELD(duration)},
	{.name = "delay", .argument = "S", .kind = OPTION_SECONDS, .offset = FIELD(delay_ns)},
	{.name = "exe", .argument = "FILE", .kind = OPTION_STRING, .offset = FIELD(executable)},
	{.name = "sysroot", .argument = "DIR", .kind = OPTION_STRING, .offset = FIELD(sysroot)},
};

static const struct command_name {
	const char *name;
	const char *abbreviation;
	bool shows_lines;
} commands[] = {
	{"record", "r", true},
	{"top", "t", false},
	{"dump", "d", false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the parsing stands. */
struct parser {
	int argc;
	char *const *argv;
	int next;
	struct values values;
	const struct command_name *command;
	bool had_word;
};

static void values_deinit(struct values *values)
{
	id_list_deinit(&values->pids);
}

static bool is_named(const char *name, const char *text, size_t size)
{
	return name && strlen(name) == size && strncmp(name, text, size) == 0;
}

static const struct option_spec *find_name(const char *text, size_t size)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (is_named(rows[i].name, text, size) || is_named(rows[i].alias, text, size))
			return &rows[i];
	}
	return NULL;
}

static const struct option_spec *find_letter(char letter)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

/* `given` is the argument that is part of the same word; NULL: it is the next one. */
static struct error *apply(struct parser *parser, const struct option_spec *spec, const char *given)
{
	if (spec->argument && !given) {
		if (parser->next == parser->argc)
			return error_create(ERROR_USAGE, "--%s needs an argument: %s", spec->name,
					    spec->argument);
		given = parser->argv[parser->next++];
	}
	return error_prefix(option_apply(spec, &parser->values, given), "--%s", spec->name);
}

static struct error *parse_long(struct parser *parser, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t size = equals ? (size_t)(equals - text) : strlen(text);
	const struct option_spec *spec = find_name(text, size);
	if (!spec)
		return error_create(ERROR_USAGE, "there is no option '--%.*s'", (int)size, text);
	if (equals && !spec->argument)
		return error_create(ERROR_USAGE, "--%s takes no argument", spec->name);
	return apply(parser, spec, equals ? equals + 1 : NULL);
}

static struct error *parse_letters(struct parser *parser, const char *letters)
{
	while (*letters) {
		const struct option_spec *spec = find_letter(*letters);
		if (!spec)
			return error_create(ERROR_USAGE, "there is no option '-%c'", *letters);
		letters++;
		bool rest = spec->argument && *letters;
		struct error *error = apply(parser, spec, rest ? letters : NULL);
		if (error || rest)
			return error;
	}
	return NULL;
}

static struct error *parse_word(struct parser *parser, const char *word)
{
	for (size_t i = 0; !parser->had_word && i < COUNT(commands); i++) {
		if (strcmp(word, commands[i].name) != 0 &&
		    strcmp(word, commands[i].abbreviation) != 0)
			continue;
		parser->command = &commands[i];
		parser->had_word = true;
		return NULL;
	}
	parser->had_word = true;
	if (parser->values.word)
		return error_create(ERROR_USAGE, "'%s' and '%s': only one file can be opened",
				    parser->values.word, word);
	parser->values.word = word;
	return NULL;
}

static struct error *parse(struct parser *parser)
{
	struct error *error = NULL;
	while (!error && parser->next < parser->argc) {
		const char *text = parser->argv[parser->next++];
		if (strcmp(text, "--") == 0)
			return NULL;
		if (text[0] == '-' && text[1] == '-')
			error = parse_long(parser, text + 2);
		else if (text[0] == '-' && text[1])
			error = parse_letters(parser, text + 1);
		else
			error = parse_word(parser, text);
	}
	return error;
}

static struct error *fill_subject(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	if (values->pids.count > 1)
		return error_create(ERROR_USAGE, "--pid: a handle is of one process");
	if (values->core && values->word)
		return error_create(ERROR_USAGE, "'%s' and '%s': only one file can be opened",
				    values->core, values->word);
	config->pid = values->pids.count ? values->pids.items[0] : 0;
	config->core_file = values->core ? values->core : values->word;
	if (parser->next < parser->argc)
		config->command = parser->argv + parser->next;
	if (config->command && (config->pid || config->core_file))
		return error_create(ERROR_USAGE, "a command is started, or a process or file "
						 "looked at, not both");
	return NULL;
}

static struct error *fill_lines(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	if (values->first_lines && values->no_lines)
		return error_create(ERROR_USAGE, "--function and --nolineno exclude each other");
	config->lines = values->no_lines      ? PYSPY_LINES_NONE
			: values->first_lines ? PYSPY_LINES_FIRST
					      : PYSPY_LINES_LAST;
	config->show_line_numbers =
		parser->command && parser->command->shows_lines && !values->no_lines;
	return NULL;
}

static struct error *fill_times(const struct values *values, struct pyspy_config *config)
{
	struct error *error = NULL;
	config->sampling_rate = values->rate;
	config->refresh_seconds = (double)values->delay_ns / NS_PER_SECOND;
	if (values->duration && strcmp(values->duration, "unlimited") != 0)
		error = parse_seconds(values->duration, &config->duration_ns);
	return error_prefix(error, "--duration");
}

static struct error *fill(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	struct error *error = fill_subject(parser, config);
	if (!error)
		error = fill_lines(parser, config);
	if (!error)
		error = fill_times(values, config);
	if (error)
		return error;
	config->lock = values->nonblocking ? PYSPY_NON_BLOCKING : PYSPY_LOCK;
	config->native = values->native;
	config->subprocesses = values->subprocesses;
	config->gil_only = values->gil;
	config->include_idle = values->idle;
	config->locals = values->locals;
	config->full_filenames = values->full_filenames;
	config->include_thread_ids = values->threads;
	config->hide_progress = values->hide_progress;
	/* As py-spy: the output of a command is shown unless it is asked not to be. */
	config->capture_output = !config->command || values->capture;
	config->json = values->json;
	config->output = values->output;
	config->executable = values->executable;
	config->sysroot = values->sysroot;
	return NULL;
}

struct pyspy_error *pyspy_config_from_arguments(int argc, char *const *argv,
						struct pyspy_config *config, size_t size)
{
	struct pyspy_config made;
	pyspy_config_init(&made, sizeof(made));
	struct parser parser = {
		.argc = argc,
		.argv = argv,
		.next = 1,
		.values =
			{
				.rate = made.sampling_rate,
				.delay_ns = (uint64_t)(made.refresh_seconds * NS_PER_SECOND),
			},
	};
	struct error *error = parse(&parser);
	if (!error)
		error = fill(&parser, &made);
	const char *format = parser.values.format;
	values_deinit(&parser.values);
	if (!error && format) {
		struct pyspy_error *failure = pyspy_format_from_name(format, &made.format);
		if (failure)
			return failure;
	}
	if (!error)
		error = configuration_read(&made, &made);
	if (error)
		return error_public(error);
	memset(config, 0, size);
	memcpy(config, &made, size < sizeof(made) ? size : sizeof(made));
	config->size = size;
	return NULL;
}
