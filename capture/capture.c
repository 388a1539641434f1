#include "capture/capture.h"

#include <stdlib.h>
#include <string.h>

#include "capture/interrupt.h"
#include "capture/output_series.h"
#include "capture/proc_family.h"
#include "common/cleanup.h"
#include "formats/snapshot_writer.h"

enum {
	/* A child can be found just as its Python starts: as long as 5 looks, 20 ms apart. */
	CHILD_WAIT_NS = 100 * 1000 * 1000,
	/* Looks at a tree for children that were born meanwhile. */
	TREE_PASSES = 8,
	/* Processes of a run that are told of, besides their counts. */
	RUN_REPORTS_MAX = 64,
};

struct job {
	const struct capture_options *options;
	const struct capture_events *events;
	struct capture_output output;
	struct snapshot_writer *writer; /* NULL until the first process was captured */
	struct id_list captured;
	struct family ancestors;
	struct family descendants;
	size_t ancestors_written;
	size_t descendants_written;
	size_t next_descendant; /* to be captured */
	struct capture_report report;
	struct error *failure; /* of the first process that was named and failed, or NULL */
};

void capture_report_deinit(struct capture_report *report)
{
	for (size_t i = 0; i < report->process_count; i++)
		process_report_deinit(&report->processes[i]);
	for (size_t i = 0; i < report->note_count; i++)
		free(report->notes[i].text);
	free(report->processes);
	free(report->notes);
	free(report->output);
	*report = (struct capture_report){0};
}

static void job_deinit(struct job *job)
{
	snapshot_writer_destroy(job->writer);
	capture_output_deinit(&job->output);
	id_list_deinit(&job->captured);
	family_deinit(&job->ancestors);
	family_deinit(&job->descendants);
	capture_report_deinit(&job->report);
	error_destroy(job->failure);
}

static struct error *add_note(struct job *job, const char *text, bool loss)
{
	struct capture_report *report = &job->report;
	struct capture_note *notes =
		reallocarray(report->notes, report->note_count + 1, sizeof(*notes));
	if (!notes)
		return &error_out_of_memory;
	report->notes = notes;
	char *copy = strdup(text);
	if (!copy)
		return &error_out_of_memory;
	notes[report->note_count++] = (struct capture_note){.text = copy, .loss = loss};
	return NULL;
}

/* Takes over the process's report. */
static struct error *add_report(struct job *job, struct process_capture *process)
{
	struct capture_report *report = &job->report;
	struct process_report *processes =
		reallocarray(report->processes, report->process_count + 1, sizeof(*processes));
	if (!processes)
		return &error_out_of_memory;
	report->processes = processes;
	processes[report->process_count++] = process->report;
	process->report = (struct process_report){0};
	return NULL;
}

/* Those that are captured themselves are told of in full. */
static struct error *write_relatives(struct job *job, const struct family *family, size_t *written)
{
	for (; *written < family->count; (*written)++) {
		const struct process_facts *member = &family->items[*written];
		if (id_list_contains(&job->captured, member->pid))
			continue;
		struct error *error = snapshot_writer_process(job->writer, member);
		if (error)
			return error;
	}
	return NULL;
}

/* Everything that a sample's reader looks up stands before the sample. */
static struct error *write_family(struct job *job)
{
	struct error *error = write_relatives(job, &job->ancestors, &job->ancestors_written);
	return error ? error : write_relatives(job, &job->descendants, &job->descendants_written);
}

static struct error *write_process(struct job *job, struct process_capture *process)
{
	uint64_t begin_ns = process_capture_now_ns();
	const struct snapshot_content content = process_capture_content(process);
	struct error *error = interrupt_check();
	if (!error && !job->writer)
		error = snapshot_file_begin(job->output.file, &job->writer);
	if (!error)
		error = id_list_append(&job->captured, process->pid);
	if (!error)
		error = write_family(job);
	if (!error)
		error = snapshot_file_add(job->writer, &content);
	if (!error)
		error = snapshot_writer_retire(job->writer, process->pid);
	process->report.phase_ns[PHASE_WRITE] = process_capture_now_ns() - begin_ns;
	return error ? error : add_report(job, process);
}

/*
 * Capture one process. What is wrong with the process itself is given as `ret_failure`; what is
 * returned ends the whole capture.
 */
static struct error *capture_one(struct job *job, struct process_capture *process,
				 struct error **ret_failure)
{
	struct error *error = interrupt_check();
	if (!error)
		error = process_capture_run(process);
	if (error && error->code != ERROR_OUT_OF_MEMORY && !interrupt_signal()) {
		*ret_failure = error;
		return NULL;
	}
	if (!error)
		error = family_add_ancestors(&job->ancestors, &process->subject->facts);
	if (!error && process->named && job->options->subprocesses)
		error = family_add_descendants(&job->descendants, process->pid);
	return error ? error : write_process(job, process);
}

/* What keeps one descendant out of the file does not keep out the others. */
static struct error *capture_descendant(struct job *job, const struct process_facts *facts)
{
	CLEANUP(process_capture_deinit)
	struct process_capture process = {
		.options = job->options,
		.output = &job->output,
		.pid = facts->pid,
		.start_ticks = facts->start_ticks,
		.deadline_ns = process_capture_now_ns() + CHILD_WAIT_NS,
	};
	CLEANUP(error_destroyp) struct error *failure = NULL;
	if (id_list_contains(&job->captured, facts->pid))
		return NULL;
	struct error *error = capture_one(job, &process, &failure);
	if (error || !failure)
		return error;
	if (process.no_python) {
		job->report.without_python++;
		return NULL;
	}
	/* That one ends is the way of processes, and no loss. */
	return add_note(job, failure->message, failure->code != ERROR_NO_PROCESS);
}

