/* dump: the threads and stacks of each input, as text or as one JSON array. */
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/input.h"
#include "analyze/live_run.h"
#include "analyze/native/native_decode.h"
#include "analyze/process_choice.h"
#include "analyze/python/decode.h"
#include "analyze/result_stream.h"
#include "analyze/sample_choice.h"
#include "analyze/source_lines.h"
#include "analyze/tally.h"
#include "analyze/thread_filter.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/json_dump.h"
#include "formats/text_dump.h"

struct dump {
	const struct analyze_options *options;
	struct tally tally;
	struct result_stream result;
	struct text_dump_options text;
	size_t sections;       /* texts written so far */
	const char *last_path; /* of the last one */
	/* For JSON, which is one array of all: what has been read. */
	struct model_process *processes;
	size_t process_count;
	size_t process_capacity;
	/* Left out by --pid: their numbers, to be named if nothing is left. */
	struct id_list other_pids;
	struct thread_filter threads;
	struct sample_choice sample;
	struct live_run live;
	int status; /* of a command that was started */
};

static void dump_deinit(struct dump *dump)
{
	for (size_t i = 0; i < dump->process_count; i++)
		model_process_deinit(&dump->processes[i]);
	free(dump->processes);
	id_list_deinit(&dump->other_pids);
	thread_filter_deinit(&dump->threads);
	live_run_deinit(&dump->live);
	result_stream_close(&dump->result);
}

static void say_losses(struct dump *dump, const char *path, const struct model_process *process)
{
	for (size_t i = 0; i < process->note_count; i++)
		tally_loss(&dump->tally, path, process->notes[i]);
	dump->tally.partial |= model_process_is_partial(process);
}

static struct error *write_text(struct dump *dump, const char *path,
				const struct model_process *process)
{
	FILE *stream = dump->result.stream;
	bool same_input = dump->sections && dump->last_path == path;
	if (same_input && dump->options->subprocesses)
		text_dump_separator(stream, &dump->text);
	else if (dump->sections)
		fputc('\n', stream);
	dump->sections++;
	dump->last_path = path;
	if (dump->options->inputs.count > 1 && !same_input) {
		fputs("==> ", stream);
		terminal_text_write(stream, input_name(path));
		fputs(" <==\n", stream);
	}
	return text_dump(stream, process, &dump->text);
}

static struct error *keep(struct dump *dump, struct model_process *process)
{
	struct error *no_room =
		ARRAY_GROW(dump->processes, dump->process_count, dump->process_capacity, 4);
	if (no_room)
		return no_room;
	dump->processes[dump->process_count++] = *process;
	*process = (struct model_process){0};
	return NULL;
}

/* Takes over what `process` holds. */
static struct error *show(struct dump *dump, const char *path, struct model_process *process)
{
	dump->tally.shown++;
	if (!dump->options->json)
		return write_text(dump, path, process);
	/* Who reads py-spy's JSON does not expect them. */
	if (!dump->options->threads && !dump->options->tids.count)
		model_process_drop_others(process);
	if (dump->options->inputs.count > 1) {
		process->input = strdup(path);
		if (!process->input)
			return &error_out_of_memory;
	}
	return keep(dump, process);
}

/*
 * Where no Python could be read, what is known of the process is shown all the same: of a core,
 * what it was and what killed it. Consumes `failure`.
 */
static struct error *show_failed(struct dump *dump, const char *path, struct error *failure,
				 const struct model_process *process)
{
	struct error *error = NULL;
	bool known = process->facts.pid || process->facts.command_line || process->facts.signal;
	if (known && !dump->options->json)
		error = write_text(dump, path, process);
	say_losses(dump, path, process);
	tally_failure(&dump->tally, input_error(path, failure));
	return error;
}

/* `ret_wanted` is false if the process has none of the threads given with --tid. */
static struct error *filter(struct dump *dump, const char *path, struct model_process *process,
			    bool *ret_wanted)
{
	struct error *error = thread_filter_apply(&dump->threads, process, ret_wanted);
	if (!error && dump->options->gil && dump->options->json && !process->thread_count)
		tally_note(&dump->tally, path, "no thread held the GIL");
	return error;
}

