/* report and record: all samples of all inputs, put together in one of the formats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/live_run.h"
#include "analyze/profile/frame_source.h"
#include "analyze/progress.h"
#include "analyze/report_input.h"
#include "analyze/result_stream.h"
#include "common/cleanup.h"
#include "common/path_name.h"

enum { PROGRAM_NAME_MAX = 64, NAME_ATTEMPTS = 1000 };

struct report_run {
	const struct analyze_options *options;
	const struct report_format *format;
	struct tally tally;
	struct profile profile;
	struct report_input input;
	struct result_stream result;
	struct frame_source source;
	char *default_name;
	struct live_run live;
};

static void report_run_deinit(struct report_run *run)
{
	result_stream_close(&run->result);
	live_run_deinit(&run->live);
	report_input_deinit(&run->input);
	frame_source_deinit(&run->source);
	profile_deinit(&run->profile);
	free(run->default_name);
}

/* NAME-TIME.EXTENSION, as py-spy's record does; from 2 on with the number behind the time. */
static struct error *make_default_name(struct report_run *run, unsigned number)
{
	char date[32];
	char program[PROGRAM_NAME_MAX + 1];
	char suffix[16] = "";
	time_t now = time(NULL);
	struct tm broken_down;
	if (!gmtime_r(&now, &broken_down) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H%M%SZ", &broken_down))
		return error_create(ERROR_FAILED, "the clock is beyond all calendars");
	snprintf(program, sizeof(program), "%s",
		 run->input.program && *run->input.program ? run->input.program : "report");
	path_make_plain(program);
	if (number > 1)
		snprintf(suffix, sizeof(suffix), "-%u", number);
	free(run->default_name);
	if (asprintf(&run->default_name, "%s-%s%s.%s", program, date, suffix,
		     run->format->extension) < 0) {
		run->default_name = NULL;
		return &error_out_of_memory;
	}
	return NULL;
}

typedef struct error *(*use_name)(struct result_stream *result, const char *name);

/* Names that other programs took are passed over: two may end within a second, and neither is to
 * lose what it sampled. */
static struct error *use_default_name(struct report_run *run, use_name use)
{
	for (unsigned number = 1;; number++) {
		struct error *error = make_default_name(run, number);
		if (!error)
			error = use(&run->result, run->default_name);
		if (!error || error->code != ERROR_EXISTS || number == NAME_ATTEMPTS)
			return error;
		error_destroy(error);
	}
}

static struct error *check_terminal(const struct report_run *run)
{
	const char *output = run->options->output;
	bool prints = run->options->command->bit != COMMAND_RECORD || output;
	if (!run->format->binary || !prints || (output && strcmp(output, "-") != 0) ||
	    !isatty(STDOUT_FILENO))
		return NULL;
	return error_create(ERROR_USAGE,
			    "format %s is not for terminals; give a file with --output FILE",
			    run->format->name);
}

static const char *title_of(const struct report_run *run)
{
	const struct profile *profile = &run->profile;
	if (profile->process_count == 1)
		return profile_text_of(profile, profile->processes[0].command);
	return "several processes";
}

/* Said before anything is sampled. */
static struct error *check_unit_of_format(const struct report_run *run)
{
	enum profile_unit unit = (enum profile_unit)run->options->weight;
	if (run->format->trail && !run->format->all_units &&
	    (unit == PROFILE_CPU || unit == PROFILE_GIL))
		return error_create(
			ERROR_USAGE,
			"format %s shows what threads did over time; it cannot weigh %s",
			run->format->name, report_unit_names[unit]);
	return NULL;
}

static struct error *check_unit(const struct report_run *run)
{
	enum profile_unit unit = (enum profile_unit)run->options->weight;
	if (run->profile.total.of[unit] || !run->profile.total.of[PROFILE_SAMPLES])
		return NULL;
	return error_create(ERROR_NOT_FOUND,
			    "--weight %s: nothing weighs anything; it takes files with several "
			    "samples of a process%s",
			    report_unit_names[unit],
			    unit == PROFILE_GIL ? ", and a thread that held the GIL" : "");
}

static struct error *write_report(struct report_run *run)
{
	static const char *const nothing[] = {NULL};
	struct error *error = check_unit(run);
	if (!run->profile.total.of[PROFILE_SAMPLES])
		run->tally.context->message(MESSAGE_WARNING,
					    run->options->idle
						    ? "no stack is left"
						    : "no stack is left; --idle counts those of "
						      "idle threads too");
	if (!error && !run->result.stream)
		error = result_stream_open(&run->result, run->options->output);
	if (error)
		return error;
	const struct report report = {
		.profile = &run->profile,
		.trail = run->input.trail,
		.unit = (enum profile_unit)run->options->weight,
		.title = title_of(run),
		.source = run->options->source ? frame_source_read : NULL,
		.source_context = &run->source,
		.lost = run->input.lost.count ? run->input.lost.items : nothing,
	};
	error = run->format->write(run->result.stream, &report);
	if (!error)
		error = run->default_name ? use_default_name(run, result_stream_commit_as)
					  : result_stream_commit(&run->result);
	if (!error && run->default_name && !run->options->common.quiet)
		fprintf(stderr, "wrote %s\n", run->default_name);
	return error;
}

/* A process that runs is sampled until it, the duration or the user ends it. `ret_status` is the
 * exit status of a command that was started. */
static struct error *add_live(struct report_run *run, int *ret_status)
{
	struct report_input *input = &run->input;
	struct error *error = NULL;
	if (run->options->output)
		error = result_stream_open(&run->result, run->options->output);
	if (!error)
		error = live_run_begin(run->options, &run->tally, &run->live);
	*ret_status = run->live.status;
	if (error || run->live.failed)
		return error;
	error = report_input_add_target(input, run->live.name, run->live.target);
	return error ? error : live_run_end(&run->live, ret_status);
}

static struct error *add_inputs(struct report_run *run, int *ret_status)
{
	const struct string_list *inputs = &run->options->inputs;
	struct error *error = NULL;
	*ret_status = 0;
	/* What stands in the way of a file is said now, not after hours of sampling; what it is
	 * called is known at the end. */
	if (run->options->command->bit == COMMAND_RECORD && !run->options->output)
		error = use_default_name(run, result_stream_open);
	/* A command that prints has the terminal. */
	bool prints = run->options->live_command && !run->options->hide_output;
	progress_begin(run->options->hide_progress || run->options->common.quiet || prints,
		       inputs->count);
	if (!error && live_wanted(run->options))
		error = add_live(run, ret_status);
	for (size_t i = 0; i < inputs->count && !error; i++) {
		progress_file(i);
		if (strcmp(inputs->items[i], "-") == 0)
			live_stream_take_interrupt();
		error = report_input_add(&run->input, inputs->items[i]);
	}
	progress_end();
	return error;
}

struct error *command_report(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	CLEANUP(report_run_deinit)
	struct report_run run = {
		.options = options,
		.format = report_format_find(report_format_names[options->format]),
		.tally = {.context = context},
		.source = {.profile = &run.profile, .root = options->sysroot},
	};
	struct error *error = check_terminal(&run);
	if (!error)
		error = check_unit_of_format(&run);
	if (!error)
		error = report_input_init(options, run.format, &run.tally, &run.profile,
					  &run.input);
	if (error)
		return error;
	int status;
	error = add_inputs(&run, &status);
	if (!error && !run.live.failed)
		error = report_input_finish(&run.input);
	if (!error && run.tally.shown)
		error = write_report(&run);
	if (!error)
		*ret = status ? (enum exit_status)status : tally_status(&run.tally);
	return error;
}
