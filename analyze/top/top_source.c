#include "analyze/top/top_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/input.h"
#include "analyze/live_capture.h"
#include "analyze/live_options.h"
#include "analyze/native/native_decoders.h"
#include "analyze/process_choice.h"
#include "analyze/python/decode.h"
#include "analyze/python/incremental_decode.h"
#include "analyze/thread_filter.h"
#include "analyze/top/top_ended.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "formats/snapshot_forward.h"

enum { END_TEXT_SIZE = 160, LIVE_NAME_SIZE = 64 };

/* A stream whose last sample is older than this is not of a process that runs now. */
#define LIVE_NS UINT64_C(15000000000)

struct top_source {
	const struct analyze_options *options;
	const char *path;
	int fd; /* of a stream; -1: a file */
	struct live_arguments arguments;
	struct live_capture *capture; /* NULL: not live */
	char live_name[LIVE_NAME_SIZE];
	struct target *target;
	struct incremental_decoder *decoder;
	struct native_decoders natives; /* with --native */
	struct decoded_process decoded;
	struct model_process native; /* the sample, with --native */
	struct thread_filter threads;
	uint64_t last_ns;	   /* wall clock of the last sample */
	struct process_facts last; /* of the last sample, as much as tells whether it has ended */
	bool has_sample;
	bool ended;
	char end_text[END_TEXT_SIZE];
};

/* A decoder knows one target only. */
static struct error *make_decoder(struct top_source *source)
{
	const struct incremental_options options = {.exhaustive = source->options->exhaustive};
	incremental_decoder_destroy(source->decoder);
	native_decoders_deinit(&source->natives);
	source->decoder = NULL;
	return incremental_decoder_create(&options, &source->decoder);
}

static struct error *open_file(struct top_source *source)
{
	target_destroy(source->target);
	source->target = NULL;
	source->has_sample = false;
	source->ended = false;
	return input_open_forward(source->options, source->path, &source->target);
}

static struct error *open_stream(struct top_source *source)
{
	const struct target_options options = input_target_options(source->options);
	const char *name = input_name(source->path);
	if (isatty(STDIN_FILENO))
		return error_create(ERROR_USAGE,
				    "standard input is a terminal; it should be what pyspy-capture "
				    "-o - writes");
	source->fd = STDIN_FILENO;
	return target_open_stream(source->fd, name, &options, &source->target);
}

/* What it says is collected, and what a command says is not shown: the screen is not theirs. */
static struct error *open_live(struct top_source *source)
{
	const struct target_options options = input_target_options(source->options);
	live_name(source->options, source->live_name, sizeof(source->live_name));
	source->path = source->live_name;
	struct error *error = live_arguments_make(source->options, true, &source->arguments);
	if (!error)
		error = live_capture_start(source->arguments.words, LIVE_OUTPUT_SCREEN,
					   &source->capture);
	if (error)
		return error;
	source->fd = live_capture_fd(source->capture);
	return target_open_stream(source->fd, source->live_name, &options, &source->target);
}

static struct error *open_any(struct top_source *source)
{
	if (live_wanted(source->options))
		return open_live(source);
	source->path = source->options->inputs.items[0];
	return strcmp(source->path, "-") == 0 ? open_stream(source) : open_file(source);
}

struct error *top_source_open(const struct analyze_options *options, struct top_source **ret)
{
	CLEANUP(top_source_destroyp) struct top_source *source = calloc(1, sizeof(*source));
	if (!source)
		return &error_out_of_memory;
	source->options = options;
	source->threads = (struct thread_filter){.ids = &options->tids};
	source->fd = -1;
	struct error *error = open_any(source);
	if (!error)
		error = make_decoder(source);
	if (!error)
		*ret = TAKE_POINTER(source);
	return error;
}

void top_source_destroyp(struct top_source **source)
{
	if (!*source)
		return;
	thread_filter_deinit(&(*source)->threads);
	process_facts_deinit(&(*source)->last);
	model_process_deinit(&(*source)->native);
	incremental_decoder_destroy((*source)->decoder);
	native_decoders_deinit(&(*source)->natives);
	target_destroy((*source)->target);
	live_capture_destroy((*source)->capture);
	live_arguments_deinit(&(*source)->arguments);
	free(*source);
	*source = NULL;
}

bool top_source_is_replay(const struct top_source *source)
{
	return source->fd < 0;
}

double top_source_part(const struct top_source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	uint64_t size = snapshot ? snapshot_size_bytes(snapshot) : 0;
	if (source->ended || !size)
		return 1;
	return (double)snapshot_position_bytes(snapshot) / (double)size;
}

int top_source_fd(const struct top_source *source)
{
	return source->ended ? -1 : source->fd;
}

/* What comes from a file does not end because of a process. */
static bool is_live(const struct top_source *source)
{
	return source->fd >= 0 && source->has_sample &&
	       source->last_ns + LIVE_NS > clock_ns(CLOCK_REALTIME);
}

