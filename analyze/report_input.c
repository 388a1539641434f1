#include "analyze/report_input.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/input.h"
#include "analyze/native/native_decoders.h"
#include "analyze/process_choice.h"
#include "analyze/progress.h"
#include "analyze/python/decode.h"
#include "common/cleanup.h"
#include "common/path_name.h"

/* More losses are counted, not listed. */
enum { LOST_LISTED = 100 };

/* A file that is being added. */
struct source {
	struct report_input *input;
	const char *path;
	struct target *target;
	struct incremental_decoder *decoder;
	struct native_decoders natives; /* with --native */
	uint64_t first_ns;		/* of its first sample */
	size_t failed_samples;		/* after the first, which was said */
	bool said_partial;
	bool said_children;
	bool knows_processes; /* all that the file has samples of, where that can be */
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
		.lines = input_lines(options),
		.threads = &ret->threads,
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

/* For the report. */
static struct error *list_loss(struct report_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static struct error *list_loss(struct report_input *input, const char *format, ...)
{
	if (input->lost.count >= LOST_LISTED) {
		input->unlisted++;
		return NULL;
	}
	va_list arguments;
	va_start(arguments, format);
	char *line;
	int length = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	struct error *error = string_list_append(&input->lost, line);
	if (error)
		free(line);
	return error;
}

/* Said now, and in the report. */
static struct error *lose(struct source *source, const char *text)
{
	struct report_input *input = source->input;
	tally_loss(input->tally, source->path, text);
	return list_loss(input, "%s: %s", input_name(source->path), text);
}

/* The same of what failed whole; takes the error over. */
static struct error *lose_all(struct report_input *input, struct error *failure)
{
	struct error *error = list_loss(input, "%s", failure->message);
	tally_failure(input->tally, failure);
	return error;
}

static bool is_wanted(struct source *source)
{
	struct report_input *input = source->input;
	uint64_t time_ns = target_time_ns(source->target);
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
	input->program = strdup(path_base_name(name));
	return input->program ? NULL : &error_out_of_memory;
}

/* The first failure of a file is said; the others are counted. */
static struct error *fail_sample(struct source *source, struct error *error)
{
	if (source->failed_samples++) {
		error_destroy(error);
		return NULL;
	}
	return lose_all(source->input, input_error(source->path, error));
}

/* `has_gaps`: in some stack. */
static struct error *say_partial(struct source *source, const struct model_process *process,
				 bool has_gaps)
{
	/* Losses of the file are said already. */
	const char *const *losses = target_losses(source->target);
	size_t known = 0;
	while (losses[known])
		known++;
	if (source->said_partial || (!has_gaps && process->note_count <= known))
		return NULL;
	source->said_partial = true;
	return lose(source, process->note_count > known ? process->notes[known]
							: "some stacks could only be read in part");
}

/* Parents up to the outermost that is in the file: those outside of it are none of the report's. */
static size_t shown_parents(const struct target *target, const struct process_facts *facts)
{
	size_t count = facts->ancestor_count;
	while (count && !target_has_process(target, facts->ancestors[count - 1].pid))
		count--;
	return count;
}

static struct error *collect(struct source *source, const struct model_process *process,
			     const struct decoded_process *decoded, bool has_gaps)
{
	struct report_input *input = source->input;
	const struct collect_sample sample = {
		.process = process,
		.decoded = decoded,
		.threads = target_threads(source->target),
		.parents = shown_parents(source->target, &process->facts),
	};
	struct error *error = say_partial(source, process, has_gaps);
	if (!error)
		error = remember_program(input, process);
	if (!error)
		error = collector_add_sample(input->collector, &sample);
	input->tally->shown += !error;
	return error;
}

static bool stacks_have_gaps(const struct model_process *process)
{
	for (size_t i = 0; i < process->thread_count; i++) {
		const struct model_thread *thread = &process->threads[i];
		for (size_t j = 0; j < thread->frame_count; j++) {
			if (thread->frames[j].kind == MODEL_FRAME_GAP)
				return true;
		}
	}
	return false;
}

/* Native stacks are unwound, and put among the Python frames. */
static struct error *add_native(struct source *source)
{
	CLEANUP(model_process_deinit) struct model_process process = {0};
	struct report_input *input = source->input;
	const struct analyze_options *options = input->options;
	const struct decode_options decode_options = {.exhaustive = options->exhaustive};
	const struct native_options native = input_native_options(options);
	bool wanted = true;
	struct error *error = decode_process(source->target, &decode_options, &process);
	if (!error)
		error = thread_filter_apply(&input->threads, &process, &wanted);
	if (!error && wanted)
		error = native_decoders_run(&source->natives, source->target, &native, &process);
	if (error)
		return fail_sample(source, error);
	return wanted ? collect(source, &process, NULL, stacks_have_gaps(&process)) : NULL;
}

static struct error *add_python(struct source *source)
{
	struct decoded_process decoded;
	bool wanted = true;
	struct error *error = incremental_decode(source->decoder, source->target, &decoded);
	if (!error)
		error = thread_filter_look(&source->input->threads, decoded.process, &wanted);
	if (error)
		return fail_sample(source, error);
	return wanted ? collect(source, decoded.process, &decoded, decoded.has_gaps) : NULL;
}

/* Parents without samples so far may have some later on: what is shown must not change then. */
static struct error *know_parents(struct source *source)
{
	const struct process_facts *facts = target_process(source->target);
	size_t known = 0;
	if (source->knows_processes)
		return NULL;
	while (known < facts->ancestor_count &&
	       target_has_process(source->target, facts->ancestors[known].pid))
		known++;
	if (known == facts->ancestor_count)
		return NULL;
	source->knows_processes = true;
	return target_know_processes(source->target);
}

/* The sample that is selected. */
static struct error *add_sample(struct source *source)
{
	struct error *error = know_parents(source);
	if (error)
		return error;
	if (!is_wanted(source)) {
		source->input->outside++;
		return NULL;
	}
	return source->input->options->native ? add_native(source) : add_python(source);
}

static void show_progress(const struct source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	if (snapshot)
		progress_samples((size_t)snapshot_position_bytes(snapshot),
				 (size_t)snapshot_size_bytes(snapshot));
}

static struct error *add_samples(struct source *source)
{
	struct error *error = NULL;
	while (!error) {
		bool any = false;
		struct error *failure = target_next(source->target, &any);
		show_progress(source);
		if (!failure && !any)
			break;
		if (!failure) {
			error = add_sample(source);
		} else {
			error = fail_sample(source, failure);
			if (!target_can_go_on(source->target))
				break;
		}
	}
	return error;
}

/* Samples that capture did not take: said in the report alone, the file is whole. */
static struct error *list_missed(struct source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	struct snapshot_statistics statistics;
	if (!snapshot)
		return NULL;
	snapshot_statistics(snapshot, &statistics);
	const struct sample_counts *counts = &statistics.counts;
	uint64_t missed = counts->late + counts->failed + counts->dropped;
	unsigned long long all = counts->samples + missed;
	if (!statistics.has_counts || !missed)
		return NULL;
	return list_loss(source->input,
			 "%s: of %llu samples %llu were late, %llu could not be taken, %llu could "
			 "not be written in time",
			 input_name(source->path), all, (unsigned long long)counts->late,
			 (unsigned long long)counts->failed, (unsigned long long)counts->dropped);
}

/* What is missing of the file is known when its end was read. */
static struct error *say_losses(struct source *source)
{
	struct error *error = list_missed(source);
	for (const char *const *loss = target_losses(source->target); *loss && !error; loss++)
		error = lose(source, *loss);
	if (error || source->failed_samples <= 1)
		return error;
	char text[80];
	snprintf(text, sizeof(text), "%zu samples of it could not be read", source->failed_samples);
	return lose(source, text);
}

struct error *report_input_add_target(struct report_input *input, const char *path,
				      struct target *target)
{
	CLEANUP(incremental_decoder_destroyp) struct incremental_decoder *decoder = NULL;
	const struct incremental_options options = {
		.exhaustive = input->options->exhaustive,
		.others = input->options->tids.count != 0,
		.always_anew = input->decode_anew,
	};
	struct error *error = incremental_decoder_create(&options, &decoder);
	if (error)
		return error;
	struct source source = {
		.input = input,
		.path = path,
		.target = target,
		.decoder = decoder,
	};
	error = add_samples(&source);
	if (!error)
		error = say_losses(&source);
	native_decoders_deinit(&source.natives);
	return error ? error : collector_end_file(input->collector);
}

struct error *report_input_add(struct report_input *input, const char *path)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = input_open_forward(input->options, path, &target);
	if (error)
		return lose_all(input, error);
	return report_input_add_target(input, path, target);
}

struct error *report_input_finish(struct report_input *input)
{
	if (input->unlisted) {
		char *line;
		if (asprintf(&line, "and %llu more", (unsigned long long)input->unlisted) < 0)
			return &error_out_of_memory;
		struct error *error = string_list_append(&input->lost, line);
		if (error) {
			free(line);
			return error;
		}
	}
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
