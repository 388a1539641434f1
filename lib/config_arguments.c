/*
 * A configuration from a command line, by the same kind of table as the programs have. Not by
 * getopt_long(3), which has global state.
 */
#include <string.h>

#include "analyze/elf_kind.h"
#include "common/cleanup.h"
#include "common/command_line.h"
#include "common/option_values.h"
#include "formats/report_format.h"
#include "lib/configuration.h"
#include "lib/error_object.h"

#define NS_PER_SECOND	1e9
#define WAIT_UNSET	UINT64_MAX
#define COMMAND_WAIT_NS UINT64_C(10000000000)

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
	struct string_list search_paths;
	struct string_list search_roots;
	struct number_list tids;
	bool exhaustive;
	bool native_all;
	bool native_last;
	bool native_internal;
	uint64_t wait_ns;	  /* WAIT_UNSET: not given */
	struct string_list words; /* those that are no command: a FILE, or a core and its program */
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
	{.name = "lib-search-path",
	 .argument = "A:B",
	 .kind = OPTION_STRINGS,
	 .offset = FIELD(search_paths)},
	{.name = "lib-search-root",
	 .argument = "A:B",
	 .kind = OPTION_STRINGS,
	 .offset = FIELD(search_roots)},
	{.name = "tid", .argument = "ID", .kind = OPTION_LONG_IDS, .offset = FIELD(tids)},
	{.name = "exhaustive", .kind = OPTION_FLAG, .offset = FIELD(exhaustive)},
	{.name = "native-all", .kind = OPTION_FLAG, .offset = FIELD(native_all)},
	{.name = "native-last", .kind = OPTION_FLAG, .offset = FIELD(native_last)},
	{.name = "native-internal", .kind = OPTION_FLAG, .offset = FIELD(native_internal)},
	{.name = "wait", .argument = "S", .kind = OPTION_SECONDS, .offset = FIELD(wait_ns)},
};

/* What pyspy-analyze(1) has beside these: of its reports, or of the program itself. */
static const struct other_option {
	const char *name;
	char letter;
} other_options[] = {
	{.name = "sample"},
	{.name = "source"},
	{.name = "weight"},
	{.name = "from"},
	{.name = "to"},
	{.name = "include"},
	{.name = "exclude"},
	{.name = "speed"},
	{.name = "kill"},
	{.name = "no-color"},
	{.name = "quiet", .letter = 'q'},
	{.name = "verbose", .letter = 'v'},
	{.name = "version", .letter = 'V'},
	{.name = "help", .letter = 'h'},
};

