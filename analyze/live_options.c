#include "analyze/live_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "common/cleanup.h"

enum {
	RATE_MAX = 10000,
	RATE_DEFAULT = 100,
	/* How old the last sample of a command can be that has ended, where it alone is shown. */
	RATE_OF_LAST = 10,
	PID_TEXT_SIZE = 16,
};

#define SAMPLING_COMMANDS (COMMAND_RECORD | COMMAND_REPORT | COMMAND_TOP)

bool live_wanted(const struct analyze_options *options)
{
	bool can = options->command->bit & (COMMAND_DUMP | SAMPLING_COMMANDS);
	return can && (options->live_command || (options->pids.count && !options->inputs.count));
}

struct given_option {
	bool given;
	const char *name;
};

static const char *first_given(const struct given_option *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].given)
			return rows[i].name;
	}
	return NULL;
}

/* The first option that only a live process has; NULL if there is none. */
static const char *live_option(const struct analyze_options *options)
{
	const struct given_option rows[] = {
		{options->rate != ANALYZE_RATE_UNSET, "--rate"},
		{options->duration, "--duration"},
		{options->wait, "--wait"},
		{options->nonblocking, "--nonblocking"},
		{options->hide_output, "--capture-output"},
		{options->kill, "--kill"},
	};
	return first_given(rows, sizeof(rows) / sizeof(rows[0]));
}

/* The first option that is about files. */
static const char *file_option(const struct analyze_options *options)
{
	const struct given_option rows[] = {
		{options->sample != 0, "--sample"},
		{options->executable, "--exe"},
		{options->sysroot, "--sysroot"},
	};
	return first_given(rows, sizeof(rows) / sizeof(rows[0]));
}

static struct error *check_values(const struct command_line *command_line,
				  const struct analyze_options *options)
{
	uint64_t ns;
	struct error *error = NULL;
	if (options->rate != ANALYZE_RATE_UNSET && (!options->rate || options->rate > RATE_MAX))
		return command_line_error(command_line, "a rate is 1 to %d samples a second",
					  RATE_MAX);
	if (options->duration && strcmp(options->duration, "unlimited") != 0)
		error = parse_seconds(options->duration, &ns);
	if (error) {
		error_destroy(error);
		return command_line_error(command_line,
					  "--duration needs seconds or 'unlimited', not '%s'",
					  options->duration);
	}
	error = options->wait ? parse_seconds(options->wait, &ns) : NULL;
	return error ? error_prefix(error, "--wait") : NULL;
}

static struct error *check_live(const struct command_line *command_line,
				const struct analyze_options *options)
{
	const char *other = file_option(options);
	if (options->live_command && options->inputs.count)
		return command_line_error(command_line,
					  "'%s' and a command after -- exclude each other",
					  options->inputs.items[0]);
	if (options->live_command && options->pids.count)
		return command_line_error(command_line, "--pid and a command exclude each other");
	if (other)
		return command_line_error(command_line,
					  "%s is for files, not for a running process; "
					  "pyspy-capture makes a file of it",
					  other);
	if (options->nonblocking && options->native)
		return command_line_error(command_line,
					  "--nonblocking and --native exclude each other: native "
					  "stacks can be read of stopped threads only");
	if (!options->live_command && (options->hide_output || options->kill))
		return command_line_error(command_line,
					  "%s is for a command that is started; give it after --",
					  options->kill ? "--kill" : "--capture-output");
	if (options->duration && !options->live_command && options->command->bit == COMMAND_DUMP)
		return command_line_error(command_line,
					  "a running process is shown as it is now; --duration is "
					  "for a command that is started, after --");
	return check_values(command_line, options);
}

struct error *live_options_check(const struct command_line *command_line,
				 const struct analyze_options *options)
{
	const char *live = live_option(options);
	if (live_wanted(options))
		return check_live(command_line, options);
	if (live)
		return command_line_error(command_line,
					  "%s is for a running process: give it with --pid, or a "
					  "command after --",
					  live);
	return NULL;
}

struct vector {
	const char **words;
	size_t count;
};

static void add(struct vector *vector, bool wanted, const char *word)
{
	if (wanted)
		vector->words[vector->count++] = word;
}

static void add_value(struct vector *vector, const char *word, const char *value)
{
	add(vector, value, word);
	add(vector, value, value);
}

struct error *live_arguments_make(const struct analyze_options *options, bool sampling,
				  struct live_arguments *ret)
{
	enum { OPTION_WORDS = 24 };
	size_t pids = options->pids.count;
	size_t commands = 0;
	while (options->live_command && options->live_command[commands])
		commands++;
	struct vector vector = {
		.words = calloc(OPTION_WORDS + 2 * pids + commands, sizeof(const char *))};
	char *texts = calloc(pids + 1, PID_TEXT_SIZE);
	if (!vector.words || !texts) {
		free(vector.words);
		free(texts);
		return &error_out_of_memory;
	}
	for (size_t i = 0; i < pids; i++) {
		char *text = texts + i * PID_TEXT_SIZE;
		snprintf(text, PID_TEXT_SIZE, "%d", (int)options->pids.items[i]);
		add_value(&vector, "--pid", text);
	}
	char *rate = texts + pids * PID_TEXT_SIZE;
	bool last = !sampling && options->live_command;
	uint64_t hz = options->rate;
	if (hz == ANALYZE_RATE_UNSET)
		hz = last ? RATE_OF_LAST : RATE_DEFAULT;
	snprintf(rate, PID_TEXT_SIZE, "%u", (unsigned)hz);
	add_value(&vector, "--rate", sampling || last ? rate : NULL);
	add_value(&vector, "--count", last && !options->duration ? "1" : NULL);
	add_value(&vector, "--duration", options->duration);
	add_value(&vector, "--wait", options->wait);
	add(&vector, options->subprocesses, "--subprocesses");
	add(&vector, options->native, "--native");
	add(&vector, options->locals, "--locals");
	add(&vector, options->nonblocking, "--nonblocking");
	add(&vector, options->exhaustive, "--exhaustive");
	add(&vector, options->hide_output, "--capture");
	add(&vector, options->kill, "--kill");
	add(&vector, options->live_command, "--quiet");
	add(&vector, commands, "--");
	for (size_t i = 0; i < commands; i++)
		add(&vector, true, options->live_command[i]);
	*ret = (struct live_arguments){.words = vector.words, .texts = texts};
	return NULL;
}

void live_arguments_deinit(struct live_arguments *arguments)
{
	free(arguments->words);
	free(arguments->texts);
	*arguments = (struct live_arguments){0};
}

void live_name(const struct analyze_options *options, char *name, size_t size)
{
	if (options->live_command)
		snprintf(name, size, "command %s", options->live_command[0]);
	else if (options->pids.count == 1)
		snprintf(name, size, "process %d", (int)options->pids.items[0]);
	else
		snprintf(name, size, "%zu processes", options->pids.count);
}
