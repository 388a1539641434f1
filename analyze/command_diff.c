/* diff: two files, or what each holds of a process, in one graph or table. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/command.h"
#include "analyze/progress.h"
#include "analyze/report_input.h"
#include "analyze/result_stream.h"
#include "common/cleanup.h"
#include "formats/profile_diff.h"

struct diff_run {
	const struct analyze_options *options;
	const struct report_format *format;
	struct tally tally;
	struct profile profile;
	struct report_input input;
	struct result_stream result;
	char *title;
};

static void diff_run_deinit(struct diff_run *run)
{
	result_stream_close(&run->result);
	report_input_deinit(&run->input);
	profile_deinit(&run->profile);
	free(run->title);
}

static struct error *write_diff(struct diff_run *run)
{
	static const char *const nothing[] = {NULL};
	const struct string_list *inputs = &run->options->inputs;
	struct error *error =
		profile_diff_prepare(&run->profile, (enum profile_unit)run->options->weight);
	if (!error &&
	    asprintf(&run->title, "%s \xe2\x86\x92 %s", inputs->items[0], inputs->items[1]) < 0) {
		run->title = NULL;
		error = &error_out_of_memory;
	}
	if (!error)
		error = result_stream_open(&run->result, run->options->output);
	if (error)
		return error;
	const struct report report = {
		.profile = &run->profile,
		.title = run->title,
		.is_diff = true,
		.lost = run->input.lost.count ? run->input.lost.items : nothing,
	};
	error = run->format->write_diff(run->result.stream, &report);
	return error ? error : result_stream_commit(&run->result);
}

static struct error *check(const struct diff_run *run)
{
	if (run->options->inputs.count != 2)
		return error_create(ERROR_USAGE, "diff takes two files: BEFORE and AFTER");
	if (!run->format->write_diff)
		return error_create(ERROR_USAGE,
				    "format %s does not show differences; flamegraph, raw and text "
				    "do",
				    run->format->name);
	return NULL;
}

struct error *command_diff(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	CLEANUP(diff_run_deinit)
	struct diff_run run = {
		.options = options,
		.format = report_format_find(report_format_names[options->format]),
		.tally = {.context = context},
	};
	struct error *error = check(&run);
	if (!error)
		error = report_input_init(options, run.format, &run.tally, &run.profile,
					  &run.input);
	if (error)
		return error;
	progress_begin(options->hide_progress || options->common.quiet, 2);
	for (unsigned side = SIDE_BEFORE; side <= SIDE_AFTER && !error; side++) {
		progress_file(side);
		error = collector_set_side(run.input.collector, side);
		if (!error)
			error = report_input_add(&run.input, options->inputs.items[side]);
	}
	progress_end();
	if (!error)
		error = report_input_finish(&run.input);
	if (!error && run.tally.shown)
		error = write_diff(&run);
	if (!error)
		*ret = tally_status(&run.tally);
	return error;
}
