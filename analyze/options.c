#include "analyze/options.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/elf_kind.h"
#include "analyze/live_options.h"
#include "common/cleanup.h"
#include "formats/report_format.h"

#define FIELD(member) offsetof(struct analyze_options, member)

#define REPORT_COMMANDS (COMMAND_REPORT | COMMAND_RECORD | COMMAND_DIFF)
#define STACK_COMMANDS	(COMMAND_DUMP | REPORT_COMMANDS)
/* Those that can sample a running process, and those that can show one. */
#define SAMPLING_COMMANDS (COMMAND_REPORT | COMMAND_RECORD | COMMAND_TOP)
#define LIVE_COMMANDS	  (COMMAND_DUMP | SAMPLING_COMMANDS)
#define FRAME_COMMANDS	  (STACK_COMMANDS | COMMAND_TOP)

/* What top's screen is drawn after, unless --delay is given. */
#define DELAY_NS UINT64_C(1000000000)

/* clang-format off */
/*
 * What users of py-spy and pystack know and a later version will do is there as
 * OPTION_UNAVAILABLE: refused by name, so that nobody takes a guess at what a typed option did.
 */
static const struct option_spec option_rows[] = {
	{.name = "core", .letter = 'c', .argument = "FILE", .kind = OPTION_STRINGS,
	 .offset = FIELD(cores),
	 .help = "another way to name a FILE to read, as py-spy and gdb spell it"},
	{.name = "exe", .argument = "EXECUTABLE", .kind = OPTION_STRING,
	 .offset = FIELD(executable),
	 .help = "the program that dumped core, if it is not where the core says it is"},
	{.name = "json", .letter = 'j', .kind = OPTION_FLAG,
	 .commands = COMMAND_DUMP | COMMAND_INFO, .offset = FIELD(json),
	 .help = "print JSON"},
	{.name = "output", .letter = 'o', .argument = "FILE", .kind = OPTION_STRING,
	 .offset = FIELD(output),
	 .help = "write to FILE, which must not exist yet; - is standard output"},
	{.name = "sample", .argument = "K|TIME", .kind = OPTION_STRING,
	 .commands = COMMAND_DUMP | COMMAND_INFO, .offset = FIELD(sample),
	 .help = "the K-th sample of a snapshot, from 1; or the one at TIME, or the last before it: "
		 "2026-07-01T12:00:00Z, or seconds after the first sample, with a point (2.0); default: "
		 "the last"},
	{.name = "pid", .letter = 'p', .argument = "PID", .kind = OPTION_IDS,
	 .commands = FRAME_COMMANDS | COMMAND_INFO, .offset = FIELD(pids),
	 .help = "the running process to look at, decimal or hexadecimal (0x…); with a FILE only this "
		 "process of it; repeatable"},
	{.name = "subprocesses", .letter = 's', .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(subprocesses),
	 .help = "also the processes that come from the captured one; in a report the outermost frames "
		 "are processes then"},
	{.name = "tid", .argument = "ID", .kind = OPTION_LONG_IDS,
	 .commands = FRAME_COMMANDS, .offset = FIELD(tids),
	 .help = "only the thread with this id: the operating system's, that in its container, or "
		 "Python's; repeatable"},
	{.name = "gil", .letter = 'g', .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(gil),
	 .help = "only threads that hold the GIL; an error where that cannot be known"},
	{.name = "locals", .letter = 'l', .kind = OPTION_COUNT,
	 .commands = COMMAND_DUMP, .offset = FIELD(locals),
	 .help = "show each frame's local variables; repeat for more of long values"},
	{.name = "threads", .letter = 't', .kind = OPTION_FLAG,
	 .commands = STACK_COMMANDS, .offset = FIELD(threads),
	 .help = "show more of each thread's ids: pthread_t, id in its container, interpreter; "
		 "with --json, show also the threads that run no Python; in a report the threads are "
		 "frames"},
	{.name = "native", .letter = 'n', .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(native),
	 .help = "show native frames too, merged with the Python frames"},
	{.name = "native-all", .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(native_all),
	 .help = "as --native, and threads that run no Python too"},
	{.name = "native-last", .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(native_last),
	 .help = "as --native, but only native frames inside of the newest Python frame"},
	{.name = "native-internal", .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(native_internal),
	 .help = "as --native, and do not hide the interpreter's own functions"},
	{.name = "full-filenames", .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(full_filenames),
	 .help = "show whole file names, not only the part inside the package"},
	{.name = "function", .letter = 'F', .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(first_lines),
	 .help = "show the first line of each function instead of the current one"},
	{.name = "nolineno", .kind = OPTION_FLAG,
	 .commands = FRAME_COMMANDS, .offset = FIELD(no_line_numbers),
	 .help = "show no line numbers"},
	{.name = "source", .kind = OPTION_FLAG,
	 .commands = STACK_COMMANDS, .offset = FIELD(source),
	 .help = "show the source line of each frame, where its file is at hand; in a report with "
		 "--format html"},
	{.name = "format", .letter = 'f', .argument = "FORMAT", .kind = OPTION_CHOICE,
	 .choices = report_format_names, .commands = REPORT_COMMANDS, .offset = FIELD(format),
	 .help = "what to make of the stacks: " REPORT_FORMAT_LIST "; default: the first"},
	{.name = "weight", .argument = "UNIT", .kind = OPTION_CHOICE,
	 .choices = report_unit_names, .commands = REPORT_COMMANDS, .offset = FIELD(weight),
	 .help = "what counts: samples, wall (time until the next sample), cpu (processor time of "
		 "the thread) or gil (wall time while it held the GIL); default: samples"},
	{.name = "idle", .letter = 'i', .kind = OPTION_FLAG,
	 .commands = REPORT_COMMANDS | COMMAND_TOP, .offset = FIELD(idle),
	 .help = "also the stacks of idle threads"},
	{.name = "from", .argument = "TIME", .kind = OPTION_STRING,
	 .commands = REPORT_COMMANDS, .offset = FIELD(from),
	 .help = "only samples from this time on: 2026-07-01T12:00:00Z, or seconds after the first "
		 "sample of the file"},
	{.name = "to", .argument = "TIME", .kind = OPTION_STRING,
	 .commands = REPORT_COMMANDS, .offset = FIELD(to),
	 .help = "only samples before this time"},
	{.name = "include", .argument = "REGEX", .kind = OPTION_STRINGS,
	 .commands = REPORT_COMMANDS, .offset = FIELD(include),
	 .help = "only stacks with a frame \"name (file:line)\" that matches; repeatable: any of "
		 "them"},
	{.name = "exclude", .argument = "REGEX", .kind = OPTION_STRINGS,
	 .commands = REPORT_COMMANDS, .offset = FIELD(exclude),
	 .help = "no stacks with a frame that matches; repeatable"},
	{.name = "delay", .argument = "SECONDS", .kind = OPTION_SECONDS, .commands = COMMAND_TOP,
	 .offset = FIELD(delay_ns),
	 .help = "draw the screen so often, and show the percentages of that time; default: 1.0"},
	{.name = "speed", .argument = "FACTOR", .kind = OPTION_STRING, .commands = COMMAND_TOP,
	 .offset = FIELD(speed),
	 .help = "play a file so much faster than it was captured; 0 is as fast as can be; "
		 "default: 1"},
	{.name = "rate", .letter = 'r', .argument = "HZ", .kind = OPTION_NUMBER,
	 .commands = SAMPLING_COMMANDS, .offset = FIELD(rate),
	 .help = "of a running process take so many samples each second; default: 100"},
	{.name = "duration", .letter = 'd', .argument = "SECONDS", .kind = OPTION_STRING,
	 .commands = LIVE_COMMANDS, .offset = FIELD(duration),
	 .help = "sample a running process for so long; unlimited (the default) is until it or "
		 "Control-C ends it. dump shows a COMMAND as it is after so long, or was just "
		 "before its end; otherwise as soon as its Python runs"},
	{.name = "wait", .argument = "SECONDS", .kind = OPTION_STRING,
	 .commands = LIVE_COMMANDS, .offset = FIELD(wait),
	 .help = "while no started Python is found in the process, try again for so long; default: "
		 "0, and 10 for a COMMAND"},
	{.name = "nonblocking", .alias = "no-block", .kind = OPTION_FLAG,
	 .commands = LIVE_COMMANDS, .offset = FIELD(nonblocking),
	 .help = "never stop the running process: read while it runs, until two reads agree"},
	{.name = "capture-output", .alias = "capture", .kind = OPTION_FLAG,
	 .commands = LIVE_COMMANDS, .offset = FIELD(hide_output),
	 .help = "hide what COMMAND prints, and show it if it fails"},
	{.name = "kill", .kind = OPTION_FLAG,
	 .commands = LIVE_COMMANDS, .offset = FIELD(kill),
	 .help = "end COMMAND when the sampling has ended; without it COMMAND runs on"},
	{.name = "hideprogress", .kind = OPTION_FLAG,
	 .offset = FIELD(hide_progress), .help = "show no progress bar"},
	{.name = "exhaustive", .kind = OPTION_FLAG, .offset = FIELD(exhaustive),
	 .help = "try every way to find the interpreter, the slow ones too"},
	{.name = "sysroot", .argument = "DIR", .kind = OPTION_STRING, .offset = FIELD(sysroot),
	 .help = "folder in which the files of the other machine or container are"},
	{.name = "lib-search-path", .argument = "A:B", .kind = OPTION_COLON_LIST,
	 .offset = FIELD(search_paths),
	 .help = "folders in which to look for the process's libraries; repeatable"},
	{.name = "lib-search-root", .argument = "A:B", .kind = OPTION_COLON_LIST,
	 .offset = FIELD(search_roots),
	 .help = "folders below which the libraries have the paths that they had; repeatable"},
	COMMON_OPTIONS(struct analyze_options, common),

	{.name = "rate", .letter = 'r', .kind = OPTION_UNAVAILABLE},
	{.name = "duration", .letter = 'd', .kind = OPTION_UNAVAILABLE},
	{.name = "wait", .kind = OPTION_UNAVAILABLE},
	{.name = "nonblocking", .alias = "no-block", .kind = OPTION_UNAVAILABLE},
	{.name = "capture-output", .alias = "capture", .kind = OPTION_UNAVAILABLE},
};
/* clang-format on */

