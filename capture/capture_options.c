#include "capture/capture_options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/output_pattern.h"
#include "common/cleanup.h"
#include "common/option_values.h"

#define COMMAND_WAIT_NS UINT64_C(10000000000)

enum {
	RATE_DEFAULT = 100,
	RATE_MAX = 10000,
	MAX_BYTES_MIN = 16 << 10,
	EVERY_MIN_NS = 100 * 1000 * 1000,
};

static const char *const level_names[] = {"stacks", "locals", "full", NULL};
static const enum capture_level levels[] = {LEVEL_STACKS, LEVEL_LOCALS, LEVEL_FULL};

static const char *const synopsis[] = {
	"--pid PID... [-o FILE|-] [options]",
	"[-o FILE|-] [options] -- COMMAND [ARGUMENT]...",
	NULL,
};

#define FIELD(member) offsetof(struct capture_options, member)

/* clang-format off */
/*
 * What py-spy users know and a later version will do (OPTION_UNAVAILABLE) is refused by name, so
 * that nobody takes a guess at what a typed option did.
 */
static const struct option_spec option_rows[] = {
	{.name = "pid", .letter = 'p', .argument = "PID", .kind = OPTION_IDS,
	 .offset = FIELD(pids),
	 .help = "the process to capture, decimal or hexadecimal (0x…); repeatable"},
	{.name = "subprocesses", .letter = 's', .kind = OPTION_FLAG,
	 .offset = FIELD(subprocesses),
	 .help = "capture all descendants of the process that run Python, too"},
	{.name = "output", .letter = 'o', .argument = "FILE", .kind = OPTION_STRING,
	 .offset = FIELD(output),
	 .help = "the snapshot to write; - is standard output. Without it the name is "
		 "PROGRAM-PID-TIME.zst. Nothing is ever overwritten"},
	{.name = "level", .argument = "LEVEL", .kind = OPTION_CHOICE,
	 .offset = FIELD(level_choice), .choices = level_names,
	 .help = "how much to capture: stacks (the default: what the Python stacks need), locals "
		 "(and the values of local variables) or full (all private memory and registers, "
		 "any program)"},
	{.name = "locals", .letter = 'l', .kind = OPTION_COUNT,
	 .offset = FIELD(locals), .help = "the same as --level locals"},
	{.name = "native", .letter = 'n', .kind = OPTION_FLAG, .offset = FIELD(native),
	 .help = "capture native stacks, too: registers, stacks, and what unwinding needs of the "
		 "libraries; all threads are stopped for it"},
	{.name = "gil", .letter = 'g', .kind = OPTION_FLAG, .offset = FIELD(gil),
	 .help = "of a run only the samples at which a thread holds the GIL; others are not taken"},
	{.name = "nonblocking", .alias = "no-block", .kind = OPTION_FLAG,
	 .offset = FIELD(nonblocking),
	 .help = "never stop the process: read while it runs, until two reads agree"},
	{.name = "wait", .argument = "SECONDS", .kind = OPTION_SECONDS,
	 .offset = FIELD(wait_ns),
	 .help = "while no started Python is found in the process, try again for so long "
		 "(default 0, and 10 for a COMMAND)"},
	{.name = "rate", .letter = 'r', .argument = "HZ", .kind = OPTION_NUMBER,
	 .offset = FIELD(rate),
	 .help = "take many samples into one file, so many each second (default 100, if a duration "
		 "or a count is given)"},
	{.name = "duration", .letter = 'd', .argument = "SECONDS", .kind = OPTION_STRING,
	 .offset = FIELD(duration),
	 .help = "take samples for so long; unlimited (the default of a run) is until the process "
		 "or Control-C ends it"},
	{.name = "count", .argument = "N", .kind = OPTION_NUMBER, .offset = FIELD(count),
	 .help = "take so many samples of each process"},
	{.name = "every", .argument = "SECONDS", .kind = OPTION_SECONDS, .offset = FIELD(every_ns),
	 .help = "write one file for each such period, named by FILE as a pattern (%Y%m%dT%H%M%S and "
		 "the like, in UTC, %{pid}, %{host}): one sample, or with --rate a run"},
	{.name = "max-bytes", .argument = "BYTES", .kind = OPTION_SIZE, .offset = FIELD(max_bytes),
	 .help = "end a file of a run before it is larger, and begin the next one if FILE is a "
		 "pattern; otherwise end the run"},
	{.name = "keep", .argument = "N", .kind = OPTION_NUMBER, .offset = FIELD(keep),
	 .help = "of the files that this run makes keep the N newest only"},
	{.name = "keep-bytes", .argument = "BYTES", .kind = OPTION_SIZE,
	 .offset = FIELD(keep_bytes),
	 .help = "of the files that this run makes remove the oldest when all of them are larger; "
		 "K, M and G may follow the number"},
	{.name = "capture", .alias = "capture-output", .kind = OPTION_FLAG,
	 .offset = FIELD(hide_output),
	 .help = "hide what COMMAND prints, and show it if it fails; implied by -o -"},
	{.name = "kill", .kind = OPTION_FLAG, .offset = FIELD(kill),
	 .help = "end COMMAND when the capture has ended; without it COMMAND runs on"},
	{.name = "exhaustive", .kind = OPTION_FLAG, .offset = FIELD(exhaustive),
	 .help = "look for the interpreter in every way, the slow ones too"},
	COMMON_OPTIONS(struct capture_options, common),
	{.name = "output-fd", .argument = "N", .kind = OPTION_NUMBER, .offset = FIELD(output_fd),
	 .hidden = true, .help = "write to this open descriptor"},
	{.name = "help-faults", .kind = OPTION_FLAG, .offset = FIELD(help_faults), .hidden = true,
	 .help = "print the fault points that PYSPY_FAULT can name, and exit"},
	{.name = "completions", .argument = "SHELL", .kind = OPTION_STRING, .hidden = true,
	 .offset = FIELD(completions),
	 .help = "print the script that completes these options in bash, zsh or fish, and exit"},
	{.name = "hideprogress", .kind = OPTION_FLAG, .offset = FIELD(hide_progress),
	 .help = "no effect: there is no progress to hide here; scripts give it to all commands"},
};
/* clang-format on */

