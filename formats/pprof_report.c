/*
 * pprof's profile.proto (github.com/google/pprof, proto/profile.proto), compressed by gzip as its
 * tools want it. Each sample has all four weights, and labels for its process and thread; comments
 * say what is missing.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"
#include "formats/report_format.h"
#include "formats/thread_stacks.h"

/* Numbers of fields, from profile.proto. */
enum {
	PROTO_SAMPLE_TYPE = 1,
	PROTO_SAMPLE = 2,
	PROTO_LOCATION = 4,
	PROTO_FUNCTION = 5,
	PROTO_STRING = 6,
	PROTO_TIME_NANOS = 9,
	PROTO_DURATION_NANOS = 10,
	PROTO_COMMENT = 13,
	PROTO_DEFAULT_SAMPLE_TYPE = 14,
	VALUE_TYPE_TYPE = 1,
	VALUE_TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STRING = 2,
	LABEL_NUMBER = 3,
	LOCATION_ID = 1,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_FILE = 4,
	FUNCTION_START_LINE = 5,
};

/* Strings of our own, after those of the profile, which keep their numbers: 0 is the empty one in
 * both. Those of comments are behind them. */
enum own_string {
	STRING_SAMPLES = 0,
	STRING_COUNT,
	STRING_WALL,
	STRING_CPU,
	STRING_GIL,
	STRING_NANOSECONDS,
	STRING_PID,
	STRING_TID,
	STRING_THREAD,
	OWN_STRINGS,
};

static const char *const own_strings[OWN_STRINGS] = {
	[STRING_SAMPLES] = "samples", [STRING_COUNT] = "count",
	[STRING_WALL] = "wall",	      [STRING_CPU] = "cpu",
	[STRING_GIL] = "gil",	      [STRING_NANOSECONDS] = "nanoseconds",
	[STRING_PID] = "pid",	      [STRING_TID] = "tid",
	[STRING_THREAD] = "thread",
};

static const struct {
	enum own_string type;
	enum own_string unit;
} value_types[PROFILE_UNITS] = {
	[PROFILE_SAMPLES] = {STRING_SAMPLES, STRING_COUNT},
	[PROFILE_WALL] = {STRING_WALL, STRING_NANOSECONDS},
	[PROFILE_CPU] = {STRING_CPU, STRING_NANOSECONDS},
	[PROFILE_GIL] = {STRING_GIL, STRING_NANOSECONDS},
};

struct pprof {
	FILE *stream;
	const struct report *report;
	z_stream deflater;
	struct error *error; /* the first; nothing is written after it */
	/* Messages under construction, outer and inner. */
	struct buffer message;
	struct buffer inner;
	struct stack_path path;
};

static void pprof_deinit(struct pprof *writer)
{
	deflateEnd(&writer->deflater);
	buffer_deinit(&writer->message);
	buffer_deinit(&writer->inner);
	stack_path_deinit(&writer->path);
}

static void check(struct pprof *writer, struct error *error)
{
	if (writer->error)
		error_destroy(error);
	else
		writer->error = error;
}

static void deflate_bytes(struct pprof *writer, const void *bytes, size_t size, int flush)
{
	unsigned char packed[8192];
	if (writer->error)
		return;
	writer->deflater.next_in = (unsigned char *)(uintptr_t)bytes;
	writer->deflater.avail_in = (unsigned)size;
	do {
		writer->deflater.next_out = packed;
		writer->deflater.avail_out = sizeof(packed);
		deflate(&writer->deflater, flush);
		fwrite(packed, 1, sizeof(packed) - writer->deflater.avail_out, writer->stream);
	} while (!writer->deflater.avail_out);
}

/* Wire types: 0 a varint, 2 bytes with their length. */
static void put_number(struct pprof *writer, struct buffer *buffer, unsigned field, uint64_t number)
{
	check(writer, buffer_append_varint(buffer, field << 3));
	check(writer, buffer_append_varint(buffer, number));
}

static void put_bytes(struct pprof *writer, struct buffer *buffer, unsigned field,
		      const void *bytes, size_t size)
{
	check(writer, buffer_append_varint(buffer, field << 3 | 2));
	check(writer, buffer_append_varint(buffer, size));
	check(writer, buffer_append(buffer, bytes, size));
}

/* What is gathered in `inner` becomes a field of `message`. */
static void put_inner(struct pprof *writer, unsigned field)
{
	put_bytes(writer, &writer->message, field, writer->inner.data, writer->inner.size);
	buffer_clear(&writer->inner);
}

/* What is gathered in `message` becomes a field of the profile. */
static void put_message(struct pprof *writer, unsigned field)
{
	struct buffer head = {0};
	check(writer, buffer_append_varint(&head, field << 3 | 2));
	check(writer, buffer_append_varint(&head, writer->message.size));
	deflate_bytes(writer, head.data, head.size, Z_NO_FLUSH);
	deflate_bytes(writer, writer->message.data, writer->message.size, Z_NO_FLUSH);
	buffer_deinit(&head);
	buffer_clear(&writer->message);
}

static uint64_t own_string_number(const struct pprof *writer, enum own_string string)
{
	return writer->report->profile->text_count + string;
}

static void write_types(struct pprof *writer)
{
	for (size_t i = 0; i < PROFILE_UNITS; i++) {
		put_number(writer, &writer->message, VALUE_TYPE_TYPE,
			   own_string_number(writer, value_types[i].type));
		put_number(writer, &writer->message, VALUE_TYPE_UNIT,
			   own_string_number(writer, value_types[i].unit));
		put_message(writer, PROTO_SAMPLE_TYPE);
	}
}

