/* dump: the threads and stacks of each input, as text or as one JSON array. */
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/input.h"
#include "analyze/python/decode.h"
#include "analyze/result_stream.h"
#include "analyze/tally.h"
#include "analyze/thread_filter.h"
#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/json_dump.h"
#include "formats/text_dump.h"

struct dump {
	const struct analyze_options *options;
	struct tally tally;
	struct result_stream result;
	struct text_dump_options text;
	size_t sections; /* texts written so far */
	/* For JSON, which is one array of all: what has been read. */
	struct model_process *processes;
	size_t process_count;
	bool other_process; /* an input was left out by --pid */
};

static void dump_deinit(struct dump *dump)
{
	for (size_t i = 0; i < dump->process_count; i++)
		model_process_deinit(&dump->processes[i]);
	free(dump->processes);
	result_stream_close(&dump->result);
}

static bool is_wanted_process(const struct dump *dump, const struct process_facts *facts)
{
	const struct id_list *pids = &dump->options->pids;
	return !pids->count || id_list_contains(pids, facts->pid) ||
	       (facts->container_pid && id_list_contains(pids, facts->container_pid));
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
	if (dump->sections++)
		fputc('\n', stream);
	if (dump->options->inputs.count > 1) {
		fputs("==> ", stream);
		terminal_text_write(stream, input_name(path));
		fputs(" <==\n", stream);
	}
	return text_dump(stream, process, &dump->text);
}

/* Takes over what `process` holds. */
static struct error *show(struct dump *dump, const char *path, struct model_process *process)
{
	dump->tally.shown++;
	if (!dump->options->json)
		return write_text(dump, path, process);
	if (dump->options->inputs.count > 1) {
		process->input = strdup(path);
		if (!process->input)
			return &error_out_of_memory;
	}
	dump->processes[dump->process_count++] = *process;
	*process = (struct model_process){0};
	return NULL;
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

static struct error *filter(struct dump *dump, const char *path, struct model_process *process)
{
	const struct thread_filter thread_filter = {&dump->options->tids, dump->options->gil};
	size_t before = process->thread_count;
	struct error *error = thread_filter_apply(&thread_filter, process);
	if (!error && before && !process->thread_count)
		tally_note(&dump->tally, path, "no thread held the GIL");
	return error;
}

/* An error is one of the output or of this program; those of the input are said and counted. */
static struct error *dump_input(struct dump *dump, const char *path)
{
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP(model_process_deinit) struct model_process process = {0};
	const struct decode_options decode_options = {.exhaustive = dump->options->exhaustive};
	struct error *error = input_open(dump->options, path, &target);
	if (error) {
		tally_failure(&dump->tally, error);
		return NULL;
	}
	if (!is_wanted_process(dump, target_process(target))) {
		dump->other_process = true;
		return NULL;
	}
	error = decode_process(target, &decode_options, &process);
	if (error)
		return show_failed(dump, path, error, &process);
	error = filter(dump, path, &process);
	if (error) {
		tally_failure(&dump->tally, input_error(path, error));
		return NULL;
	}
	say_losses(dump, path, &process);
	return show(dump, path, &process);
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
	if (dump->other_process && !dump->tally.shown && !dump->tally.failed)
		return error_create(ERROR_NOT_FOUND, "no FILE holds the process given with --pid");
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
	};
	struct error *error = result_stream_open(&dump.result, options->output);
	if (error)
		return error;
	dump.text = (struct text_dump_options){
		.color = terminal_color_wanted(options->common.no_color || dump.result.file,
					       dump.result.stream),
		.full_filenames = options->full_filenames,
		.show_ids = options->threads,
		.no_line_numbers = options->no_line_numbers,
		.first_lines = options->first_lines,
		.verbose = options->common.verbose > 0,
	};
	dump.processes = calloc(options->inputs.count, sizeof(*dump.processes));
	if (!dump.processes)
		return &error_out_of_memory;
	for (size_t i = 0; i < options->inputs.count && !error; i++)
		error = dump_input(&dump, options->inputs.items[i]);
	if (!error)
		error = finish(&dump);
	if (!error)
		*ret = tally_status(&dump.tally);
	return error;
}
