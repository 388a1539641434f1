#include "capture/process_capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/freeze.h"
#include "capture/interrupt.h"
#include "capture/left_behind.h"
#include "capture/names_pass.h"
#include "capture/proc.h"
#include "capture/sample.h"
#include "common/cleanup.h"
#include "common/clock.h"

#define NS_PER_MS 1000000ULL

/* Between two looks at a process that is starting. */
#define RETRY_NS (20 * NS_PER_MS)
/* Between two full looks at whether a process is the same, in a run. */
#define CHECK_NS (1000 * NS_PER_MS)
/* A thread can be in an uninterruptible system call, waiting for a disk. */
#define STOP_DEADLINE_NS (1000 * NS_PER_MS)
/* In a run that has samples: one more is not worth holding the other threads for so long. */
#define RUN_STOP_DEADLINE_NS (250 * NS_PER_MS)

uint64_t process_capture_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

const char *capture_phase_name(enum capture_phase phase)
{
	static const char *const names[] = {
		[PHASE_LOOK] = "look",
		[PHASE_LOCATE] = "locate",
		[PHASE_SAMPLE] = "sample",
		[PHASE_WRITE] = "write",
	};
	return names[phase];
}

void process_report_deinit(struct process_report *report)
{
	free(report->warning);
	free(report->not_located);
	free(report->module_path);
	*report = (struct process_report){0};
}

static void forget_sampler(struct process_capture *process)
{
	sampler_destroy(process->sampler);
	process->sampler = NULL;
	freezer_destroy(process->freezer);
	process->freezer = NULL;
	process->native.freezer = NULL;
	thread_watch_destroy(process->watch);
	process->watch = NULL;
}

static void forget_attempt(struct process_capture *process)
{
	subject_release(process->subject);
	process->subject = NULL;
	thread_list_deinit(&process->threads);
	process->threads = (struct thread_list){0};
	memory_image_destroy(process->image);
	process->image = NULL;
	full_memory_destroy(process->full);
	process->full = NULL;
	native_pass_deinit(&process->native);
	names_pass_deinit(&process->names);
	forget_sampler(process);
	free(process->report.warning);
	process->report.warning = NULL;
	process->report.located = false;
	process->changed = false;
	process->mapped_pages = 0;
}

void process_capture_deinit(struct process_capture *process)
{
	forget_attempt(process);
	process_report_deinit(&process->report);
}

__attribute__((format(printf, 2, 3))) static struct error *warn(struct process_capture *process,
								const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text;
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	free(process->report.warning);
	process->report.warning = text;
	return NULL;
}

/*
 * Whether another look may find what this one did not. An error that is about a version that has no
 * layout stays.
 */
static bool may_pass(const struct process_capture *process, const struct error *error)
{
	if (error->code == ERROR_UNSUPPORTED && process->subject) {
		struct python_version version = process->subject->location.version;
		return version.major && python_layout_find(version, false, false) != NULL;
	}
	return (process->named && error->code == ERROR_NOT_PYTHON) || error->code == ERROR_BUSY;
}

static bool may_retry(const struct process_capture *process, const struct error *error)
{
	return !interrupt_signal() && may_pass(process, error) &&
	       process_capture_now_ns() < process->deadline_ns;
}

/* What was asked for by name is captured whatever the process is. Consumes `error`. */
static struct error *without_python(struct process_capture *process, struct error *error)
{
	free(process->report.not_located);
	process->report.not_located = strdup(error->message);
	error_destroy(error);
	return process->report.not_located ? NULL : &error_out_of_memory;
}

/*
 * Nothing was located. What is some Python all the same is captured in full, for an analyzer that
 * knows it; what shows no sign of being one is an error, because gigabytes of another program's
 * memory are not what was asked for. Consumes `error`.
 */
