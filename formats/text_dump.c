#include "formats/text_dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/path_name.h"
#include "common/terminal_text.h"
#include "formats/signal_text.h"
#include "formats/source_text.h"
#include "formats/text_locals.h"
#include "formats/unit_text.h"

struct text_writer {
	FILE *stream;
	const struct model_process *process;
	const struct text_dump_options *options;
};

/* Text from the target in a style; safe for a terminal, whatever it holds. */
static void write_styled(const struct text_writer *writer, enum terminal_style style,
			 const char *text)
{
	fputs(terminal_style(writer->options->color, style), writer->stream);
	terminal_text_write(writer->stream, text);
	fputs(terminal_style_end(writer->options->color), writer->stream);
}

static void write_number(const struct text_writer *writer, enum terminal_style style,
			 long long number)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", number);
	write_styled(writer, style, text);
}

static const char *process_name(const struct process_facts *facts)
{
	if (facts->command_line)
		return facts->command_line;
	if (facts->command_name)
		return facts->command_name;
	return facts->executable ? facts->executable : "unknown command";
}

static void write_version(const struct text_writer *writer)
{
	const struct model_process *process = writer->process;
	char version[PYTHON_VERSION_TEXT_SIZE];
	if (!process->version_known)
		return;
	python_version_format(process->version, version);
	fputs("Python v", writer->stream);
	write_styled(writer, STYLE_STRONG, version);
	if (process->executable) {
		fputs(" (", writer->stream);
		write_styled(writer, STYLE_FAINT, process->executable);
		fputc(')', writer->stream);
	}
	fputs(process->free_threaded ? " free-threaded\n" : "\n", writer->stream);
}

/* Which thread the signal hit; it may be one that runs no Python. */
static void write_crashed(const struct text_writer *writer, const struct model_thread *threads,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (threads[i].crashed && threads[i].os_thread_id)
			fprintf(writer->stream, ", thread %d", threads[i].os_thread_id);
	}
}

static struct error *write_signal(const struct text_writer *writer)
{
	const struct model_process *process = writer->process;
	if (!process->facts.signal)
		return NULL;
	CLEANUP_FREE char *text = NULL;
	struct error *error = signal_text(&process->facts, &text);
	if (error)
		return error;
	fputs("Core of ", writer->stream);
	write_styled(writer, STYLE_PROBLEM, text);
	write_crashed(writer, process->threads, process->thread_count);
	write_crashed(writer, process->other_threads, process->other_count);
	fputc('\n', writer->stream);
	return NULL;
}

/* Where and how, on request. */
static void write_capture(const struct text_writer *writer)
{
	const struct process_facts *facts = &writer->process->facts;
	const struct sample_facts *sample = &writer->process->sample;
	FILE *stream = writer->stream;
	char when[UNIT_TEXT_SIZE];
	char span[UNIT_TEXT_SIZE];
	uint64_t time_ns = model_process_time_ns(writer->process);
	if (time_ns)
		time_text(time_ns, when);
	fprintf(stream, "Captured %s%s on ", time_ns ? "at " : "at an unknown time",
		time_ns ? when : "");
	terminal_text_write(stream, facts->host ? facts->host : "an unknown host");
	if (facts->kernel) {
		fputs(", Linux ", stream);
		terminal_text_write(stream, facts->kernel);
	}
	if (writer->process->has_sample) {
		span_text(sample->freeze_ns, span);
		fprintf(stream,
			", level %s; stood still for %s (%s, %u thread%s stopped, %u attempt%s)",
			capture_level_name(sample->level), span, freeze_way_name(sample->way),
			sample->threads_stopped, sample->threads_stopped == 1 ? "" : "s",
			sample->attempts, sample->attempts == 1 ? "" : "s");
	}
	fputc('\n', stream);
	if (facts->container_pid)
		fprintf(stream, "Process %d in its container\n", facts->container_pid);
}

/* Of cores: nobody told which threads ran. */
static void write_inferred(const struct text_writer *writer)
{
	const struct model_process *process = writer->process;
	bool by_registers = false;
	bool by_frames = false;
	for (size_t i = 0; i < process->thread_count; i++) {
		enum model_activity_source source = process->threads[i].activity_source;
		by_registers |= source == MODEL_SOURCE_REGISTERS;
		by_frames |= source == MODEL_SOURCE_FRAMES;
	}
	if (by_registers || by_frames)
		fprintf(writer->stream, "Active or idle is inferred from %s%s%s\n",
			by_registers ? "registers" : "", by_registers && by_frames ? " and " : "",
			by_frames ? "innermost frames" : "");
}

