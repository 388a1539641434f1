#include "capture/output_series.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/interrupt.h"
#include "capture/output_pattern.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define NS_PER_SECOND UINT64_C(1000000000)

/* A new file that cannot be made is tried again after this. */
#define ATTEMPT_NS (NS_PER_SECOND / 5)
#define TRIM_NS	   NS_PER_SECOND
/* What a file's end takes. */
#define END_BYTES 1024

static pid_t first_pid(const struct output_series *series)
{
	return series->options->pids.items[0];
}

struct error *output_series_init(struct output_series *series,
				 const struct capture_options *options,
				 struct capture_output *output)
{
	series->options = options;
	series->output = output;
	series->files = 1;
	series->retention.keep = options->keep;
	series->retention.keep_bytes = options->keep_bytes;
	interrupt_take_requests();
	if (!options->output_is_pattern)
		return NULL;
	series->first_name =
		output_pattern_expand(options->output, clock_ns(CLOCK_REALTIME), first_pid(series));
	output->wanted = series->first_name;
	return series->first_name ? NULL : &error_out_of_memory;
}

void output_series_deinit(struct output_series *series)
{
	file_retention_deinit(&series->retention);
	free(series->first_name);
	free(series->name_before);
	free(series->pattern);
}

static bool is_stream(const struct output_series *series)
{
	return series->options->output && strcmp(series->options->output, "-") == 0;
}

/* A name that was made, PROGRAM-PID-TIME.zst, has no dash in its time. */
static char *pattern_of_default(const char *name)
{
	const char *dash = strrchr(name, '-');
	char *result;
	if (asprintf(&result, "%.*s.zst", dash ? (int)(dash - name) : 0, name) < 0)
		return NULL;
	char *pattern = output_pattern_with_time(result);
	free(result);
	return pattern;
}

static struct error *need_pattern(struct output_series *series)
{
	const struct capture_options *options = series->options;
	if (series->pattern)
		return NULL;
	if (!options->output)
		series->pattern = pattern_of_default(series->output->name);
	else if (options->output_is_pattern)
		series->pattern = strdup(options->output);
	else
		series->pattern = output_pattern_with_time(options->output);
	return series->pattern ? NULL : &error_out_of_memory;
}

/* Consumes `error`. */
static struct error *tell(struct output_series *series, struct error *error)
{
	if (!error || error->code == ERROR_OUT_OF_MEMORY)
		return error;
	series->failed(series->context, error);
	error_destroy(error);
	return NULL;
}

static struct error *trim(struct output_series *series)
{
	return tell(series, file_retention_trim(&series->retention));
}

/* Once the present file has a sample it has its name, too. */
static struct error *list_present(struct output_series *series)
{
	uint64_t now = process_capture_now_ns();
	struct error *error = NULL;
	if (!series->listed)
		error = file_retention_add(&series->retention, series->output->name);
	if (!error && (!series->listed || now >= series->trim_ns)) {
		series->trim_ns = now + TRIM_NS;
		error = trim(series);
	}
	series->listed = true;
	return error;
}

/* Of periods that have passed altogether only the last one counts. */
static bool is_period_over(struct output_series *series)
{
	uint64_t now = process_capture_now_ns();
	if (series->options->every_ns == UINT64_MAX)
		return false;
	if (!series->begin_ns)
		series->begin_ns = now;
	uint64_t period = (now - series->begin_ns) / series->options->every_ns;
	if (period == series->period)
		return false;
	series->period = period;
	return true;
}

/* Before the file is too large: what is on its way is as much as came at once before. */
static bool is_full(struct output_series *series, const struct run *run)
{
	uint64_t bytes = run_file_bytes(run);
	if (bytes - series->seen_bytes > series->growth_bytes)
		series->growth_bytes = bytes - series->seen_bytes;
	series->seen_bytes = bytes;
	return bytes + 2 * series->growth_bytes + END_BYTES > series->options->max_bytes;
}