static const struct command_name {
	const char *name;
	const char *abbreviation;
	bool is_report;
	bool is_other; /* no configuration is for it */
} commands[] = {
	{.name = "record", .abbreviation = "r", .is_report = true},
	{.name = "report", .is_report = true},
	{.name = "top", .abbreviation = "t"},
	{.name = "dump", .abbreviation = "d"},
	{.name = "info", .is_other = true},
	{.name = "diff", .is_other = true},
	{.name = "merge", .is_other = true},
	{.name = "completions", .is_other = true},
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
	string_list_deinit(&values->search_paths);
	string_list_deinit(&values->search_roots);
	number_list_deinit(&values->tids);
	string_list_deinit(&values->words);
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

static struct error *no_option(const char *dashes, const char *text, size_t size)
{
	for (size_t i = 0; i < COUNT(other_options); i++) {
		const struct other_option *other = &other_options[i];
		if (dashes[1] ? is_named(other->name, text, size) : other->letter == *text)
			return error_create(ERROR_USAGE,
					    "%s%.*s is an option of pyspy-analyze, but no part of "
					    "a configuration",
					    dashes, (int)size, text);
	}
	return error_create(ERROR_USAGE, "there is no option '%s%.*s'", dashes, (int)size, text);
}

static struct error *parse_long(struct parser *parser, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t size = equals ? (size_t)(equals - text) : strlen(text);
	const struct option_spec *spec = find_name(text, size);
	if (!spec)
		return no_option("--", text, size);
	if (equals && !spec->argument)
		return error_create(ERROR_USAGE, "--%s takes no argument", spec->name);
	return apply(parser, spec, equals ? equals + 1 : NULL);
}

static struct error *parse_letters(struct parser *parser, const char *letters)
{
	while (*letters) {
		const struct option_spec *spec = find_letter(*letters);
		if (!spec)
			return no_option("-", letters, 1);
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
		const struct command_name *command = &commands[i];
		const char *abbreviation = command->abbreviation;
		if (strcmp(word, command->name) != 0 &&
		    (!abbreviation || strcmp(word, abbreviation) != 0))
			continue;
		if (command->is_other)
			return error_create(ERROR_USAGE, "'%s': no configuration is for that",
					    word);
		parser->command = command;
		parser->had_word = true;
		return NULL;
	}
	parser->had_word = true;
	return string_list_append(&parser->values.words, word);
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

/* A file to open; "CORE EXECUTABLE" and "EXECUTABLE -c CORE" name a core's program, too. */
static struct error *fill_files(const struct values *values, struct pyspy_config *config)
{
	const struct string_list *words = &values->words;
	bool several = words->count + (values->core != NULL) > 1;
	config->core_file = values->core;
	config->executable = values->executable;
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		if (several && !config->executable && elf_kind_of_path(word) == ELF_KIND_PROGRAM)
			config->executable = word;
		else if (config->core_file)
			return error_create(ERROR_USAGE,
					    "'%s' and '%s': only one file can be opened",
					    config->core_file, word);
		else
			config->core_file = word;
	}
	return NULL;
}

static struct error *fill_subject(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	if (values->pids.count > 1)
		return error_create(ERROR_USAGE, "--pid: a handle is of one process");
	config->pid = values->pids.count ? values->pids.items[0] : 0;
	struct error *error = fill_files(values, config);
	if (error)
		return error;
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
		parser->command && parser->command->is_report && !values->no_lines;
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

static struct error *fill_paths(const char *name, const struct string_list *list,
				const char *ret[PYSPY_PATHS_MAX])
{
	if (list->count > PYSPY_PATHS_MAX)
		return error_create(ERROR_USAGE, "--%s was given more than %d times", name,
				    PYSPY_PATHS_MAX);
	for (size_t i = 0; i < list->count; i++)
		ret[i] = list->items[i];
	return NULL;
}

static struct error *fill_lists(const struct values *values, struct pyspy_config *config)
{
	struct error *error =
		fill_paths("lib-search-path", &values->search_paths, config->search_paths);
	if (!error)
		error = fill_paths("lib-search-root", &values->search_roots, config->search_roots);
	if (!error && values->tids.count > PYSPY_TIDS_MAX)
		error = error_create(ERROR_USAGE, "--tid was given more than %d times",
				     PYSPY_TIDS_MAX);
	if (error)
		return error;
	config->tid_count = values->tids.count;
	for (size_t i = 0; i < values->tids.count; i++)
		config->tids[i] = values->tids.items[i];
	return NULL;
}

/* As py-spy: the output of a command is shown by `record` unless it is asked not to be, and
 * progress then not, which would be drawn over it. Of a process there is no output, and py-spy
 * hides its progress all the same. */
static void fill_output(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	bool is_report = parser->command && parser->command->is_report;
	config->capture_output = !is_report || values->capture;
	config->hide_progress =
		values->hide_progress || (config->command && !config->capture_output);
}

static struct error *fill(const struct parser *parser, struct pyspy_config *config)
{
	const struct values *values = &parser->values;
	struct error *error = fill_subject(parser, config);
	if (!error)
		error = fill_lines(parser, config);
	if (!error)
		error = fill_times(values, config);
	if (!error)
		error = fill_lists(values, config);
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
	fill_output(parser, config);
	config->json = values->json;
	config->output = values->output;
	config->sysroot = values->sysroot;
	config->exhaustive = values->exhaustive;
	config->native_all = values->native_all;
	config->native_last = values->native_last;
	config->native_internal = values->native_internal;
	config->wait_ns = values->wait_ns == WAIT_UNSET ? 0 : values->wait_ns;
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
				.wait_ns = WAIT_UNSET,
				.delay_ns = (uint64_t)(made.refresh_seconds * NS_PER_SECOND),
			},
	};
	struct error *error = parse(&parser);
	if (!error)
		error = fill(&parser, &made);
	const char *format = parser.values.format;
	bool no_wait = parser.values.wait_ns == WAIT_UNSET;
	values_deinit(&parser.values);
	if (!error && format) {
		struct pyspy_error *failure = pyspy_format_from_name(format, &made.format);
		if (failure)
			return failure;
	}
	if (!error)
		error = configuration_read(&made, &made);
	if (!error && !configuration_fits(&made, size))
		error = error_create(ERROR_USAGE, "this program was made for an older libpyspy: it "
						  "does not know all of these options");
	if (error)
		return error_public(error);
	if (made.command && no_wait)
		made.wait_ns = COMMAND_WAIT_NS;
	memset(config, 0, size);
	memcpy(config, &made, size < sizeof(made) ? size : sizeof(made));
	config->size = size;
	return NULL;
}
