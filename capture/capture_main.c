/* pyspy-capture(1). The only file of this program that prints and exits. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/capture_loop.h"
#include "capture/capture_options.h"
#include "capture/command_session.h"
#include "capture/fault_point.h"
#include "capture/interrupt.h"
#include "common/cleanup.h"
#include "common/completions.h"
#include "common/exit_status.h"
#include "common/terminal_text.h"

static const char program[] = "pyspy-capture";

static void print_fault_points(void)
{
	for (int i = 0; i < FAULT_POINT_COUNT; i++)
		puts(fault_point_name((enum fault_point)i));
}

/* Names come from the target: they are made safe to print. */
static void print_text(const char *text)
{
	terminal_text_write(stderr, text);
}

static double milliseconds(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void print_interpreter(const struct process_report *report)
{
	char version[PYTHON_VERSION_TEXT_SIZE];
	if (!report->located) {
		fprintf(stderr, "python: ");
		print_text(report->not_located ? report->not_located : "not found");
		fprintf(stderr, "\n");
		return;
	}
	python_version_format(report->version, version);
	fprintf(stderr, "python: %s, found by %s", version, report->method);
	if (report->module_path) {
		fprintf(stderr, " in ");
		print_text(report->module_path);
	}
	fprintf(stderr, "\n");
}

/* -v */
static void print_details(const struct process_report *report)
{
	const struct sample_facts *sample = &report->sample;
	print_interpreter(report);
	fprintf(stderr, "level: %s%s\n", capture_level_name(sample->level),
		sample->fallback ? " (instead of stacks)" : "");
	fprintf(stderr, "freeze: %s, %" PRIu32 " of %zu threads stopped, %" PRIu32 " attempts%s\n",
		freeze_way_name(sample->way), sample->threads_stopped, report->thread_count,
		sample->attempts, report->was_stopped ? ", was stopped before and stays so" : "");
	fprintf(stderr, "target stood still: %" PRIu64 " us\n", sample->freeze_ns / 1000);
	fprintf(stderr, "memory: %" PRIu64 " ranges, %" PRIu64 " bytes\n", report->ranges,
		report->memory_bytes);
	fprintf(stderr, "time:");
	for (int i = 0; i < PHASE_COUNT; i++)
		fprintf(stderr, "%s %s %.1f ms", i ? "," : "",
			capture_phase_name((enum capture_phase)i),
			milliseconds(report->phase_ns[i]));
	fprintf(stderr, "; %u %s\n", report->looks, report->looks == 1 ? "look" : "looks");
}

static const char *plural(size_t count, const char *one, const char *many)
{
	return count == 1 ? one : many;
}

/* How the samples were taken, and what became of the others. */
static void print_counts(const struct run_counts *counts)
{
	const char *separator = ": ";
	if (counts->processes > 1)
		fprintf(stderr, "%" PRIu64 " processes, ", counts->processes);
	fprintf(stderr,
		"%" PRIu64 " samples, %" PRIu64 " late, %" PRIu64 " failed, %" PRIu64
		" incomplete, %" PRIu64 " dropped; target stood still %" PRIu64 " us at most)\n",
		counts->samples, counts->late, counts->failed, counts->partial, counts->dropped,
		counts->freeze_ns / 1000);
	if (counts->without_gil)
		fprintf(stderr, "%" PRIu64 " not taken, because nobody held the GIL\n",
			counts->without_gil);
	if (counts->ended_calls)
		fprintf(stderr, "%" PRIu64 " system %s ended early (EINTR) by stopping threads\n",
			counts->ended_calls, plural(counts->ended_calls, "call was", "calls were"));
	fprintf(stderr, "taken");
	for (size_t i = 0; i < sizeof(counts->ways) / sizeof(counts->ways[0]); i++) {
		if (!counts->ways[i])
			continue;
		fprintf(stderr, "%s%" PRIu64 " %s", separator, counts->ways[i],
			freeze_way_name((enum freeze_way)i));
		separator = ", ";
	}
	fprintf(stderr, "\n");
}

/* Of descendants. */
static void print_without_python(size_t count)
{
	if (count)
		fprintf(stderr, "%zu %s no Python\n", count,
			plural(count, "descendant runs", "descendants run"));
}

static void print_summary(const struct capture_report *report)
{
	size_t threads = 0;
	uint64_t freeze_ns = 0;
	for (size_t i = 0; i < report->process_count; i++) {
		const struct process_report *process = &report->processes[i];
		threads += process->thread_count;
		if (process->sample.freeze_ns > freeze_ns)
			freeze_ns = process->sample.freeze_ns;
	}
	fprintf(stderr, "wrote ");
	if (report->files > 1)
		fprintf(stderr, "%" PRIu64 " files, the last ", report->files);
	print_text(strcmp(report->output, "-") == 0 ? "to standard output" : report->output);
	fprintf(stderr, " (");
	if (report->counts.samples) {
		print_counts(&report->counts);
		print_without_python(report->without_python);
		return;
	}
	if (report->process_count > 1)
		fprintf(stderr, "%zu processes, ", report->process_count);
	fprintf(stderr, "%zu %s, target stood still %" PRIu64 " us%s)\n", threads,
		plural(threads, "thread", "threads"), freeze_ns / 1000,
		report->process_count > 1 ? " at most" : "");
	print_without_python(report->without_python);
}

/* What is missing of a process. */
static void print_warnings(const struct process_report *report, bool several)
{
	static const char what[] =
		"some stacks are incomplete: parts of the target's memory could not be read";
	char text[sizeof(what) + 32];
	if (report->warning)
		terminal_message(program, "warning", report->warning);
	if (!report->sample.partial || report->warning)
		return;
	snprintf(text, sizeof(text), "process %d: %s", (int)report->pid, what);
	terminal_message(program, "warning", several ? text : what);
}

static enum exit_status print_report(const struct capture_options *options,
				     const struct capture_report *report)
{
	enum exit_status status = EXIT_STATUS_DONE;
	bool several = report->process_count > 1;
	if (report->counts.partial)
		status = EXIT_STATUS_PARTIAL;
	for (size_t i = 0; i < report->process_count; i++) {
		const struct process_report *process = &report->processes[i];
		if (process->sample.fallback || process->sample.partial)
			status = EXIT_STATUS_PARTIAL;
		if (!options->common.quiet)
			print_warnings(process, several);
		if (options->common.verbose && several)
			fprintf(stderr, "process %d\n", process->pid);
		if (options->common.verbose)
			print_details(process);
	}
	for (size_t i = 0; i < report->note_count; i++) {
		const struct capture_note *note = &report->notes[i];
		if (note->loss)
			status = EXIT_STATUS_PARTIAL;
		if (!options->common.quiet)
			terminal_message(program, note->loss ? "warning" : NULL, note->text);
	}
	if (options->common.verbose)
		fprintf(stderr, "file: %" PRIu64 " bytes\n", report->file_bytes);
	if (!options->common.quiet)
		print_summary(report);
	return status;
}

/* Consumes `error`. */
static enum exit_status print_error(struct error *error)
{
	enum exit_status status = exit_status_of(error->code);
	/* As head(1) and the like end a pipe: nothing is wrong with the program or the target. */
	if (error->errnum == EPIPE)
		terminal_message(program, NULL, "the reader of the output has gone");
	else
		terminal_message(program, "error", error->message);
	error_destroy(error);
	return status;
}

/* What is told as it goes on. */
struct event_printer {
	const struct capture_options *options;
	enum exit_status status;
};

static void print_written(void *context, const struct capture_report *report)
{
	struct event_printer *printer = context;
	if (print_report(printer->options, report) != EXIT_STATUS_DONE)
		printer->status = EXIT_STATUS_PARTIAL;
}

static void print_failed(void *context, const struct error *error)
{
	struct event_printer *printer = context;
	printer->status = EXIT_STATUS_PARTIAL;
	if (!printer->options->common.quiet)
		terminal_message(program, "warning", error->message);
}

/* How a capture ended, for who started the process. */
struct outcome {
	enum exit_status status;
	bool failed;	  /* it ended before it was meant to, which was told */
	bool interrupted; /* by a signal, without a result */
};

/* That a command of ours ends is no error of its process, and what runs Python can be a child of
 * it. Consumes `error`. */
static struct error *explain(const struct capture_options *options, struct error *error)
{
	const char *hint =
		options->subprocesses ? "" : "; --subprocesses samples the programs that it starts";
	if (!options->command)
		return error;
	if (error->code != ERROR_NO_PROCESS && error->code != ERROR_NOT_PYTHON)
		return error;
	bool ended = error->code == ERROR_NO_PROCESS;
	struct error *explained =
		ended ? error_create(error->code, "%s ended before a sample of it could be taken%s",
				     options->command[0], hint)
		      : error_create(error->code, "%s%s", error->message, hint);
	error_destroy(error);
	return explained;
}

/* Consumes `error`. */
static struct outcome fail(const struct capture_options *options, struct error *error)
{
	bool interrupted = interrupt_signal() != 0;
	/* Whoever closed the pipe did so because enough was there. */
	bool enough = error->errnum == EPIPE;
	if (!interrupted)
		return (struct outcome){.status = print_error(explain(options, error)),
					.failed = !enough};
	error_destroy(error);
	return (struct outcome){.status = EXIT_STATUS_FAILED, .interrupted = true};
}

static struct outcome run_loop(const struct capture_options *options,
			       const struct capture_events *events,
			       const struct event_printer *printer)
{
	struct capture_loop_counts counts = {0};
	struct error *error = capture_loop_run(options, events, &counts);
	if (error)
		return fail(options, error);
	if (!options->common.quiet)
		fprintf(stderr, "%" PRIu64 " files, %" PRIu64 " periods late, %" PRIu64 " failed\n",
			counts.files, counts.late, counts.failed);
	return (struct outcome){.status = counts.files ? printer->status : EXIT_STATUS_FAILED};
}

static struct outcome run(const struct capture_options *options)
{
	CLEANUP(capture_report_deinit) struct capture_report report = {0};
	struct event_printer printer = {.options = options, .status = EXIT_STATUS_DONE};
	const struct capture_events events = {
		.written = print_written,
		.failed = print_failed,
		.context = &printer,
	};
	if (options->every_ns != UINT64_MAX && !options->run)
		return run_loop(options, &events, &printer);
	struct error *error = capture_run(options, &events, &report);
	if (error)
		return fail(options, error);
	enum exit_status status = print_report(options, &report);
	return (struct outcome){.status = status ? status : printer.status};
}

static int run_processes(const struct capture_options *options)
{
	struct outcome outcome = run(options);
	if (outcome.interrupted)
		interrupt_end();
	return (int)outcome.status;
}

/* The command's own text, as it would have been on the terminal. */
static void print_hidden_output(struct command_session *session)
{
	CLEANUP_FREE char *text = NULL;
	size_t size;
	struct error *error = command_output_take(session->output, &text, &size);
	if (!error && size)
		fwrite(text, 1, size, stderr);
	error_destroy(error);
}

static int tell_command_end(struct command_session *session, const struct capture_options *options)
{
	int status = spawned_command_status(session->command);
	int number = spawned_command_signal(session->command);
	if (status && session->output)
		print_hidden_output(session);
	if (number && !options->common.quiet) {
		fprintf(stderr, "%s: ", program);
		print_text(options->command[0]);
		fprintf(stderr, " was ended by signal %d (%s)\n", number, strsignal(number));
	}
	return status;
}

static void tell_command_runs_on(struct command_session *session,
				 const struct capture_options *options, const char *how)
{
	if (options->common.quiet)
		return;
	fprintf(stderr, "%s: ", program);
	print_text(options->command[0]);
	fprintf(stderr, " (process %d) runs on%s\n", (int)spawned_command_pid(session->command),
		how);
}

/*
 * The capture is over: its time, by a signal, by the command's end, or because it failed. In the
 * last case, and if the signal is the command's as well, this program stays for as long as the
 * command does, as if it were not there.
 */
static int finish_command(struct command_session *session, const struct capture_options *options,
			  struct outcome outcome)
{
	bool stay = outcome.failed || interrupt_from_terminal();
	if (outcome.interrupted)
		interrupt_accept();
	if (command_session_has_ended(session))
		return tell_command_end(session, options);
	if (options->kill) {
		command_session_kill(session);
		return (int)outcome.status;
	}
	if (stay) {
		tell_command_runs_on(session, options, ", and is waited for");
		command_session_wait(session);
		if (command_session_has_ended(session))
			return tell_command_end(session, options);
	}
	tell_command_runs_on(session, options, "");
	return (int)outcome.status;
}

static int run_command(struct capture_options *options)
{
	CLEANUP(command_session_deinit) struct command_session session = {0};
	int status;
	struct error *error = command_session_begin(&session, options, &status);
	if (error) {
		print_error(error);
		return status;
	}
	return finish_command(&session, options, run(options));
}

static int print_completions(const char *shell)
{
	const struct completions completions = {
		.program = capture_command_line.program,
		.options = capture_command_line.options,
		.option_count = capture_command_line.option_count,
	};
	struct error *error = completions_write(&completions, shell, stdout);
	return error ? print_error(error) : EXIT_STATUS_DONE;
}

int main(int argc, char **argv)
{
	CLEANUP(capture_options_deinit) struct capture_options options = {0};
	interrupt_ignore_requests();
	struct error *error = capture_options_parse(argc, argv, &options);
	if (error)
		return print_error(error);
	if (options.common.help) {
		command_line_help(&capture_command_line, stdout);
		return EXIT_STATUS_DONE;
	}
	if (options.common.version) {
		command_line_version(&capture_command_line, stdout);
		return EXIT_STATUS_DONE;
	}
	if (options.help_faults) {
		print_fault_points();
		return EXIT_STATUS_DONE;
	}
	if (options.completions)
		return print_completions(options.completions);
	if (!fault_point_init()) {
		terminal_message(program, "error",
				 "PYSPY_FAULT names no fault point; --help-faults lists them");
		return EXIT_STATUS_USAGE;
	}
	interrupt_init();
	return options.command ? run_command(&options) : run_processes(&options);
}