enum { OPTION_ROW_COUNT = sizeof(option_rows) / sizeof(option_rows[0]) };

struct command_line analyze_command_line(const struct command *command)
{
	return (struct command_line){
		.program = "pyspy-analyze",
		.synopsis = command->synopsis,
		.description = command->description,
		.options = option_rows,
		.option_count = OPTION_ROW_COUNT,
		.epilogue = "Exit status: 0 done, 1 failed, 2 wrong usage, 3 partial (what could "
			    "be had is shown), 4 no Python found, 5 no permission.",
		.command = command->bit,
	};
}

static bool takes_argument(const struct option_spec *spec)
{
	return spec->argument && spec->kind != OPTION_UNAVAILABLE;
}

static bool letter_takes_argument(char letter)
{
	for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
		if (option_rows[i].letter == letter)
			return takes_argument(&option_rows[i]);
	}
	return false;
}

/* Whether the argument of the option word `word` is the word after it. */
static bool takes_next_word(const char *word)
{
	if (word[1] == '-') {
		for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
			if (strcmp(word + 2, option_rows[i].name) == 0)
				return takes_argument(&option_rows[i]);
		}
		return false;
	}
	/* -jo FILE, but not -joFILE */
	const char *letter = word + 1;
	while (*letter && !letter_takes_argument(*letter))
		letter++;
	return *letter && !letter[1];
}

