/*
 * Chrome's trace event format ("Trace Event Format", also read by Perfetto): beginnings and ends of
 * frames by thread, in microseconds from the first sample. Frames that two samples in a row share
 * go on.
 */

#include <stdlib.h>

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
	uint64_t hidden; /* runs that are not shown: at that time the thread is shown already */
	uint32_t thread;
	bool any;
	/* By process and by thread of the profile: its number in the trace. There a number is one
	 * track; hosts and containers have the same ones for different processes. */
	int64_t *pids;
	int64_t *tids;
};

struct numbered {
	int64_t number;
	uint32_t scope; /* in which numbers must differ */
	uint32_t index;
};

static void chrometrace_deinit(struct chrometrace *writer)
{
	stack_path_deinit(&writer->path);
	stack_path_deinit(&writer->open);
	free(writer->pids);
	free(writer->tids);
}

static int compare_numbered(const void *left, const void *right)
{
	const struct numbered *a = left, *b = right;
	if (a->scope != b->scope)
		return a->scope < b->scope ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Who comes first has its own number, the others those above all. */
static void make_unique(struct numbered *items, size_t count, int64_t *ret)
{
	int64_t highest = 0;
	for (size_t i = 0; i < count; i++) {
		if (items[i].number > highest)
			highest = items[i].number;
	}
	qsort(items, count, sizeof(*items), compare_numbered);
	for (size_t i = 0; i < count; i++) {
		bool taken = i && items[i - 1].scope == items[i].scope &&
			     items[i - 1].number == items[i].number;
		ret[items[i].index] = taken ? ++highest : items[i].number;
	}
}

static struct error *number_all(struct chrometrace *writer)
{
	const struct profile *profile = writer->report->profile;
	size_t most = profile->process_count > profile->thread_count ? profile->process_count
								     : profile->thread_count;
	CLEANUP_FREE struct numbered *items = calloc(most + 1, sizeof(*items));
	writer->pids = calloc(profile->process_count + 1, sizeof(*writer->pids));
	writer->tids = calloc(profile->thread_count + 1, sizeof(*writer->tids));
	if (!items || !writer->pids || !writer->tids)
		return &error_out_of_memory;
	for (uint32_t i = 0; i < profile->process_count; i++)
		items[i] = (struct numbered){.number = profile->processes[i].pid, .index = i};
	make_unique(items, profile->process_count, writer->pids);
	for (uint32_t i = 0; i < profile->thread_count; i++) {
		const struct profile_thread *thread = &profile->threads[i];
		items[i] = (struct numbered){
			.number = thread->os_id ? thread->os_id : (int64_t)thread->thread_id,
			.scope = thread->process,
			.index = i,
		};
	}
	make_unique(items, profile->thread_count, writer->tids);
	return NULL;
}

static void begin_event(struct chrometrace *writer, char phase)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_thread *thread = &profile->threads[writer->thread];
	fputs(writer->any ? ",\n" : "\n", writer->stream);
	writer->any = true;
	fprintf(writer->stream, "{\"ph\":\"%c\",\"pid\":%lld,\"tid\":%lld", phase,
		(long long)writer->pids[thread->process], (long long)writer->tids[writer->thread]);
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

static struct error *write_metadata(struct chrometrace *writer, const char *what, const char *key,
				    const char *name)
{
	begin_event(writer, 'M');
	fprintf(writer->stream, ",\"name\":\"%s\",\"args\":{\"%s\":", what, key);
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

/*
 * A thread does one thing at a time, and its events are in the order of time. Where files overlap,
 * be it by the last sample's guessed length or by clocks that differ, what began first is shown.
 */
static struct error *write_run(void *context, const struct profile_run *given)
{
	struct chrometrace *writer = context;
	struct profile_run cut = *given;
	const struct profile_run *run = &cut;
	if (cut.start_ns < writer->open_until_ns) {
		uint64_t covered = writer->open_until_ns - cut.start_ns;
		if (cut.wall_ns <= covered) {
			writer->hidden++;
			return NULL;
		}
		cut.start_ns += covered;
		cut.wall_ns -= covered;
	}
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

/* Of a process whose number in the trace is another one. */
static struct error *write_true_pid(struct chrometrace *writer,
				    const struct profile_process *process)
{
	CLEANUP_FREE char *label = NULL;
	const char *host = profile_text_of(writer->report->profile, process->host);
	if (asprintf(&label, "process %d%s%s", process->pid, *host ? " on " : "", host) < 0) {
		label = NULL;
		return &error_out_of_memory;
	}
	return write_metadata(writer, "process_labels", "labels", label);
}

static struct error *write_thread(struct chrometrace *writer, uint32_t number)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_thread *thread = &profile->threads[number];
	const struct profile_process *process = &profile->processes[thread->process];
	writer->thread = number;
	writer->open.count = 0;
	writer->open_until_ns = 0;
	struct error *error = write_metadata(writer, "process_name", "name",
					     profile_text_of(profile, process->command));
	if (!error && writer->pids[thread->process] != process->pid)
		error = write_true_pid(writer, process);
	if (!error && thread->name)
		error = write_metadata(writer, "thread_name", "name",
				       profile_text_of(profile, thread->name));
	if (!error)
		error = profile_trail_each(writer->report->trail, number, write_run, writer);
	return error ? error : close_frames(writer, 0);
}

struct error *chrometrace_report(FILE *stream, const struct report *report)
{
	CLEANUP(chrometrace_deinit)
	struct chrometrace writer = {.stream = stream, .report = report};
	struct error *error = number_all(&writer);
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", stream);
	for (uint32_t i = 0; i < report->profile->thread_count && !error; i++) {
		if (report->profile->threads[i].total.of[PROFILE_SAMPLES])
			error = write_thread(&writer, i);
	}
	fputs("\n],\"otherData\":{\"producer\":\"pyspy-analyze " PYSPY_VERSION "\"", stream);
	for (size_t i = 0; report->lost[i] && !error; i++) {
		fprintf(stream, ",\n\"missing %zu\":", i + 1);
		error = script_string_write(stream, report->lost[i]);
	}
	if (writer.hidden)
		fprintf(stream, ",\n\"overlapping stacks left out\":\"%llu\"",
			(unsigned long long)writer.hidden);
	fputs("}}\n", stream);
	return error;
}