/* Whether the input holds what was asked for. */
static struct error *check_level(const struct dump *dump, struct target *target)
{
	struct snapshot *snapshot = target_snapshot(target);
	if (!dump->options->locals || !snapshot || snapshot_sample(snapshot)->level != LEVEL_STACKS)
		return NULL;
	return error_create(ERROR_NOT_FOUND,
			    "this snapshot has no values of local variables (level stacks); "
			    "pyspy-capture --locals captures them");
}

static struct error *add_native(const struct dump *dump, struct target *target,
				struct model_process *process)
{
	const struct native_options options = input_native_options(dump->options);
	return dump->options->native ? native_decode(target, &options, process) : NULL;
}

/* The lines that are wanted, and their texts. */
static struct error *finish_frames(struct dump *dump, const char *path,
				   struct model_process *process)
{
	const struct analyze_options *options = dump->options;
	CLEANUP_FREE char *note = NULL;
	model_process_set_lines(process, input_lines(options));
	if (!options->source)
		return NULL;
	struct error *error = source_lines_add(process, options->sysroot, &note);
	if (!error && note)
		tally_note(&dump->tally, path, note);
	return error;
}

/* What became of the samples of a run. One sample of its own is no run. */
static void add_counts(struct target *target, struct model_process *process)
{
	struct snapshot *snapshot = target_snapshot(target);
	struct snapshot_statistics statistics;
	if (!snapshot || process->sample_count < 2)
		return;
	snapshot_statistics(snapshot, &statistics);
	process->has_counts = statistics.has_counts;
	process->run_ended = statistics.ended;
	process->counts = statistics.counts;
}

/* The selected process. An error is one of the output or of this program; those of the input are
 * said and counted. */
static struct error *dump_process(struct dump *dump, const char *path, struct target *target)
{
	CLEANUP(model_process_deinit) struct model_process process = {0};
	const struct decode_options decode_options = {
		.exhaustive = dump->options->exhaustive,
		.locals_times = dump->options->locals,
	};
	struct error *error = check_level(dump, target);
	if (error) {
		tally_failure(&dump->tally, input_error(path, error));
		return NULL;
	}
	error = decode_process(target, &decode_options, &process);
	add_counts(target, &process);
	process.parent_distance = process_parent_distance(target, &process.facts);
	if (error)
		return show_failed(dump, path, error, &process);
	bool wanted = true;
	error = filter(dump, path, &process, &wanted);
	if (!error && wanted)
		error = add_native(dump, target, &process);
	if (error)
		tally_failure(&dump->tally, input_error(path, error));
	if (error || !wanted)
		return NULL;
	error = finish_frames(dump, path, &process);
	if (error)
		return error;
	say_losses(dump, path, &process);
	return show(dump, path, &process);
}

static void say_left_out(struct dump *dump, const char *path, size_t count)
{
	char text[96];
	if (!count || dump->options->pids.count)
		return;
	snprintf(text, sizeof(text), "%zu more %s in it; --subprocesses shows %s", count,
		 count == 1 ? "process is" : "processes are", count == 1 ? "it" : "them");
	tally_note(&dump->tally, path, text);
}

static struct error *dump_target(struct dump *dump, const char *path, struct target *target)
{
	size_t left_out = 0;
	CLEANUP_FREE uint64_t *numbers = NULL;
	struct error *unreadable = sample_choice_find(&dump->sample, target, &numbers);
	if (unreadable) {
		tally_failure(&dump->tally, input_error(path, unreadable));
		return NULL;
	}
	for (size_t i = 0; i < target_process_count(target); i++) {
		struct error *error = target_select(target, i, 0);
		bool wanted = !error && process_is_chosen(dump->options, target);
		if (wanted)
			error = sample_choice_select(&dump->sample, numbers, target, i);
		if (error) {
			tally_failure(&dump->tally, input_error(path, error));
			continue;
		}
		error = wanted ? dump_process(dump, path, target)
			       : id_list_append(&dump->other_pids, target_process(target)->pid);
		if (error)
			return error;
		left_out += !wanted;
	}
	say_left_out(dump, path, left_out);
	return NULL;
}