static void forget_present(struct output_series *series)
{
	free(series->name_before);
	series->name_before = TAKE_POINTER(series->output->name);
	series->asked = series->listed = series->is_broken = false;
	series->seen_bytes = series->growth_bytes = 0;
	series->attempt_ns = 0;
}

/* What cannot be made now is tried again later. Until then the run goes on in the present file. */
static struct error *postpone(struct output_series *series, struct error *error)
{
	bool first = !series->attempt_ns;
	series->attempt_ns = process_capture_now_ns() + ATTEMPT_NS;
	if (first)
		return tell(series, error);
	error_destroy(error);
	return NULL;
}

static struct error *begin_next(struct output_series *series, struct run *run)
{
	struct output_file *file = NULL;
	struct error *error = need_pattern(series);
	if (error || process_capture_now_ns() < series->attempt_ns)
		return error;
	CLEANUP_FREE char *name =
		output_pattern_expand(series->pattern, clock_ns(CLOCK_REALTIME), first_pid(series));
	if (!name)
		return &error_out_of_memory;
	/* Asked for within what names tell apart: a moment later. */
	if (strcmp(name, series->output->name) == 0)
		return NULL;
	error = output_file_create(name, &file);
	if (error && error->code != ERROR_OUT_OF_MEMORY)
		return postpone(series, error);
	if (error)
		return error;
	forget_present(series);
	series->output->name = TAKE_POINTER(name);
	series->files++;
	run_begin_file(run, file);
	return NULL;
}

static struct error *tick(void *context, struct run *run, bool *ret_end)
{
	struct output_series *series = context;
	const struct capture_options *options = series->options;
	/* What is known of a file's size is not of the present one before it is there. */
	bool is_there = run_files(run) == series->files && run_file_samples(run);
	struct error *error = NULL;
	if (!series->is_broken && !is_there)
		return NULL;
	if (!series->is_broken)
		error = list_present(series);
	if (is_period_over(series) || (!is_stream(series) && interrupt_requested()))
		series->asked = true;
	if (!error && !series->is_broken && options->max_bytes != UINT64_MAX &&
	    is_full(series, run)) {
		series->asked = true;
		series->full = *ret_end =
			!options->output_is_pattern && options->every_ns == UINT64_MAX;
	}
	if (error || !series->asked || series->full)
		return error;
	/* A full disk has room again once what may go is gone. */
	if (series->is_broken)
		error = trim(series);
	return error ? error : begin_next(series, run);
}

/* The last file that was begun never came to be: the one before is the present one. */
static void take_back(struct output_series *series)
{
	if (!series->name_before)
		return;
	free(series->output->name);
	series->output->name = TAKE_POINTER(series->name_before);
	series->files--;
}

/* With periods, the next one may succeed. */
static struct error *file_failed(void *context, struct run *run, struct error *error)
{
	struct output_series *series = context;
	struct error *list_error = NULL;
	struct stat status;
	bool is_there = run_files(run) == series->files;
	/* Its name is all that there was room for. */
	if (is_there && !is_stream(series) && lstat(series->output->name, &status) == 0 &&
	    S_ISREG(status.st_mode) && status.st_size == 0)
		unlink(series->output->name);
	else if (is_there && !series->listed)
		list_error = file_retention_add(&series->retention, series->output->name);
	if (list_error) {
		error_destroy(error);
		return list_error;
	}
	if (!is_there)
		take_back(series);
	if (series->options->every_ns == UINT64_MAX || error->code == ERROR_OUT_OF_MEMORY ||
	    !series->begin_ns)
		return error;
	series->broken++;
	series->is_broken = true;
	return tell(series, error);
}

struct run_hooks output_series_hooks(struct output_series *series)
{
	return (struct run_hooks){
		.context = series,
		.tick = tick,
		.file_failed = file_failed,
	};
}

struct error *output_series_finish(struct output_series *series, const struct run *run)
{
	struct error *error = NULL;
	/* No sample came any more for the last one. */
	if (run_files(run) < series->files) {
		take_back(series);
		return trim(series);
	}
	if (!series->listed)
		error = file_retention_add(&series->retention, series->output->name);
	return error ? error : trim(series);
}
