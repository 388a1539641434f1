#include "analyze/report_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/input.h"
#include "analyze/native/native_decode.h"
#include "analyze/process_choice.h"
#include "analyze/progress.h"
#include "analyze/python/decode.h"
#include "common/cleanup.h"

/* More losses are counted, not listed. */
enum { LOST_LISTED = 100 };

/* A file that is being added. */
struct source {
	struct report_input *input;
	const char *path;
	struct target *target;
	uint64_t first_ns;     /* of its first sample */
	size_t failed_samples; /* after the first, which was said */
	bool said_partial;
	bool said_children;
};

struct error *report_input_init(const struct analyze_options *options,
				const struct report_format *format, struct tally *tally,
				struct profile *profile, struct report_input *ret)
{
	*ret = (struct report_input){
		.options = options,
		.tally = tally,
		.profile = profile,
		.threads = {.ids = &options->tids, .gil = options->gil},
	};
	struct error *error = time_bound_parse("--from", options->from, &ret->window.from);
	if (!error)
		error = time_bound_parse("--to", options->to, &ret->window.to);
	if (!error)
		error = frame_filter_create(&options->include, &options->exclude, &ret->frames);
	if (!error && format->trail)
		error = profile_trail_create(options->output ? options->output : "-", &ret->trail);
	if (!error)
		error = profile_init(profile);
	const struct collect_options collect = {
		.idle = options->idle,
		.thread_roots = options->threads,
		.process_roots = options->subprocesses,
		.full_filenames = options->full_filenames,
		.by_thread = format->by_thread,
		.filter = ret->frames,
		.trail = ret->trail,
	};
	return error ? error : collector_create(profile, &collect, &ret->collector);
}

void report_input_deinit(struct report_input *input)
{
	for (size_t i = 0; i < input->lost.count; i++)
		free((void *)(uintptr_t)input->lost.items[i]);
	string_list_deinit(&input->lost);
	collector_destroy(input->collector);
	frame_filter_destroy(input->frames);
	profile_trail_destroy(input->trail);
	thread_filter_deinit(&input->threads);
	free(input->program);
}

/* Said now, and in the report. */
static struct error *lose(struct source *source, const char *text)
{
	struct report_input *input = source->input;
	tally_loss(input->tally, source->path, text);
	if (input->lost.count >= LOST_LISTED)
		return NULL;
	char *line;
	if (asprintf(&line, "%s: %s", input_name(source->path), text) < 0)
		return &error_out_of_memory;
	struct error *error = string_list_append(&input->lost, line);
	if (error)
		free(line);
	return error;
}

static uint64_t sample_time(struct target *target)
{
	struct snapshot *snapshot = target_snapshot(target);
	return snapshot ? snapshot_sample(snapshot)->time_ns
			: target_process(target)->capture_time_ns;
}

static bool is_wanted(struct source *source)
{
	struct report_input *input = source->input;
	uint64_t time_ns = sample_time(source->target);
	if (!source->first_ns)
		source->first_ns = time_ns;
	if (!process_is_chosen(input->options, source->target)) {
		if (!input->options->pids.count && !source->said_children) {
			tally_note(input->tally, source->path,
				   "there are processes in it that come from others; "
				   "--subprocesses shows them");
			source->said_children = true;
		}
		return false;
	}
	return time_window_has(&input->window, source->first_ns, time_ns);
}

static struct error *remember_program(struct report_input *input,
				      const struct model_process *process)
{
	const char *name =
		process->facts.executable ? process->facts.executable : process->facts.command_name;
	if (input->program || !name)
		return NULL;
	const char *slash = strrchr(name, '/');
	input->program = strdup(slash && slash[1] ? slash + 1 : name);
	return input->program ? NULL : &error_out_of_memory;
}

/* The first failure of a file is said; the others are counted. */
static void fail_sample(struct source *source, struct error *error)
{
	if (source->failed_samples++) {
		error_destroy(error);
		return;
	}
	tally_failure(source->input->tally, input_error(source->path, error));
}