const struct command_line capture_command_line = {
	.program = "pyspy-capture",
	.synopsis = synopsis,
	.description =
		"Captures the stacks of a running Python process into a file that pyspy-analyze "
		"reads, anywhere and later. The process is held for as short as possible and "
		"is not changed.",
	.options = option_rows,
	.option_count = sizeof(option_rows) / sizeof(option_rows[0]),
	.epilogue =
		"Exit status: 0 done, 1 failed, 2 wrong usage, 3 partial (what could be had "
		"was written), 4 no Python found, 5 no permission. With a COMMAND that has "
		"ended it is that of the COMMAND, 128 + N if signal N ended it; 125 to 127 if it "
		"could not be started.",
};

static struct error *check_words(const struct arguments *arguments)
{
	int32_t id;
	if (!arguments->words.count)
		return NULL;
	const char *word = arguments->words.items[0];
	struct error *error = parse_id(word, &id);
	if (!error)
		return command_line_error(&capture_command_line,
					  "unexpected argument '%s'; did you mean --pid %s?", word,
					  word);
	error_destroy(error);
	return command_line_error(&capture_command_line, "unexpected argument '%s'", word);
}

static struct error *check_command(struct capture_options *options,
				   const struct arguments *arguments)
{
	if (arguments->has_separator && !arguments->rest_count)
		return command_line_error(&capture_command_line, "which command? give it after --");
	if (!arguments->has_separator && (options->kill || options->hide_output))
		return command_line_error(&capture_command_line,
					  "--kill and --capture are for a command that is started; "
					  "give it after --");
	if (options->wait_ns == UINT64_MAX)
		options->wait_ns = arguments->has_separator ? COMMAND_WAIT_NS : 0;
	if (!arguments->has_separator)
		return NULL;
	options->command = arguments->rest;
	/* What it prints would be in the middle of the snapshot. */
	if (options->output && strcmp(options->output, "-") == 0)
		options->hide_output = true;
	return NULL;
}

