#include "capture/capture_loop.h"

#include <string.h>
#include <time.h>

#include "capture/file_retention.h"
#include "capture/interrupt.h"
#include "capture/left_behind.h"
#include "capture/output_pattern.h"
#include "capture/proc.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define NS_PER_SECOND UINT64_C(1000000000)
/* Signals are looked for so often. */
#define SLEEP_NS (100 * 1000 * 1000ULL)
/* A thread that could not be stopped stands for so long after it wakes up. */
#define SETTLE_NS (5 * 1000 * 1000ULL)

struct loop {
	const struct capture_options *options;
	const struct capture_events *events;
	struct capture_loop_counts *counts;
	struct file_retention retention;
	/* Those that were meant; a number can be another process's by the next period. */
	struct process_facts *processes;
	size_t process_count;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t period; /* the next one */
	char *last_name; /* by the pattern */
};

static void loop_deinit(struct loop *loop)
{
	file_retention_deinit(&loop->retention);
	for (size_t i = 0; i < loop->process_count; i++)
		process_facts_deinit(&loop->processes[i]);
	free(loop->processes);
	free(loop->last_name);
}

static struct error *note_processes(struct loop *loop)
{
	const struct id_list *pids = &loop->options->pids;
	loop->processes = calloc(pids->count, sizeof(*loop->processes));
	if (!loop->processes)
		return &error_out_of_memory;
	for (size_t i = 0; i < pids->count; i++) {
		struct process_facts *facts = &loop->processes[loop->process_count];
		struct error *error = proc_relative(pids->items[i], facts);
		if (error)
			return error;
		loop->process_count++;
	}
	return NULL;
}

/* The numbers of those that are there still. */
static struct error *living(const struct loop *loop, struct id_list *ret)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < loop->process_count; i++)
		if (proc_is_same(&loop->processes[i]))
			error = id_list_append(ret, loop->processes[i].pid);
	return error;
}

/* True if there is nothing to wait for any more: a signal, or the end of the duration. */
static bool is_over(const struct loop *loop)
{
	return interrupt_signal() || process_capture_now_ns() >= loop->end_ns;
}

static void sleep_until(uint64_t due_ns)
{
	uint64_t now = process_capture_now_ns();
	uint64_t longest_ns = left_behind_settle() ? SETTLE_NS : SLEEP_NS;
	if (now >= due_ns)
		return;
	uint64_t next = due_ns - now > longest_ns ? now + longest_ns : due_ns;
	const struct timespec until = {
		.tv_sec = (time_t)(next / NS_PER_SECOND),
		.tv_nsec = (long)(next % NS_PER_SECOND),
	};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Until the next period, or until a sample is asked for. False if the loop is over. */
static bool wait_for_period(struct loop *loop)
{
	uint64_t every_ns = loop->options->every_ns;
	uint64_t passed = (process_capture_now_ns() - loop->begin_ns) / every_ns;
	if (passed > loop->period) {
		loop->counts->late += passed - loop->period;
		loop->period = passed;
	}
	uint64_t due_ns = loop->begin_ns + loop->period * every_ns;
	while (!is_over(loop)) {
		if (process_capture_now_ns() >= due_ns) {
			loop->period++;
			return true;
		}
		if (interrupt_requested())
			return true;
		sleep_until(due_ns < loop->end_ns ? due_ns : loop->end_ns);
	}
	return false;
}

/*
 * The name of the next file. A sample that was asked for, and a clock that was set back, can come
 * before the name is another one: then it is waited for. NULL if the loop is over before.
 */
static struct error *next_name(struct loop *loop, char **ret)
{
	const char *pattern = loop->options->output;
	while (!is_over(loop)) {
		char *name = output_pattern_expand(pattern, clock_ns(CLOCK_REALTIME),
						   loop->options->pids.items[0]);
		if (!name)
			return &error_out_of_memory;
		if (!loop->last_name || strcmp(name, loop->last_name) != 0) {
			*ret = name;
			return NULL;
		}
		free(name);
		sleep_until(process_capture_now_ns() + SLEEP_NS / 10);
	}
	*ret = NULL;
	return NULL;
}

static struct error *keep_within_bounds(struct loop *loop, const char *path)
{
	struct error *error = path ? file_retention_add(&loop->retention, path) : NULL;
	if (error)
		return error;
	error = file_retention_trim(&loop->retention);
	if (error && error->code == ERROR_IO) {
		loop->events->failed(loop->events->context, error);
		error_destroy(error);
		error = NULL;
	}
	return error;
}

/* Consumes `error`. */
static struct error *count_failure(struct loop *loop, struct error *error)
{
	bool first = !loop->counts->files && !loop->counts->failed;
	if (interrupt_signal()) {
		error_destroy(error);
		return NULL;
	}
	if (error->code == ERROR_OUT_OF_MEMORY || (first && error->code != ERROR_BUSY))
		return error;
	loop->counts->failed++;
	loop->events->failed(loop->events->context, error);
	error_destroy(error);
	return NULL;
}

static struct error *take(struct loop *loop, const struct id_list *pids)
{
	CLEANUP(capture_report_deinit) struct capture_report report = {0};
	CLEANUP_FREE char *name = NULL;
	struct capture_options options = *loop->options;
	struct error *error = options.output ? next_name(loop, &name) : NULL;
	if (error || (options.output && !name))
		return error;
	options.pids = *pids;
	options.output = name;
	error = capture_run(&options, loop->events, &report);
	if (error)
		return count_failure(loop, error);
	loop->counts->files++;
	loop->events->written(loop->events->context, &report);
	free(loop->last_name);
	loop->last_name = TAKE_POINTER(name);
	return keep_within_bounds(loop, report.output);
}

/* One period. `ret_more` is false if no process is there any more. */
static struct error *do_period(struct loop *loop, bool *ret_more)
{
	CLEANUP(id_list_deinit) struct id_list pids = {0};
	struct error *error = living(loop, &pids);
	*ret_more = pids.count > 0;
	return error || !pids.count ? error : take(loop, &pids);
}

struct error *capture_loop_run(const struct capture_options *options,
			       const struct capture_events *events, struct capture_loop_counts *ret)
{
	uint64_t now = process_capture_now_ns();
	CLEANUP(loop_deinit)
	struct loop loop = {
		.options = options,
		.events = events,
		.counts = ret,
		.retention = {.keep = options->keep, .keep_bytes = options->keep_bytes},
		.begin_ns = now,
		.end_ns = options->duration_ns < UINT64_MAX - now ? now + options->duration_ns
								  : UINT64_MAX,
	};
	*ret = (struct capture_loop_counts){0};
	interrupt_take_requests();
	struct error *error = note_processes(&loop);
	bool more = true;
	while (!error && more && ret->files < options->count && wait_for_period(&loop))
		error = do_period(&loop, &more);
	if (!error && interrupt_signal())
		interrupt_accept();
	return error;
}