static struct error *say_partial(struct source *source, const struct model_process *process)
{
	if (source->said_partial || !model_process_is_partial(process))
		return NULL;
	source->said_partial = true;
	/* Losses of the file are said already. */
	const char *const *losses = target_losses(source->target);
	size_t known = 0;
	while (losses[known])
		known++;
	if (process->note_count > known)
		return lose(source, process->notes[known]);
	for (size_t i = 0; i < process->thread_count; i++) {
		const struct model_thread *thread = &process->threads[i];
		for (size_t j = 0; j < thread->frame_count; j++) {
			if (thread->frames[j].kind == MODEL_FRAME_GAP)
				return lose(source, "some stacks could only be read in part");
		}
	}
	return NULL;
}

/* Parents up to the outermost that is in the file: those outside of it are none of the report's. */
static void cut_ancestors(const struct target *target, struct process_facts *facts)
{
	while (facts->ancestor_count) {
		struct ancestor *last = &facts->ancestors[facts->ancestor_count - 1];
		if (target_has_process(target, last->pid))
			return;
		free(last->command_line);
		free(last->command_name);
		facts->ancestor_count--;
	}
}

static struct error *filter_and_add(struct source *source, struct model_process *process)
{
	struct report_input *input = source->input;
	const struct analyze_options *options = input->options;
	const struct native_options native = {
		.all = options->native_all,
		.last = options->native_last,
		.internal = options->native_internal,
	};
	bool wanted = true;
	struct error *error = thread_filter_apply(&input->threads, process, &wanted);
	if (!error && wanted && options->native)
		error = native_decode(source->target, &native, process);
	if (error) {
		fail_sample(source, error);
		return NULL;
	}
	if (!wanted)
		return NULL;
	model_process_set_lines(process, options->no_line_numbers ? MODEL_LINES_NONE
					 : options->first_lines	  ? MODEL_LINES_FIRST
								  : MODEL_LINES_LAST);
	cut_ancestors(source->target, &process->facts);
	error = say_partial(source, process);
	if (!error)
		error = remember_program(input, process);
	if (!error)
		error = collector_add(input->collector, process, target_threads(source->target));
	input->tally->shown += !error;
	return error;
}

/* The sample that is selected. */
static struct error *add_sample(struct source *source)
{
	CLEANUP(model_process_deinit) struct model_process process = {0};
	const struct decode_options options = {.exhaustive = source->input->options->exhaustive};
	if (!is_wanted(source)) {
		source->input->outside++;
		return NULL;
	}
	struct error *error = decode_process(source->target, &options, &process);
	if (error) {
		fail_sample(source, error);
		return NULL;
	}
	return filter_and_add(source, &process);
}

static struct error *add_samples(struct source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	size_t count = snapshot ? snapshot_sample_count(snapshot) : 1;
	struct error *error = NULL;
	for (size_t i = 0; i < count && !error; i++) {
		struct error *failure = snapshot ? snapshot_select(snapshot, i) : NULL;
		progress_samples(i, count);
		if (failure)
			fail_sample(source, failure);
		else
			error = add_sample(source);
	}
	return error;
}

struct error *report_input_add(struct report_input *input, const char *path)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = input_open(input->options, path, &target);
	if (error) {
		tally_failure(input->tally, error);
		return NULL;
	}
	struct source source = {.input = input, .path = path, .target = target};
	for (const char *const *loss = target_losses(target); *loss && !error; loss++)
		error = lose(&source, *loss);
	if (!error)
		error = add_samples(&source);
	if (!error)
		error = collector_end_file(input->collector);
	if (!error && source.failed_samples > 1) {
		char text[80];
		snprintf(text, sizeof(text), "%zu samples of it could not be read",
			 source.failed_samples);
		error = lose(&source, text);
	}
	return error;
}

struct error *report_input_finish(struct report_input *input)
{
	struct error *missing = thread_filter_missing(&input->threads);
	if (missing)
		tally_failure(input->tally, missing);
	if (!input->tally->shown && !input->tally->failed)
		return error_create(ERROR_NOT_FOUND,
				    "none of the %llu samples is of a process and a time that was "
				    "asked for",
				    (unsigned long long)input->outside);
	return NULL;
}