static struct error *note_left_out(struct job *job)
{
	if (job->descendants.cut)
		return add_note(job,
				"the process has more than 4096 descendants; the rest was left out",
				true);
	if (job->next_descendant < job->descendants.count)
		return add_note(job,
				"the tree of processes goes on growing; its youngest were left out",
				true);
	return NULL;
}

/* Children can be born while others are captured: the tree is read again until it has no new. */
static struct error *capture_descendants(struct job *job, pid_t pid)
{
	for (int pass = 0; pass < TREE_PASSES; pass++) {
		struct error *error = NULL;
		if (!job->descendants.cut)
			error = family_add_descendants(&job->descendants, pid);
		if (!error && job->next_descendant == job->descendants.count)
			break;
		while (!error && job->next_descendant < job->descendants.count)
			error = capture_descendant(job,
						   &job->descendants.items[job->next_descendant++]);
		if (error)
			return error;
	}
	struct error *error = family_add_descendants(&job->descendants, pid);
	return error ? error : note_left_out(job);
}

/* A process that the user named: he waits for it as long as he said. */
static struct error *capture_named(struct job *job, pid_t pid)
{
	const struct capture_options *options = job->options;
	CLEANUP(process_capture_deinit)
	struct process_capture process = {
		.options = options,
		.output = &job->output,
		.pid = pid,
		.named = true,
		.deadline_ns = process_capture_now_ns() + options->wait_ns,
	};
	CLEANUP(error_destroyp) struct error *failure = NULL;
	/* Named, and a descendant of another one that was named. */
	if (id_list_contains(&job->captured, pid))
		return NULL;
	struct error *error = capture_one(job, &process, &failure);
	/* A shell that started Python programs is no failure if they are asked for. */
	bool only_root = options->subprocesses && process.no_python;
	if (!error && failure && !only_root && options->pids.count > 1)
		error = add_note(job, failure->message, true);
	bool descend = options->subprocesses && (!failure || only_root);
	if (failure && !job->failure)
		job->failure = TAKE_POINTER(failure);
	if (error || !descend)
		return error;
	/* So that the next look has the memory. */
	process_capture_deinit(&process);
	return capture_descendants(job, pid);
}

/* Of a run with many processes not all are told of one by one. */
static struct error *report_members(struct job *job, const struct run_set *set)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < set->count; i++) {
		struct run_member *member = set->members[i];
		if (member->samples && job->report.process_count < RUN_REPORTS_MAX)
			error = add_report(job, &member->capture);
		else if (member->failure && member->failure->code != ERROR_NO_PROCESS)
			error = add_note(job, member->failure->message, true);
	}
	if (!error && set->cut)
		error = add_note(
			job, "there were more than 1024 processes at a time; the rest was left out",
			true);
	return error;
}

static struct error *note_files(struct job *job, const struct output_series *series)
{
	struct error *error = NULL;
	job->report.files = series->files;
	if (series->full)
		error = add_note(job, "the run was ended by --max-bytes", false);
	if (!error && series->broken)
		error = add_note(job, "some files could not be written to their end", true);
	return error;
}

/* A shell that started Python programs is no failure if they are asked for; nor is that it ends
 * with them, if it was started here. */
static bool is_only_a_parent(const struct job *job, const struct error *failure)
{
	const struct capture_options *options = job->options;
	return options->subprocesses && (failure->code == ERROR_NOT_PYTHON ||
					 (options->command && failure->code == ERROR_NO_PROCESS));
}

static struct error *sample_many(struct job *job)
{
	CLEANUP(output_series_deinit)
	struct output_series series = {
		.failed = job->events->failed,
		.context = job->events->context,
	};
	const struct run_hooks hooks = output_series_hooks(&series);
	const struct run_plan plan = {
		.options = job->options,
		.output = &job->output,
		.hooks = &hooks,
	};
	CLEANUP(run_destroyp) struct run *run = NULL;
	struct error *error = output_series_init(&series, job->options, &job->output);
	if (!error)
		error = run_create(&plan, &run);
	for (size_t i = 0; !error && i < job->options->pids.count; i++)
		error = run_add(run, job->options->pids.items[i]);
	if (!error)
		error = run_go(run);
	if (!error)
		error = output_series_finish(&series, run);
	if (!error)
		error = note_files(job, &series);
	if (error)
		return error;
	job->report.counts = *run_counts(run);
	job->report.without_python = job->report.counts.without_python;
	job->report.file_bytes = run_file_bytes(run);
	job->report.output = TAKE_POINTER(job->output.name);
	const struct error *failure = run_failure(run);
	if (failure && !is_only_a_parent(job, failure))
		error = add_note(job, failure->message, true);
	return error ? error : report_members(job, run_members(run));
}

static struct error *finish(struct job *job)
{
	if (!job->report.process_count)
		return TAKE_POINTER(job->failure);
	struct error *error = snapshot_file_finish(job->writer, job->output.file);
	if (error)
		return error;
	job->report.file_bytes = output_file_size_bytes(job->output.file);
	job->report.output = TAKE_POINTER(job->output.name);
	return NULL;
}

struct error *capture_run(const struct capture_options *options,
			  const struct capture_events *events, struct capture_report *ret)
{
	CLEANUP(job_deinit)
	struct job job = {
		.options = options,
		.events = events,
		.output.wanted = options->output,
	};
	struct error *error = NULL;
	if (options->run)
		error = sample_many(&job);
	for (size_t i = 0; !options->run && i < options->pids.count && !error; i++)
		error = capture_named(&job, options->pids.items[i]);
	if (!error && !options->run)
		error = finish(&job);
	if (error)
		return error;
	*ret = job.report;
	job.report = (struct capture_report){0};
	return NULL;
}