/* That the process is there no more is the better reason. */
static void describe_end(struct top_source *source)
{
	if (is_live(source) && top_process_has_ended(&source->last))
		snprintf(source->end_text, sizeof(source->end_text), "process %d ended",
			 (int)source->last.pid);
	else
		snprintf(source->end_text, sizeof(source->end_text), "end of %s",
			 input_name(source->path));
}

/* What the target has of it does not last until the end of the stream is known. */
static struct error *remember(struct top_source *source)
{
	const struct process_facts *facts = target_process(source->target);
	source->last_ns = top_source_time(source);
	if (source->has_sample && source->last.pid == facts->pid &&
	    source->last.start_ticks == facts->start_ticks)
		return NULL;
	struct process_facts copy;
	struct error *error = process_facts_copy(facts, &copy);
	if (error)
		return error;
	process_facts_deinit(&source->last);
	source->last = copy;
	source->has_sample = true;
	return NULL;
}

/* Also what comes behind an error about one sample. */
static struct error *advance(struct top_source *source, enum snapshot_status *ret)
{
	struct error *error = target_try_next(source->target, ret);
	bool is_over = error ? !target_can_go_on(source->target) : *ret == SNAPSHOT_ENDED;
	if (is_over && source->capture && !source->has_sample) {
		int status = 0;
		source->ended = true;
		struct error *failure = live_capture_end(source->capture, &status);
		if (!failure && (status || source->options->live_command))
			failure = live_capture_failure(source->capture);
		if (failure) {
			error_destroy(error);
			return failure;
		}
	}
	if (error && !source->has_sample && !target_can_go_on(source->target))
		return input_error(source->path, error);
	return error;
}

struct error *top_source_next(struct top_source *source, enum top_arrival *ret)
{
	enum snapshot_status status = SNAPSHOT_ENDED;
	do {
		struct error *error = source->ended ? NULL : advance(source, &status);
		if (!error && status == SNAPSHOT_SAMPLE)
			error = remember(source);
		if (error)
			return error;
	} while (status == SNAPSHOT_SAMPLE && !process_is_chosen(source->options, source->target));
	if (status == SNAPSHOT_ENDED && !source->ended) {
		describe_end(source);
		source->ended = true;
	}
	*ret = status == SNAPSHOT_SAMPLE ? TOP_ARRIVED
	       : status == SNAPSHOT_WAIT ? TOP_NOT_YET
					 : TOP_NO_MORE;
	return NULL;
}

int top_source_command_end(struct top_source *source)
{
	int status = 0;
	if (!source->capture || !source->options->live_command || !source->ended)
		return 0;
	error_destroy(live_capture_end(source->capture, &status));
	if (status)
		live_capture_print(source->capture);
	return status;
}

bool top_source_has_sample(const struct top_source *source)
{
	return source->has_sample;
}

bool top_source_can_go_on(const struct top_source *source)
{
	return target_can_go_on(source->target);
}

uint64_t top_source_time(struct top_source *source)
{
	return target_time_ns(source->target);
}

/* Native stacks are unwound anew in each sample. */
static struct error *decode_native(struct top_source *source, struct top_sample *ret)
{
	const struct analyze_options *options = source->options;
	const struct decode_options decode = {.exhaustive = options->exhaustive};
	const struct native_options native = input_native_options(options);
	model_process_deinit(&source->native);
	source->native = (struct model_process){0};
	ret->process = &source->native;
	struct error *error = decode_process(source->target, &decode, &source->native);
	return error ? error
		     : native_decoders_run(&source->natives, source->target, &native,
					   &source->native);
}

static struct error *decode_python(struct top_source *source, struct decoded_process *decoded,
				   struct top_sample *ret)
{
	struct error *error = incremental_decode(source->decoder, source->target, decoded);
	ret->process = decoded->process;
	ret->decoded = decoded;
	return error;
}

struct error *top_source_decode(struct top_source *source, struct top_sample *ret)
{
	const struct analyze_options *options = source->options;
	bool wanted;
	*ret = (struct top_sample){
		.filter = &source->threads,
		.lines = input_lines(options),
	};
	struct error *error = options->native ? decode_native(source, ret)
					      : decode_python(source, &source->decoded, ret);
	return error ? error : thread_filter_look(&source->threads, ret->process, &wanted);
}

struct sample_counts top_source_counts(struct top_source *source)
{
	struct snapshot *snapshot = target_snapshot(source->target);
	struct snapshot_statistics statistics = {0};
	if (snapshot)
		snapshot_statistics(snapshot, &statistics);
	return statistics.counts;
}

struct error *top_source_rewind(struct top_source *source)
{
	struct error *error = open_file(source);
	return error ? error : make_decoder(source);
}

struct error *top_source_missing(const struct top_source *source)
{
	return thread_filter_missing(&source->threads);
}

const char *top_source_end_text(const struct top_source *source)
{
	return source->end_text;
}

const char *const *top_source_losses(const struct top_source *source)
{
	return target_losses(source->target);
}