static struct error *fall_back(struct process_capture *process, struct error *error,
			       enum capture_level *ret)
{
	char name[SUBJECT_NAME_SIZE];
	const char *hint = subject_python_hint(process->subject);
	bool wait_hint = process->named && process->options->wait_ns == 0;
	subject_name(process->subject, name);
	if (error->code == ERROR_BUSY)
		return error_prefix(error, "%s%s", name, wait_hint ? " (try --wait 10)" : "");
	bool is_python = error->code == ERROR_UNSUPPORTED || hint;
	if (error->code != ERROR_NOT_PYTHON && error->code != ERROR_UNSUPPORTED)
		return error;
	process->no_python = !is_python;
	if (!is_python)
		return error_prefix(error, "%s is no Python process", name);
	/* Who writes nothing has no use for what only another analyzer can read. */
	if (!process->output)
		return error_prefix(error, "%s", name);
	if (process->options->nonblocking)
		return error_prefix(error,
				    "%s: its stacks cannot be found, and all its memory cannot be "
				    "captured with --nonblocking",
				    name);
	if (process->options->run)
		return error_prefix(error,
				    "%s: its Python could not be read, and a run takes stacks "
				    "only; without --rate, --duration and --count all its memory "
				    "is captured",
				    name);
	struct error *failure =
		warn(process,
		     "%s: its Python could not be read, so all its memory was "
		     "captured instead (level full): %s%s%s",
		     name, error->message, hint ? "; it has " : "", hint ? hint : "");
	error_destroy(error);
	*ret = LEVEL_FULL;
	return failure;
}

/* Find the interpreter, and decide what to capture. */
static struct error *locate(struct process_capture *process, enum capture_level *ret,
			    bool *ret_fallback)
{
	uint64_t begin_ns = process_capture_now_ns();
	struct error *error = subject_locate(process->subject, process->options->exhaustive);
	process->report.phase_ns[PHASE_LOCATE] += process_capture_now_ns() - begin_ns;
	*ret = process->options->level;
	*ret_fallback = false;
	if (!error)
		return NULL;
	if (error->code == ERROR_OUT_OF_MEMORY || may_retry(process, error))
		return error;
	if (process->options->level == LEVEL_FULL)
		return without_python(process, error);
	*ret_fallback = true;
	return fall_back(process, error, ret);
}

static struct error *make_sampler(struct process_capture *process, enum capture_level level)
{
	const struct sample_options options = {
		.pid = process->pid,
		.memory = process->subject->memory,
		.location = &process->subject->location,
		.threads = &process->threads,
		.freezer = process->freezer,
		.nonblocking = process->options->nonblocking,
		.level = level,
		.watch = process->watch,
		.spread_ns = capture_period_ns(process->options) / 2,
		.native = process->options->native ? &process->native : NULL,
	};
	process->native = (struct native_pass){
		.mappings = &process->subject->mappings,
		.memory = process->subject->memory,
		.freezer = process->freezer,
		.threads = &process->threads,
	};
	return sampler_create(&options, &process->sampler);
}

static struct error *sample_ranges(struct process_capture *process)
{
	struct memory *memory = process->subject->memory;
	const struct python_location *location = &process->subject->location;
	bool native = process->options->native;
	uint64_t generation = process->watch ? thread_watch_generation(process->watch) : 0;
	struct error *error = names_pass_before(&process->names, memory, location, generation);
	if (!error)
		error = sampler_take(process->sampler, &process->image, &process->report.sample);
	bool same_threads = !error && process->watch && names_pass_are_kept(&process->names) &&
			    thread_watch_generation(process->watch) == generation &&
			    thread_watch_is_same(process->watch);
	if (!error)
		error = names_pass_after(&process->names, memory, location, process->image,
					 same_threads);
	if (!error && native)
		error = native_pass_put(&process->native, process->image);
	if (!error && native && process->native.missing)
		error = warn(process, "the native stacks of %zu threads could not be read",
			     process->native.missing);
	if (error)
		return error;
	process->report.ranges = memory_image_range_count(process->image);
	process->report.memory_bytes = memory_image_size_bytes(process->image);
	return NULL;
}