/* py-spy's line, for each step from a child up to the process that was captured with it. */
static void write_parents(const struct text_writer *writer)
{
	const struct model_process *process = writer->process;
	size_t count = writer->options->parents ? process->parent_distance : 0;
	if (writer->options->verbose)
		count = process->facts.ancestor_count;
	for (size_t i = 0; i < count && i < process->facts.ancestor_count; i++) {
		const struct ancestor *ancestor = &process->facts.ancestors[i];
		const char *name =
			ancestor->command_line ? ancestor->command_line : ancestor->command_name;
		fputs("Parent Process ", writer->stream);
		write_number(writer, STYLE_ID, ancestor->pid);
		fputs(": ", writer->stream);
		terminal_text_write(writer->stream, name ? name : "unknown command");
		fputc('\n', writer->stream);
	}
}

static struct error *write_header(const struct text_writer *writer)
{
	const struct model_process *process = writer->process;
	fputs("Process ", writer->stream);
	if (process->facts.pid)
		write_number(writer, STYLE_ID, process->facts.pid);
	else
		fputc('?', writer->stream);
	fputs(": ", writer->stream);
	terminal_text_write(writer->stream, process_name(&process->facts));
	fputc('\n', writer->stream);
	write_version(writer);
	write_parents(writer);
	if (process->sample_count > 1) {
		char when[UNIT_TEXT_SIZE];
		time_text(process->sample.time_ns, when);
		fprintf(writer->stream, "Sample %zu of %zu, at %s\n", process->sample_index + 1,
			process->sample_count, when);
	}
	if (process->has_counts) {
		const struct sample_counts *counts = &process->counts;
		fprintf(writer->stream,
			"Run: %" PRIu64 " samples%s, %" PRIu64 " late, %" PRIu64 " failed, %" PRIu64
			" dropped\n",
			counts->samples, process->run_ended ? "" : " when it told last",
			counts->late, counts->failed, counts->dropped);
	}
	if (process->facts.was_stopped)
		fputs("Stopped (as by SIGSTOP) when captured\n", writer->stream);
	if (writer->options->verbose)
		write_capture(writer);
	write_inferred(writer);
	return write_signal(writer);
}

/* py-spy's word; of an unknown state it says nothing. */
static const char *activity_word(const struct model_thread *thread)
{
	if (thread->activity == MODEL_IDLE)
		return "idle";
	if (thread->owns_gil)
		return "active+gil";
	return thread->activity == MODEL_ACTIVE ? "active" : NULL;
}

/* " (idle, waiting for GIL)": py-spy's word first, then what it has none for. */
static void write_status(const struct text_writer *writer, const struct model_thread *thread,
			 bool runs_python)
{
	char interpreter[40] = "";
	if (thread->interpreter_id)
		snprintf(interpreter, sizeof(interpreter), "interpreter %lld",
			 (long long)thread->interpreter_id);
	const char *const words[] = {
		activity_word(thread),
		thread->waits_for_gil == MODEL_YES ? "waiting for GIL" : NULL,
		thread->collects_garbage == MODEL_YES ? "collecting garbage" : NULL,
		interpreter[0] && runs_python ? interpreter : NULL,
		runs_python			  ? NULL
		: writer->process->others_certain ? "no Python"
						  : "Python unknown",
	};
	const char *separator = " (";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!words[i])
			continue;
		fprintf(writer->stream, "%s%s", separator, words[i]);
		separator = ", ";
	}
	if (separator[0] == ',')
		fputc(')', writer->stream);
}

static void write_ids(const struct text_writer *writer, const struct model_thread *thread)
{
	fprintf(writer->stream, " [pthread 0x%llx", (unsigned long long)thread->thread_id);
	if (thread->container_thread_id)
		fprintf(writer->stream, ", %d in its container", thread->container_thread_id);
	fprintf(writer->stream, ", interpreter %lld]", (long long)thread->interpreter_id);
}

static void write_name(const struct text_writer *writer, const char *name)
{
	if (!name)
		return;
	fputs(": \"", writer->stream);
	terminal_text_write(writer->stream, name);
	fputc('"', writer->stream);
}

static void write_thread_header(const struct text_writer *writer, const struct model_thread *thread)
{
	char id[24];
	if (thread->os_thread_id)
		snprintf(id, sizeof(id), "%d", thread->os_thread_id);
	else
		snprintf(id, sizeof(id), "0x%llX", (unsigned long long)thread->thread_id);
	fputs("Thread ", writer->stream);
	write_styled(writer, STYLE_ID, id);
	write_status(writer, thread, true);
	write_name(writer, model_thread_display_name(writer->process, thread));
	if (writer->options->show_ids)
		write_ids(writer, thread);
	fputc('\n', writer->stream);
}

