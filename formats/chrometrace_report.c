/*
 * Chrome's trace event format ("Trace Event Format", also read by Perfetto): beginnings and ends of
 * frames by thread, in microseconds from the first sample. Frames that two samples in a row share
 * go on.
 */

#include "common/cleanup.h"
#include "formats/markup_text.h"
#include "formats/report_format.h"
#include "formats/thread_stacks.h"

struct chrometrace {
	FILE *stream;
	const struct report *report;
	struct stack_path path; /* of the run that comes */
	struct stack_path open; /* what has begun and not ended, innermost first too */
	uint64_t open_until_ns;
	uint32_t thread;
	bool any;
};

static void chrometrace_deinit(struct chrometrace *writer)
{
	stack_path_deinit(&writer->path);
	stack_path_deinit(&writer->open);
}

static void begin_event(struct chrometrace *writer, char phase)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_thread *thread = &profile->threads[writer->thread];
	fputs(writer->any ? ",\n" : "\n", writer->stream);
	writer->any = true;
	fprintf(writer->stream, "{\"ph\":\"%c\",\"pid\":%d,\"tid\":%lld", phase,
		profile->processes[thread->process].pid,
		thread->os_id ? (long long)thread->os_id : (long long)thread->thread_id);
}

static struct error *write_event(struct chrometrace *writer, char phase, uint64_t time_ns,
				 uint32_t number)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_frame *frame = &profile->frames[number];
	uint64_t since = time_ns > profile->first_ns ? time_ns - profile->first_ns : 0;
	begin_event(writer, phase);
	fprintf(writer->stream, ",\"ts\":%llu.%03u,\"cat\":\"python\",\"name\":",
		(unsigned long long)(since / 1000), (unsigned)(since % 1000));
	struct error *error =
		script_string_write(writer->stream, profile_text_of(profile, frame->name));
	if (!error && phase == 'B' && frame->file) {
		fputs(",\"args\":{\"filename\":", writer->stream);
		error = script_string_write(writer->stream, profile_text_of(profile, frame->file));
		fprintf(writer->stream, ",\"line\":%d}", frame->line);
	}
	fputc('}', writer->stream);
	return error;
}

static struct error *write_name(struct chrometrace *writer, const char *what, const char *name)
{
	begin_event(writer, 'M');
	fprintf(writer->stream, ",\"name\":\"%s\",\"args\":{\"name\":", what);
	struct error *error = script_string_write(writer->stream, name);
	fputs("}}", writer->stream);
	return error;
}

/* How many frames from the outermost on are the same. */
static size_t common_frames(const struct stack_path *a, const struct stack_path *b)
{
	size_t count = 0;
	while (count < a->count && count < b->count &&
	       a->frames[a->count - 1 - count] == b->frames[b->count - 1 - count])
		count++;
	return count;
}

static struct error *close_frames(struct chrometrace *writer, size_t kept)
{
	struct error *error = NULL;
	size_t closed = writer->open.count - kept;
	for (size_t i = 0; i < closed && !error; i++)
		error = write_event(writer, 'E', writer->open_until_ns, writer->open.frames[i]);
	return error;
}

static struct error *write_run(void *context, const struct profile_run *run)
{
	struct chrometrace *writer = context;
	struct error *error = stack_path_find(writer->report->profile, run->node, &writer->path);
	if (error)
		return error;
	bool goes_on = writer->open_until_ns == run->start_ns;
	size_t kept = goes_on ? common_frames(&writer->open, &writer->path) : 0;
	error = close_frames(writer, kept);
	for (size_t i = writer->path.count - kept; i-- > 0 && !error;)
		error = write_event(writer, 'B', run->start_ns, writer->path.frames[i]);
	struct stack_path closed = writer->open;
	writer->open = writer->path;
	writer->path = closed;
	writer->open_until_ns = run->start_ns + run->wall_ns;
	return error;
}

static struct error *write_thread(struct chrometrace *writer, uint32_t number)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_thread *thread = &profile->threads[number];
	const struct profile_process *process = &profile->processes[thread->process];
	writer->thread = number;
	writer->open.count = 0;
	writer->open_until_ns = 0;
	struct error *error =
		write_name(writer, "process_name", profile_text_of(profile, process->command));
	if (!error && thread->name)
		error = write_name(writer, "thread_name", profile_text_of(profile, thread->name));
	if (!error)
		error = profile_trail_each(writer->report->trail, number, write_run, writer);
	return error ? error : close_frames(writer, 0);
}

struct error *chrometrace_report(FILE *stream, const struct report *report)
{
	CLEANUP(chrometrace_deinit)
	struct chrometrace writer = {.stream = stream, .report = report};
	struct error *error = NULL;
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", stream);
	for (uint32_t i = 0; i < report->profile->thread_count && !error; i++) {
		if (report->profile->threads[i].total.of[PROFILE_SAMPLES])
			error = write_thread(&writer, i);
	}
	fputs("]}\n", stream);
	return error;
}