static struct error *dump_input(struct dump *dump, const char *path)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	struct error *error = input_open(dump->options, path, &target);
	if (!error)
		return dump_target(dump, path, target);
	tally_failure(&dump->tally, error);
	return NULL;
}

static struct error *dump_live(struct dump *dump)
{
	struct live_run *live = &dump->live;
	struct error *error = live_run_open_whole(dump->options, &dump->tally, live);
	dump->status = live->status;
	if (error || live->failed)
		return error;
	if (!dump->options->live_command)
		error = live_run_end(live, &dump->status);
	return error ? error : dump_target(dump, live->name, live->target);
}

/* Its end can be long after its last sample, which is shown then. */
static struct error *end_command(struct dump *dump)
{
	bool waits = dump->options->live_command && !dump->live.failed;
	return waits ? live_run_end(&dump->live, &dump->status) : NULL;
}

/* Names those that there are: as many as fit. */
static struct error *no_such_process(const struct dump *dump)
{
	char names[160] = "";
	size_t size = 0;
	for (size_t i = 0; i < dump->other_pids.count && size < sizeof(names) - 24; i++)
		size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%d", i ? ", " : "",
					 (int)dump->other_pids.items[i]);
	if (size >= sizeof(names) - 24)
		snprintf(names + size, sizeof(names) - size, " and others");
	return error_create(ERROR_NOT_FOUND,
			    "no FILE holds the process given with --pid; there %s %s",
			    dump->other_pids.count == 1 ? "is" : "are", names);
}

static struct error *write_json(struct dump *dump)
{
	CLEANUP_FREE const struct model_process **processes =
		calloc(dump->process_count + 1, sizeof(const struct model_process *));
	if (!processes)
		return &error_out_of_memory;
	for (size_t i = 0; i < dump->process_count; i++)
		processes[i] = &dump->processes[i];
	return json_dump(dump->result.stream, processes, dump->process_count);
}

static struct error *finish(struct dump *dump)
{
	struct error *error = NULL;
	if (dump->other_pids.count && !dump->tally.shown && !dump->tally.failed &&
	    !dump->threads.seen.count)
		return no_such_process(dump);
	struct error *missing = thread_filter_missing(&dump->threads);
	if (missing)
		tally_failure(&dump->tally, missing);
	if (dump->options->json && dump->tally.shown)
		error = write_json(dump);
	/* With nothing to show, -o FILE is not made. */
	if (!error && (dump->tally.shown || dump->sections || !dump->result.file))
		error = result_stream_commit(&dump->result);
	return error;
}

struct error *command_dump(const struct command_context *context, enum exit_status *ret)
{
	const struct analyze_options *options = context->options;
	CLEANUP(dump_deinit)
	struct dump dump = {
		.options = options,
		.tally = {.context = context},
		.threads = {.ids = &options->tids, .gil = options->gil},
	};
	struct error *error = sample_choice_parse(options->sample, &dump.sample);
	if (!error)
		error = result_stream_open(&dump.result, options->output);
	if (error)
		return error;
	dump.text = (struct text_dump_options){
		.color = terminal_color_wanted(options->common.no_color || dump.result.file,
					       dump.result.stream),
		.full_filenames = options->full_filenames,
		.only_gil = options->gil,
		.show_ids = options->threads,
		.parents = options->subprocesses,
		.verbose = options->common.verbose > 0,
	};
	if (live_wanted(options))
		error = dump_live(&dump);
	for (size_t i = 0; i < options->inputs.count && !error; i++)
		error = dump_input(&dump, options->inputs.items[i]);
	if (!error)
		error = finish(&dump);
	if (!error)
		error = end_command(&dump);
	if (!error)
		*ret = dump.status ? (enum exit_status)dump.status : tally_status(&dump.tally);
	return error;
}