/* The index of the first word that is not an option or an option's argument; argc if none. */
static int find_first_word(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return argc;
		if (argv[i][0] != '-' || !argv[i][1])
			return i;
		if (takes_next_word(argv[i]))
			i++;
	}
	return argc;
}

static struct error *parse_words(const struct command_line *command_line, int argc, char **argv,
				 int command_index, struct analyze_options *options)
{
	/* A copy without the command, because getopt_long(3) wants an argv. */
	CLEANUP_FREE char **words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words)
		return &error_out_of_memory;
	int count = 0;
	for (int i = 0; i < argc; i++) {
		if (i != command_index)
			words[count++] = argv[i];
	}
	struct error *error =
		command_line_parse(command_line, count, words, options, &options->arguments);
	/* Where no command of ours is named, nothing is started that was meant to be read. */
	bool starts = options->command->bit & SAMPLING_COMMANDS ||
		      (options->command->bit & LIVE_COMMANDS && command_index < argc);
	bool command = options->arguments.has_separator && starts;
	/* The words of argv itself: those of the copy go with it. */
	if (command)
		options->live_command = argv + argc - options->arguments.rest_count;
	/* Otherwise what is after "--" is a FILE too. */
	for (size_t i = 0; !command && i < options->arguments.rest_count && !error; i++)
		error = string_list_append(&options->arguments.words, options->arguments.rest[i]);
	options->arguments.rest = NULL;
	options->arguments.rest_count = 0;
	return error;
}