static void put_label(struct pprof *writer, enum own_string key, unsigned field, uint64_t value)
{
	put_number(writer, &writer->inner, LABEL_KEY, own_string_number(writer, key));
	put_number(writer, &writer->inner, field, value);
	put_inner(writer, SAMPLE_LABEL);
}

/* Locations have the numbers of frames, + 1: 0 is none. */
static void write_sample(struct pprof *writer, uint32_t node, uint32_t number)
{
	const struct profile *profile = writer->report->profile;
	const struct profile_thread *thread = &profile->threads[number];
	check(writer, stack_path_find(profile, node, &writer->path));
	for (size_t i = 0; i < writer->path.count; i++)
		check(writer,
		      buffer_append_varint(&writer->inner, (uint64_t)writer->path.frames[i] + 1));
	put_inner(writer, SAMPLE_LOCATION);
	for (size_t i = 0; i < PROFILE_UNITS; i++)
		check(writer, buffer_append_varint(&writer->inner, profile->nodes[node].own.of[i]));
	put_inner(writer, SAMPLE_VALUE);
	put_label(writer, STRING_PID, LABEL_NUMBER,
		  (uint64_t)profile->processes[thread->process].pid);
	if (thread->os_id > 0)
		put_label(writer, STRING_TID, LABEL_NUMBER, (uint64_t)thread->os_id);
	if (thread->name)
		put_label(writer, STRING_THREAD, LABEL_STRING, thread->name);
	put_message(writer, PROTO_SAMPLE);
}

static void write_samples(struct pprof *writer)
{
	const struct profile *profile = writer->report->profile;
	CLEANUP_FREE uint32_t *threads = NULL;
	check(writer, thread_of_nodes(profile, &threads));
	for (uint32_t i = 0; i < profile->node_count && !writer->error; i++) {
		if (profile->nodes[i].own.of[PROFILE_SAMPLES])
			write_sample(writer, i, threads[i]);
	}
}

/* A function for each frame: who reads it puts those together that are the same. Without a system
 * name, which pprof would demangle, and take <module> for the argument of a template. */
static void write_frame(struct pprof *writer, uint32_t number)
{
	const struct profile_frame *frame = &writer->report->profile->frames[number];
	uint64_t line = frame->line > 0 ? (uint64_t)frame->line : 0;
	uint64_t first_line = frame->first_line > 0 ? (uint64_t)frame->first_line : 0;
	put_number(writer, &writer->message, LOCATION_ID, (uint64_t)number + 1);
	put_number(writer, &writer->inner, LINE_FUNCTION, (uint64_t)number + 1);
	put_number(writer, &writer->inner, LINE_LINE, line);
	put_inner(writer, LOCATION_LINE);
	put_message(writer, PROTO_LOCATION);
	put_number(writer, &writer->message, FUNCTION_ID, (uint64_t)number + 1);
	put_number(writer, &writer->message, FUNCTION_NAME, frame->name);
	put_number(writer, &writer->message, FUNCTION_FILE, frame->path);
	put_number(writer, &writer->message, FUNCTION_START_LINE, first_line);
	put_message(writer, PROTO_FUNCTION);
}

static void write_strings(struct pprof *writer)
{
	const struct profile *profile = writer->report->profile;
	for (size_t i = 0; i < profile->text_count + OWN_STRINGS && !writer->error; i++) {
		const char *text = i < profile->text_count ? profile_text_of(profile, (uint32_t)i)
							   : own_strings[i - profile->text_count];
		check(writer, buffer_append(&writer->message, text, strlen(text)));
		put_message(writer, PROTO_STRING);
	}
	for (const char *const *lost = writer->report->lost; *lost && !writer->error; lost++) {
		check(writer, buffer_append(&writer->message, "missing: ", strlen("missing: ")));
		check(writer, terminal_text_append(&writer->message, *lost));
		put_message(writer, PROTO_STRING);
	}
}

static void write_scalars(struct pprof *writer)
{
	const struct profile *profile = writer->report->profile;
	put_number(writer, &writer->message, PROTO_TIME_NANOS, profile->first_ns);
	put_number(writer, &writer->message, PROTO_DURATION_NANOS,
		   profile->last_ns - profile->first_ns);
	put_number(writer, &writer->message, PROTO_DEFAULT_SAMPLE_TYPE,
		   own_string_number(writer, value_types[writer->report->unit].type));
	for (size_t i = 0; writer->report->lost[i]; i++)
		put_number(writer, &writer->message, PROTO_COMMENT,
			   own_string_number(writer, OWN_STRINGS) + i);
	deflate_bytes(writer, writer->message.data, writer->message.size, Z_NO_FLUSH);
	buffer_clear(&writer->message);
}

struct error *pprof_report(FILE *stream, const struct report *report)
{
	CLEANUP(pprof_deinit) struct pprof writer = {.stream = stream, .report = report};
	/* 16 more than the window's bits: a gzip header (zlib.h). */
	if (deflateInit2(&writer.deflater, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return &error_out_of_memory;
	write_types(&writer);
	write_samples(&writer);
	for (uint32_t i = 0; i < report->profile->frame_count; i++) {
		if (report->profile->frames[i].kind != PROFILE_FRAME_ROOT)
			write_frame(&writer, i);
	}
	write_strings(&writer);
	write_scalars(&writer);
	deflate_bytes(&writer, NULL, 0, Z_FINISH);
	return writer.error;
}