static struct error *sample_level_full(struct process_capture *process)
{
	const struct full_memory_options options = {
		.pid = process->pid,
		.freezer = process->freezer,
		.memory = process->subject->memory,
		.output_path = capture_output_spool_path(process->output),
		.location = process->subject->located ? &process->subject->location : NULL,
	};
	struct error *error = full_memory_capture(&options, &process->threads, &process->full);
	if (error)
		return error;
	struct full_memory_size size = full_memory_size(process->full);
	process->report.sample = *full_memory_sample(process->full);
	process->report.ranges = size.ranges;
	process->report.memory_bytes = size.bytes;
	if (size.unreadable && !process->report.warning)
		return warn(process, "%llu KiB of the memory could not be read",
			    (unsigned long long)(size.unreadable / 1024));
	return NULL;
}

/* In a run they are watched from sample to sample. */
static struct error *look_at_threads(struct process_capture *process)
{
	struct error *error = NULL;
	if (!process->options->run)
		return proc_threads(process->pid, &process->threads);
	if (!process->watch)
		error = thread_watch_create(process->pid, &process->watch);
	return error ? error : thread_watch_update(process->watch, &process->threads);
}

static struct error *take_sample(struct process_capture *process, enum capture_level level)
{
	const struct freezer_options options = {
		.pid = process->pid,
		.deadline_ns = STOP_DEADLINE_NS,
	};
	struct error *error = look_at_threads(process);
	if (!error && !process->options->nonblocking)
		error = freezer_create(&options, &process->freezer);
	if (!error && level == LEVEL_FULL)
		return sample_level_full(process);
	if (!error)
		error = make_sampler(process, level);
	return error ? error : sample_ranges(process);
}

static struct error *sample(struct process_capture *process, enum capture_level level)
{
	struct error *error = take_sample(process, level);
	if (!error && process->options->gil)
		error = sampler_only_gil(process->sampler);
	if (error || !process->options->run)
		forget_sampler(process);
	return error;
}

/*
 * Was it one and the same program all the time? What was copied of another is not what the facts
 * say. A failure, too, can come from the process having ended: then that is the reason to tell.
 * Consumes `error`.
 */
static struct error *check_unchanged(struct process_capture *process, struct error *error)
{
	char name[SUBJECT_NAME_SIZE];
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	/* A full copy is whole even if the process has ended since. */
	enum subject_change change =
		process->full
			? subject_compare(process->subject, full_memory_mappings(process->full))
			: subject_check(process->subject);
	if (change == SUBJECT_SAME || (change == SUBJECT_ENDED && process->full && !error))
		return error;
	error_destroy(error);
	subject_name(process->subject, name);
	if (change == SUBJECT_ENDED)
		return error_create(ERROR_NO_PROCESS, "%s ended while it was captured", name);
	process->changed = true;
	return error_create(ERROR_BUSY,
			    "%s began to run another program (execve) while it was "
			    "captured; try again",
			    name);
}

/*
 * The same, from sample to sample: as long as the program's memory is in use, it is the same
 * program. A child of vfork(2) has its parent's, which outlives its own execve(2); so all is
 * looked at now and then.
 */
static struct error *check_again(struct process_capture *process, struct error *error)
{
	uint64_t now = process_capture_now_ns();
	if (!error && now - process->checked_ns < CHECK_NS && subject_image_lives(process->subject))
		return NULL;
	process->checked_ns = now;
	process->mapped_pages = 0;
	return check_unchanged(process, error);
}

static struct error *look(struct process_capture *process)
{
	uint64_t begin_ns = process_capture_now_ns();
	struct error *error = subject_look(process->pid, &process->subject);
	process->report.phase_ns[PHASE_LOOK] += process_capture_now_ns() - begin_ns;
	process->report.looks++;
	if (!error && process->start_ticks &&
	    process->subject->facts.start_ticks != process->start_ticks)
		error = error_create(ERROR_NO_PROCESS,
				     "process %d ended, and another one has its number now",
				     (int)process->pid);
	if (error && error->code == ERROR_NO_PROCESS && process->report.looks > 1)
		return error_prefix(error, "while waiting for Python to start");
	if (!error && process->options->output)
		error = capture_output_open(process->output, process->subject);
	return error;
}

