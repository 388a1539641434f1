#include "analyze/top/top_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/input.h"
#include "analyze/native/native_decode.h"
#include "analyze/process_choice.h"
#include "analyze/python/decode.h"
#include "analyze/thread_filter.h"
#include "common/cleanup.h"

enum { END_TEXT_SIZE = 160 };

struct top_source {
	const struct analyze_options *options;
	struct target *target;
	struct thread_filter threads;
	size_t next;  /* sample */
	size_t count; /* of samples */
	uint64_t length_ns;
	char end_text[END_TEXT_SIZE];
};

static uint64_t time_of(struct target *target)
{
	struct snapshot *snapshot = target_snapshot(target);
	return snapshot ? snapshot_sample(snapshot)->time_ns
			: target_process(target)->capture_time_ns;
}

/* From the first sample to the last, by the clock that they have. */
static struct error *measure(struct top_source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	source->count = snapshot ? snapshot_sample_count(snapshot) : 1;
	if (!snapshot)
		return NULL;
	struct error *error = snapshot_select(snapshot, source->count - 1);
	uint64_t last_ns = error ? 0 : time_of(source->target);
	if (!error)
		error = snapshot_select(snapshot, 0);
	uint64_t first_ns = error ? 0 : time_of(source->target);
	source->length_ns = last_ns > first_ns ? last_ns - first_ns : 0;
	return error;
}

struct error *top_source_open(const struct analyze_options *options, struct top_source **ret)
{
	CLEANUP(top_source_destroyp) struct top_source *source = calloc(1, sizeof(*source));
	if (!source)
		return &error_out_of_memory;
	source->options = options;
	source->threads = (struct thread_filter){.ids = &options->tids};
	const char *path = options->inputs.items[0];
	struct error *error = input_open(options, path, &source->target);
	if (!error)
		error = input_error(path, measure(source));
	if (error)
		return error;
	snprintf(source->end_text, sizeof(source->end_text), "end of %s", input_name(path));
	*ret = TAKE_POINTER(source);
	return NULL;
}

void top_source_destroyp(struct top_source **source)
{
	if (!*source)
		return;
	thread_filter_deinit(&(*source)->threads);
	target_destroy((*source)->target);
	free(*source);
	*source = NULL;
}

bool top_source_is_replay(const struct top_source *source)
{
	(void)source;
	return true;
}

uint64_t top_source_length(const struct top_source *source)
{
	return source->length_ns;
}

int top_source_fd(const struct top_source *source)
{
	(void)source;
	return -1;
}

struct error *top_source_next(struct top_source *source, enum top_arrival *ret)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	*ret = TOP_NO_MORE;
	while (source->next < source->count) {
		struct error *error = snapshot ? snapshot_select(snapshot, source->next) : NULL;
		source->next++;
		if (error)
			return error;
		if (process_is_chosen(source->options, source->target)) {
			*ret = TOP_ARRIVED;
			return NULL;
		}
	}
	return NULL;
}

uint64_t top_source_time(struct top_source *source)
{
	return time_of(source->target);
}

struct error *top_source_decode(struct top_source *source, struct model_process *ret)
{
	const struct analyze_options *options = source->options;
	const struct decode_options decode = {.exhaustive = options->exhaustive};
	const struct native_options native = {
		.all = options->native_all,
		.last = options->native_last,
		.internal = options->native_internal,
	};
	bool wanted = true;
	struct error *error = decode_process(source->target, &decode, ret);
	if (!error)
		error = thread_filter_apply(&source->threads, ret, &wanted);
	if (!error && options->native)
		error = native_decode(source->target, &native, ret);
	if (!error)
		model_process_set_lines(ret, options->no_line_numbers ? MODEL_LINES_NONE
					     : options->first_lines   ? MODEL_LINES_FIRST
								      : MODEL_LINES_LAST);
	return error;
}

struct error *top_source_rewind(struct top_source *source)
{
	source->next = 0;
	return NULL;
}

const char *top_source_end_text(const struct top_source *source)
{
	return source->end_text;
}

const char *const *top_source_losses(const struct top_source *source)
{
	return target_losses(source->target);
}
