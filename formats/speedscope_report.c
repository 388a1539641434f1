/*
 * The file format of speedscope (https://www.speedscope.app/file-format-schema.json): a sampled
 * profile for each thread, its stacks in the order of time. Weights are nanoseconds, or numbers of
 * samples where no file has two of them.
 */
#include <stdlib.h>

#include "common/cleanup.h"
#include "formats/markup_text.h"
#include "formats/report_format.h"
#include "formats/thread_stacks.h"

struct speedscope {
	FILE *stream;
	const struct report *report;
	uint32_t *numbers; /* by frame of the profile: in the file */
	struct stack_path path;
	bool weighs_time;
	bool weights; /* what is written: weights, or stacks */
	bool is_first;
	uint64_t sum;
};

static void speedscope_deinit(struct speedscope *writer)
{
	free(writer->numbers);
	stack_path_deinit(&writer->path);
}

static struct error *write_frames(struct speedscope *writer)
{
	const struct profile *profile = writer->report->profile;
	FILE *stream = writer->stream;
	struct error *error = NULL;
	uint32_t count = 0;
	for (size_t i = 0; i < profile->frame_count && !error; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		writer->numbers[i] = count;
		if (frame->kind == PROFILE_FRAME_ROOT)
			continue;
		fputs(count++ ? ",\n{\"name\":" : "\n{\"name\":", stream);
		error = script_string_write(stream, profile_text_of(profile, frame->name));
		if (!error && frame->file) {
			fputs(",\"file\":", stream);
			error = script_string_write(stream, profile_text_of(profile, frame->file));
		}
		if (frame->line > 0)
			fprintf(stream, ",\"line\":%d", frame->line);
		fputc('}', stream);
	}
	return error;
}

static struct error *write_run(void *context, const struct profile_run *run)
{
	struct speedscope *writer = context;
	uint64_t weight = writer->weighs_time ? run->wall_ns : run->samples;
	if (!weight)
		return NULL;
	fputs(writer->is_first ? "" : ",", writer->stream);
	writer->is_first = false;
	writer->sum += weight;
	if (writer->weights) {
		fprintf(writer->stream, "%llu", (unsigned long long)weight);
		return NULL;
	}
	struct error *error = stack_path_find(writer->report->profile, run->node, &writer->path);
	fputc('[', writer->stream);
	for (size_t i = writer->path.count; i-- > 0 && !error;)
		fprintf(writer->stream, "%u%s", writer->numbers[writer->path.frames[i]],
			i ? "," : "");
	fputs("]\n", writer->stream);
	return error;
}

static struct error *write_runs(struct speedscope *writer, uint32_t thread, bool weights)
{
	writer->weights = weights;
	writer->is_first = true;
	writer->sum = 0;
	fputs(weights ? "],\n\"weights\":[" : "\"samples\":[", writer->stream);
	return profile_trail_each(writer->report->trail, thread, write_run, writer);
}

static struct error *write_thread(struct speedscope *writer, uint32_t thread)
{
	CLEANUP(buffer_deinit) struct buffer title = {0};
	FILE *stream = writer->stream;
	struct error *error = thread_title(writer->report->profile, thread, &title);
	fputs("{\"type\":\"sampled\",\"name\":", stream);
	if (!error)
		error = script_string_write(stream, (const char *)title.data);
	fprintf(stream, ",\"unit\":\"%s\",\n", writer->weighs_time ? "nanoseconds" : "none");
	if (!error)
		error = write_runs(writer, thread, false);
	if (!error)
		error = write_runs(writer, thread, true);
	fprintf(stream, "],\n\"startValue\":0,\"endValue\":%llu}", (unsigned long long)writer->sum);
	return error;
}

struct error *speedscope_report(FILE *stream, const struct report *report)
{
	const struct profile *profile = report->profile;
	CLEANUP(speedscope_deinit)
	struct speedscope writer = {
		.stream = stream,
		.report = report,
		.numbers = calloc(profile->frame_count + 1, sizeof(*writer.numbers)),
		.weighs_time = profile->total.of[PROFILE_WALL] != 0,
	};
	if (!writer.numbers)
		return &error_out_of_memory;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
	      "\"exporter\":\"pyspy-analyze " PYSPY_VERSION "\",\n\"name\":",
	      stream);
	struct error *error = script_string_write(stream, report->title);
	fputs(",\n\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", stream);
	if (!error)
		error = write_frames(&writer);
	fputs("]},\n\"profiles\":[", stream);
	bool any = false;
	for (uint32_t i = 0; i < profile->thread_count && !error; i++) {
		if (!profile->threads[i]
			     .total.of[writer.weighs_time ? PROFILE_WALL : PROFILE_SAMPLES])
			continue;
		fputs(any ? ",\n" : "\n", stream);
		any = true;
		error = write_thread(&writer, i);
	}
	fputs("]}\n", stream);
	return error;
}