static struct error *write_frame(const struct text_writer *writer, const struct model_frame *frame)
{
	const struct text_dump_options *options = writer->options;
	const char *name = model_frame_display_name(frame);
	const char *filename = !options->full_filenames && frame->short_filename
				       ? frame->short_filename
				       : frame->filename;
	fputs("    ", writer->stream);
	write_styled(writer, STYLE_FUNCTION, name ? name : "?");
	fputs(" (", writer->stream);
	write_styled(writer, STYLE_FILE, filename ? filename : "?");
	if (frame->line) {
		fputc(':', writer->stream);
		write_number(writer, STYLE_FAINT, frame->line);
	}
	fputs(")\n", writer->stream);
	return frame->source ? source_text_write(writer->stream, frame) : NULL;
}

/* A native function, and where it is: the source line if that is known, else the module. */
static void write_native(const struct text_writer *writer, const struct model_frame *frame)
{
	const char *place = frame->filename ? frame->filename : frame->module;
	char address[24];
	snprintf(address, sizeof(address), "0x%llx", (unsigned long long)frame->address);
	fputs("    ", writer->stream);
	write_styled(writer, STYLE_FUNCTION, frame->name ? frame->name : address);
	fputs(" (", writer->stream);
	if (place && !writer->options->full_filenames)
		place = path_base_name(place);
	write_styled(writer, STYLE_FILE, place ? place : "?");
	if (frame->line) {
		fputc(':', writer->stream);
		write_number(writer, STYLE_FAINT, frame->line);
	}
	fputs(frame->inlined ? ") [inlined]\n" : ")\n", writer->stream);
}

static void write_gap(const struct text_writer *writer, const char *gap)
{
	fputs("    <", writer->stream);
	write_styled(writer, STYLE_PROBLEM, gap);
	fputs(">\n", writer->stream);
}

static struct error *write_thread(const struct text_writer *writer,
				  const struct model_thread *thread)
{
	struct error *error = NULL;
	write_thread_header(writer, thread);
	if (!thread->frame_count)
		fputs("    <no Python frames>\n", writer->stream);
	for (size_t i = 0; !error && i < thread->frame_count; i++) {
		const struct model_frame *frame = &thread->frames[i];
		if (frame->kind == MODEL_FRAME_GAP)
			write_gap(writer, frame->gap ? frame->gap : "something is missing here");
		else if (frame->kind == MODEL_FRAME_NATIVE)
			write_native(writer, frame);
		else
			error = write_frame(writer, frame);
		text_locals_write(writer->stream, frame, writer->options->color);
	}
	return error;
}

/* A thread that the interpreter does not know has no more than a line. */
static void write_other_thread(const struct text_writer *writer, const struct model_thread *thread)
{
	fputs("Thread ", writer->stream);
	write_number(writer, STYLE_ID, thread->os_thread_id);
	write_status(writer, thread, false);
	write_name(writer, thread->os_name);
	if (writer->options->show_ids && thread->container_thread_id)
		fprintf(writer->stream, " [%d in its container]", thread->container_thread_id);
	fputc('\n', writer->stream);
}

void text_dump_separator(FILE *stream, const struct text_dump_options *options)
{
	enum { WIDTH = 80 };
	fputc('\n', stream);
	fputs(terminal_style(options->color, STYLE_FAINT), stream);
	for (int i = 0; i < WIDTH; i++)
		fputc('-', stream);
	fputs(terminal_style_end(options->color), stream);
	fputc('\n', stream);
}

struct error *text_dump(FILE *stream, const struct model_process *process,
			const struct text_dump_options *options)
{
	const struct text_writer writer = {stream, process, options};
	struct error *error = write_header(&writer);
	if (error)
		return error;
	fputc('\n', stream);
	/* CPython links new threads and interpreters at the head: backwards, as py-spy prints them,
	 * the main thread comes first. */
	for (size_t i = process->thread_count; !error && i-- > 0;)
		error = write_thread(&writer, &process->threads[i]);
	if (error)
		return error;
	if (options->only_gil && !process->thread_count)
		fputs("No thread held the GIL\n", stream);
	for (size_t i = 0; i < process->other_count; i++)
		write_other_thread(&writer, &process->other_threads[i]);
	if (ferror(stream))
		return error_errno(ERROR_IO, errno, "cannot write the dump");
	return NULL;
}
