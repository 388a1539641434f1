/*
 * A report as lines of JSON: one of the report, one for each process, each thread and each stack
 * that a thread had. Frames are innermost first, as in a dump.
 */
#include "common/cleanup.h"
#include "formats/markup_text.h"
#include "formats/report_format.h"
#include "formats/thread_stacks.h"

struct ndjson {
	FILE *stream;
	const struct profile *profile;
	struct error *error; /* the first; what follows is not written then */
};

static void write_text(struct ndjson *writer, const char *key, const char *text)
{
	fprintf(writer->stream, ",\"%s\":", key);
	if (!writer->error)
		writer->error = script_string_write(writer->stream, text);
}

static void write_known(struct ndjson *writer, const char *key, uint32_t text)
{
	if (text)
		write_text(writer, key, profile_text_of(writer->profile, text));
	else
		fprintf(writer->stream, ",\"%s\":null", key);
}

static void write_number(struct ndjson *writer, const char *key, uint64_t number)
{
	fprintf(writer->stream, ",\"%s\":%llu", key, (unsigned long long)number);
}

static void write_weight(struct ndjson *writer, const struct profile_weight *weight)
{
	write_number(writer, "samples", weight->of[PROFILE_SAMPLES]);
	write_number(writer, "wall_ns", weight->of[PROFILE_WALL]);
	write_number(writer, "cpu_ns", weight->of[PROFILE_CPU]);
	write_number(writer, "gil_ns", weight->of[PROFILE_GIL]);
}

static void write_report_line(struct ndjson *writer, const struct report *report)
{
	const struct profile *profile = writer->profile;
	fputs("{\"type\":\"report\"", writer->stream);
	write_text(writer, "title", report->title);
	write_number(writer, "process_samples", profile->samples);
	write_number(writer, "first_time_ns", profile->first_ns);
	write_number(writer, "last_time_ns", profile->last_ns);
	write_weight(writer, &profile->total);
	fputs(",\"missing\":[", writer->stream);
	for (const char *const *lost = report->lost; *lost && !writer->error; lost++) {
		fputs(lost == report->lost ? "" : ",", writer->stream);
		writer->error = script_string_write(writer->stream, *lost);
	}
	fputs("]}\n", writer->stream);
}

static void write_process(struct ndjson *writer, size_t number)
{
	const struct profile_process *process = &writer->profile->processes[number];
	fprintf(writer->stream, "{\"type\":\"process\",\"id\":%zu,\"pid\":%d,\"parent_pid\":%d",
		number, process->pid, process->parent_pid);
	write_known(writer, "host", process->host);
	write_known(writer, "command_line", process->command);
	write_number(writer, "samples", process->samples);
	fputs("}\n", writer->stream);
}

static void write_thread(struct ndjson *writer, size_t number)
{
	const struct profile_thread *thread = &writer->profile->threads[number];
	fprintf(writer->stream, "{\"type\":\"thread\",\"id\":%zu,\"process\":%u", number,
		thread->process);
	write_number(writer, "os_thread_id", (uint64_t)(thread->os_id > 0 ? thread->os_id : 0));
	write_number(writer, "thread_id", thread->thread_id);
	write_known(writer, "name", thread->name);
	write_weight(writer, &thread->total);
	fputs("}\n", writer->stream);
}

static void write_frame(struct ndjson *writer, const struct profile_frame *frame)
{
	static const char *const kinds[] = {
		[PROFILE_FRAME_PYTHON] = "python",   [PROFILE_FRAME_NATIVE] = "native",
		[PROFILE_FRAME_GAP] = "gap",	     [PROFILE_FRAME_THREAD] = "thread",
		[PROFILE_FRAME_PROCESS] = "process", [PROFILE_FRAME_ROOT] = "root",
	};
	fprintf(writer->stream, "{\"kind\":\"%s\"", kinds[frame->kind]);
	write_known(writer, "name", frame->name);
	write_known(writer, "filename", frame->path);
	write_known(writer, "short_filename", frame->file);
	fprintf(writer->stream, ",\"line\":%d,\"first_line\":%d}", frame->line, frame->first_line);
}

static void write_stack(struct ndjson *writer, uint32_t node, uint32_t thread,
			struct stack_path *path)
{
	const struct profile *profile = writer->profile;
	fprintf(writer->stream, "{\"type\":\"stack\",\"thread\":%u", thread);
	write_weight(writer, &profile->nodes[node].own);
	fputs(",\"frames\":[", writer->stream);
	writer->error = stack_path_find(profile, node, path);
	for (size_t i = 0; i < path->count && !writer->error; i++) {
		fputs(i ? "," : "", writer->stream);
		write_frame(writer, &profile->frames[path->frames[i]]);
	}
	fputs("]}\n", writer->stream);
}

struct error *ndjson_report(FILE *stream, const struct report *report)
{
	const struct profile *profile = report->profile;
	struct ndjson writer = {.stream = stream, .profile = profile};
	CLEANUP_FREE uint32_t *threads = NULL;
	CLEANUP(stack_path_deinit) struct stack_path path = {0};
	struct error *error = thread_of_nodes(profile, &threads);
	if (error)
		return error;
	write_report_line(&writer, report);
	for (size_t i = 0; i < profile->process_count && !writer.error; i++)
		write_process(&writer, i);
	for (size_t i = 0; i < profile->thread_count && !writer.error; i++)
		write_thread(&writer, i);
	for (uint32_t i = 0; i < profile->node_count && !writer.error; i++) {
		if (profile->nodes[i].own.of[PROFILE_SAMPLES])
			write_stack(&writer, i, threads[i], &path);
	}
	return writer.error;
}