static struct error *check_pids(const struct capture_options *options)
{
	if (options->command && options->pids.count)
		return command_line_error(&capture_command_line,
					  "--pid and a command exclude each other");
	if (!options->command && !options->pids.count)
		return command_line_error(&capture_command_line,
					  "which process? give it with --pid, or a command after "
					  "--");
	for (size_t i = 0; i < options->pids.count; i++)
		if (options->pids.items[i] == getpid())
			return command_line_error(&capture_command_line,
						  "process %d is this program itself",
						  (int)options->pids.items[i]);
	return NULL;
}

/* Whether what is written to `output` would appear on a terminal: also /dev/tty and /dev/stdout. */
static bool is_terminal(const char *output)
{
	struct stat status;
	if (strcmp(output, "-") == 0)
		return isatty(STDOUT_FILENO);
	if (stat(output, &status) != 0 || !S_ISCHR(status.st_mode))
		return false;
	CLEANUP_CLOSE int fd = open(output, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && isatty(fd);
}

static struct error *take_output_fd(struct capture_options *options)
{
	if (options->output_fd == UINT64_MAX)
		return NULL;
	if (options->output || options->output_fd > INT_MAX ||
	    fcntl((int)options->output_fd, F_SETFD, FD_CLOEXEC) != 0)
		return command_line_error(&capture_command_line,
					  "--output-fd needs an open descriptor, and no --output");
	snprintf(options->output_fd_name, sizeof(options->output_fd_name), "/dev/fd/%d",
		 (int)options->output_fd);
	options->output = options->output_fd_name;
	return NULL;
}

static struct error *check_output(struct capture_options *options)
{
	struct error *error = take_output_fd(options);
	if (error || !options->output)
		return error;
	if (!*options->output)
		return command_line_error(&capture_command_line, "the output's name is empty");
	if (is_terminal(options->output))
		return command_line_error(&capture_command_line,
					  "a snapshot is binary and is not written to a terminal; "
					  "name a file with -o, or pipe the output on");
	return NULL;
}

static struct error *check_run(struct capture_options *options)
{
	bool bounded = options->duration || options->count != UINT64_MAX;
	options->run = options->rate != UINT64_MAX ||
		       ((bounded || options->command) && options->every_ns == UINT64_MAX);
	if (!options->run && options->gil)
		return command_line_error(&capture_command_line,
					  "--gil chooses among many samples: it needs --rate, "
					  "--duration or --count");
	if (!options->run)
		return NULL;
	if (options->rate == UINT64_MAX)
		options->rate = RATE_DEFAULT;
	if (!options->rate || options->rate > RATE_MAX)
		return command_line_error(&capture_command_line,
					  "a rate is 1 to %d samples a second", RATE_MAX);
	if (options->level == LEVEL_FULL)
		return command_line_error(&capture_command_line,
					  "many samples (--rate, --duration, --count) are taken at "
					  "levels stacks and locals");
	return NULL;
}

static struct error *check_bounds(struct capture_options *options)
{
	options->duration_ns = UINT64_MAX;
	if (!options->count)
		return command_line_error(&capture_command_line, "a count is 1 at least");
	if (!options->duration || strcmp(options->duration, "unlimited") == 0)
		return NULL;
	struct error *error = parse_seconds(options->duration, &options->duration_ns);
	if (!error)
		return NULL;
	error_destroy(error);
	return command_line_error(&capture_command_line,
				  "--duration needs seconds or 'unlimited', not '%s'",
				  options->duration);
}

/* Consumes `error`. */
static struct error *pattern_error(struct error *error)
{
	if (!error || error->code != ERROR_USAGE)
		return error;
	struct error *hinted = command_line_error(&capture_command_line, "%s", error->message);
	error_destroy(error);
	return hinted;
}

static struct error *check_pattern(struct capture_options *options)
{
	bool every = options->every_ns != UINT64_MAX;
	const char *output = options->output;
	/* Where only one file is meant, a name is what it is. */
	options->output_is_pattern =
		output && (every || (options->max_bytes != UINT64_MAX && strchr(output, '%')));
	if (!options->output_is_pattern)
		return NULL;
	if (strcmp(output, "-") == 0)
		return command_line_error(&capture_command_line,
					  "--every writes many files, and not to standard output");
	struct error *error = output_pattern_check(output);
	if (!error && every)
		error = output_pattern_check_period(output, options->every_ns);
	return pattern_error(error);
}

static struct error *check_files(struct capture_options *options)
{
	struct error *error = check_pattern(options);
	if (error)
		return error;
	bool many = options->every_ns != UINT64_MAX || options->output_is_pattern;
	if (!many && (options->keep != UINT64_MAX || options->keep_bytes != UINT64_MAX))
		return command_line_error(&capture_command_line,
					  "--keep and --keep-bytes are for runs of many files; say "
					  "with --every when to begin one");
	if (!options->keep)
		return command_line_error(&capture_command_line, "--keep is 1 at least");
	if (options->every_ns < EVERY_MIN_NS)
		return command_line_error(&capture_command_line, "--every is 0.1 seconds at least");
	if (options->max_bytes != UINT64_MAX && !options->run)
		return command_line_error(&capture_command_line,
					  "--max-bytes is for files of many samples (--rate)");
	if (options->max_bytes < MAX_BYTES_MIN)
		return command_line_error(&capture_command_line, "--max-bytes is 16K at least");
	return NULL;
}

static struct error *check(struct capture_options *options, const struct arguments *arguments)
{
	struct error *error = check_words(arguments);
	if (!error)
		error = check_command(options, arguments);
	if (!error)
		error = check_pids(options);
	if (!error)
		error = check_output(options);
	options->level = levels[options->level_choice];
	if (options->locals && options->level < LEVEL_LOCALS)
		options->level = LEVEL_LOCALS;
	/* Memory that is read while it changes would be a heap that never was. */
	if (!error && options->nonblocking && options->native)
		error = command_line_error(&capture_command_line,
					   "--nonblocking and --native exclude each other: native "
					   "stacks can be read of stopped threads only");
	if (!error && options->gil && options->native)
		error = command_line_error(&capture_command_line,
					   "--gil and --native exclude each other when capturing; "
					   "pyspy-analyze has --gil, too");
	if (!error && options->nonblocking && options->level == LEVEL_FULL)
		error = command_line_error(&capture_command_line,
					   "--nonblocking and --level full exclude each other");
	if (!error)
		error = check_bounds(options);
	if (!error)
		error = check_run(options);
	return error ? error : check_files(options);
}

struct error *capture_options_parse(int argc, char **argv, struct capture_options *ret)
{
	CLEANUP(arguments_deinit) struct arguments arguments = {0};
	*ret = (struct capture_options){
		.rate = UINT64_MAX,
		.count = UINT64_MAX,
		.wait_ns = UINT64_MAX,
		.every_ns = UINT64_MAX,
		.max_bytes = UINT64_MAX,
		.keep = UINT64_MAX,
		.keep_bytes = UINT64_MAX,
		.output_fd = UINT64_MAX,
	};
	struct error *error =
		command_line_parse(&capture_command_line, argc, argv, ret, &arguments);
	if (error || ret->common.help || ret->common.version || ret->help_faults ||
	    ret->completions)
		return error;
	return check(ret, &arguments);
}

void capture_options_deinit(struct capture_options *options)
{
	id_list_deinit(&options->pids);
}