/* Look, locate, sample: everything before the first byte is written. */
static struct error *attempt(struct process_capture *process)
{
	enum capture_level level;
	bool fallback;
	struct error *error = look(process);
	if (!error)
		error = locate(process, &level, &fallback);
	if (error)
		return process->subject ? check_unchanged(process, error) : error;
	if (process->output)
		error = capture_output_open(process->output, process->subject);
	if (error)
		return error;
	uint64_t begin_ns = process_capture_now_ns();
	error = check_unchanged(process, sample(process, level));
	process->report.phase_ns[PHASE_SAMPLE] = process_capture_now_ns() - begin_ns;
	process->report.sample.fallback = fallback;
	return error;
}

/* Attempts until one succeeds, fails for good, or the time is over. */
static struct error *attempt_until_deadline(struct process_capture *process)
{
	bool repeated = false;
	for (;;) {
		struct error *error = attempt(process);
		if (!error)
			return NULL;
		bool again = process->changed && !repeated;
		if (again)
			repeated = true;
		else if (!may_retry(process, error))
			return error;
		error_destroy(error);
		forget_attempt(process);
		if (!again)
			nanosleep(&(struct timespec){.tv_nsec = (long)RETRY_NS}, NULL);
		left_behind_settle();
	}
}

static struct error *fill_report(struct process_capture *process)
{
	const struct python_location *location = &process->subject->location;
	struct process_report *report = &process->report;
	report->pid = process->pid;
	report->thread_count = process->threads.count;
	report->was_stopped = process->subject->facts.was_stopped;
	report->located = process->subject->located;
	if (!process->subject->located)
		return NULL;
	report->method = locate_method_name(location->method);
	report->version = location->version;
	if (!location->module_path)
		return NULL;
	report->module_path = strdup(location->module_path);
	return report->module_path ? NULL : &error_out_of_memory;
}

struct error *process_capture_run(struct process_capture *process)
{
	struct error *error = attempt_until_deadline(process);
	if (error)
		return error;
	process->subject->facts.capture_time_ns = process->report.sample.time_ns;
	process->subject->facts.only_gil = process->options->gil;
	return fill_report(process);
}

/* Who maps code changes how much is mapped; to read all mappings takes many times longer. */
bool process_capture_has_other_code(struct process_capture *process)
{
	struct proc_pages pages;
	if (!process->options->native || !proc_pages(process->pid, &pages) ||
	    pages.mapped == process->mapped_pages)
		return false;
	process->mapped_pages = pages.mapped;
	return subject_has_other_code(process->subject);
}

struct error *process_capture_again(struct process_capture *process)
{
	uint64_t begin_ns = process_capture_now_ns();
	memory_image_destroy(process->image);
	process->image = NULL;
	if (process->freezer)
		freezer_set_deadline(process->freezer, RUN_STOP_DEADLINE_NS);
	struct error *error = look_at_threads(process);
	if (!error)
		error = sample_ranges(process);
	error = check_again(process, error);
	process->report.phase_ns[PHASE_SAMPLE] = process_capture_now_ns() - begin_ns;
	process->report.thread_count = process->threads.count;
	return error;
}

void process_capture_settle(struct process_capture *process)
{
	if (process->freezer)
		freezer_settle(process->freezer);
}

void process_capture_forget(struct process_capture *process)
{
	forget_attempt(process);
}

struct error *process_capture_anew(struct process_capture *process)
{
	forget_attempt(process);
	process_report_deinit(&process->report);
	return process_capture_run(process);
}

struct snapshot_content process_capture_content(struct process_capture *process)
{
	const struct subject *subject = process->subject;
	struct full_memory *full = process->full;
	return (struct snapshot_content){
		.process = &subject->facts,
		.mappings = full ? full_memory_mappings(full) : &subject->mappings,
		.modules = full ? full_memory_modules(full) : &subject->modules,
		.location = subject->located ? &subject->location : NULL,
		.threads = &process->threads,
		.image = process->image,
		.full = full,
		.sample = &process->report.sample,
		.native = process->options->native ? &process->native : NULL,
	};
}