/*
 * pystack's "CORE EXECUTABLE" and coredumpctl's "EXECUTABLE -c CORE": a program among the files to
 * read is where the core came from, if nothing else says so.
 */
static struct error *sort_files(const struct command_line *command_line,
				struct analyze_options *options)
{
	const struct string_list *words = &options->arguments.words;
	size_t count = words->count + options->cores.count;
	for (size_t i = 0; i < words->count; i++) {
		struct error *error = NULL;
		if (count > 1 && elf_kind_of_path(words->items[i]) == ELF_KIND_PROGRAM) {
			if (options->executable)
				return command_line_error(
					command_line,
					"'%s' is a program, and '%s' is given already",
					words->items[i], options->executable);
			options->executable = words->items[i];
		} else {
			error = string_list_append(&options->inputs, words->items[i]);
		}
		if (error)
			return error;
	}
	for (size_t i = 0; i < options->cores.count; i++) {
		struct error *error = string_list_append(&options->inputs, options->cores.items[i]);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *missing_file_error(const struct command_line *command_line,
					const struct analyze_options *options)
{
	if (options->pids.count)
		return command_line_error(
			command_line, "a FILE to read is missing; pyspy-capture writes one from "
				      "a running process");
	return command_line_error(
		command_line, options->command->bit & LIVE_COMMANDS
				      ? "a FILE to read is missing: a snapshot or a core; --pid "
					"names a running process"
				      : "a FILE to read is missing: a snapshot or a core");
}

static struct error *check(const struct command_line *command_line,
			   const struct analyze_options *options)
{
	size_t standard_inputs = 0;
	/* It says itself what it needs: a word, not a file. */
	if (options->command->bit == COMMAND_COMPLETIONS)
		return NULL;
	bool live = live_wanted(options);
	struct error *error = live_options_check(command_line, options);
	if (error)
		return error;
	if (options->live_command && !options->live_command[0])
		return command_line_error(command_line, "which command? give it after --");
	if (!options->inputs.count && !live)
		return missing_file_error(command_line, options);
	for (size_t i = 0; i < options->inputs.count; i++)
		standard_inputs += strcmp(options->inputs.items[i], "-") == 0;
	if (standard_inputs > 1)
		return command_line_error(command_line, "standard input can be read once only");
	if (options->first_lines && options->no_line_numbers)
		return command_line_error(command_line,
					  "--function and --nolineno exclude each other");
	if (options->source && options->no_line_numbers)
		return command_line_error(command_line,
					  "--source and --nolineno exclude each other");
	if (options->output && !*options->output)
		return command_line_error(command_line, "the output's name is empty");
	return NULL;
}

struct error *analyze_options_parse(int argc, char **argv, struct analyze_options *ret)
{
	*ret = (struct analyze_options){
		.command = command_default(),
		.delay_ns = DELAY_NS,
		.rate = ANALYZE_RATE_UNSET,
	};
	int index = find_first_word(argc, argv);
	const struct command *command = index < argc ? command_find(argv[index]) : NULL;
	struct command_line command_line = analyze_command_line(ret->command);
	if (command)
		ret->command = command;
	command_line = analyze_command_line(ret->command);
	struct error *error = parse_words(&command_line, argc, argv, command ? index : argc, ret);
	if (error || ret->common.help || ret->common.version)
		return error;
	ret->native |= ret->native_all || ret->native_last || ret->native_internal;
	error = sort_files(&command_line, ret);
	return error ? error : check(&command_line, ret);
}

void analyze_options_deinit(struct analyze_options *options)
{
	string_list_deinit(&options->cores);
	id_list_deinit(&options->pids);
	number_list_deinit(&options->tids);
	string_list_deinit(&options->include);
	string_list_deinit(&options->exclude);
	string_list_deinit(&options->search_paths);
	string_list_deinit(&options->search_roots);
	string_list_deinit(&options->inputs);
	arguments_deinit(&options->arguments);
}
