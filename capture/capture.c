#include "capture/capture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capture/freeze.h"
#include "capture/full_memory.h"
#include "capture/interrupt.h"
#include "capture/names_pass.h"
#include "capture/proc.h"
#include "capture/sample.h"
#include "capture/snapshot_file.h"
#include "capture/subject.h"
#include "common/cleanup.h"
#include "common/output_file.h"

#define NS_PER_SECOND 1000000000ULL
#define NS_PER_MS     1000000ULL

/* Between two looks at a process that is starting. */
#define RETRY_NS (20 * NS_PER_MS)
/* A thread can be in an uninterruptible system call, waiting for a disk. */
#define STOP_DEADLINE_NS (1000 * NS_PER_MS)

struct job {
	const struct capture_options *options;
	struct capture_report report;
	struct output_file *output;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC: until then another look is worth it */
	/* Of one attempt: */
	struct subject subject;
	struct thread_list threads;
	struct memory_image *image; /* level stacks */
	struct full_memory *full;   /* level full */
	bool changed;		    /* failed because the process ran another program */
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
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

void capture_report_deinit(struct capture_report *report)
{
	free(report->output);
	free(report->warning);
	free(report->not_located);
	free(report->module_path);
	*report = (struct capture_report){0};
}

static void job_forget_attempt(struct job *job)
{
	subject_deinit(&job->subject);
	thread_list_deinit(&job->threads);
	job->threads = (struct thread_list){0};
	memory_image_destroy(job->image);
	job->image = NULL;
	full_memory_destroy(job->full);
	job->full = NULL;
	free(job->report.warning);
	job->report.warning = NULL;
	job->report.located = false;
	job->changed = false;
}

static void job_deinit(struct job *job)
{
	job_forget_attempt(job);
	output_file_destroy(job->output);
	capture_report_deinit(&job->report);
}

/* Before the target is disturbed: what is wrong with the name is known then. */
static struct error *open_output(struct job *job)
{
	if (job->output)
		return NULL;
	char *name = job->options->output ? strdup(job->options->output)
					  : subject_file_name(&job->subject);
	if (!name)
		return &error_out_of_memory;
	job->report.output = name;
	struct error *error = output_file_create(name, &job->output);
	if (error) {
		free(name);
		job->report.output = NULL;
	}
	return error;
}

__attribute__((format(printf, 2, 3))) static struct error *warn(struct job *job, const char *format,
								...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text;
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return &error_out_of_memory;
	free(job->report.warning);
	job->report.warning = text;
	return NULL;
}

/*
 * Whether another look may find what this one did not. An error that is about a version that has no
 * layout stays.
 */
static bool may_pass(const struct job *job, const struct error *error)
{
	const struct python_location *location = &job->subject.location;
	if (error->code == ERROR_UNSUPPORTED)
		return location->version.major &&
		       python_layout_find(location->version, false, false) != NULL;
	return error->code == ERROR_NOT_PYTHON || error->code == ERROR_BUSY;
}

static bool may_retry(const struct job *job, const struct error *error)
{
	return !interrupt_signal() && may_pass(job, error) && now_ns() < job->deadline_ns;
}

/* What was asked for by name is captured whatever the process is. Consumes `error`. */
static struct error *without_python(struct job *job, struct error *error)
{
	free(job->report.not_located);
	job->report.not_located = strdup(error->message);
	error_destroy(error);
	return job->report.not_located ? NULL : &error_out_of_memory;
}

/*
 * Nothing was located. What is some Python all the same is captured in full, for an analyzer that
 * knows it; what shows no sign of being one is an error, because gigabytes of another program's
 * memory are not what was asked for. Consumes `error`.
 */
static struct error *fall_back(struct job *job, struct error *error, enum capture_level *ret)
{
	char name[SUBJECT_NAME_SIZE];
	const char *hint = subject_python_hint(&job->subject);
	bool wait_hint = job->options->wait_ns == 0;
	subject_name(&job->subject, name);
	if (error->code == ERROR_BUSY)
		return error_prefix(error, "%s%s", name, wait_hint ? " (try --wait 10)" : "");
	bool is_python = error->code == ERROR_UNSUPPORTED || hint;
	if (error->code != ERROR_NOT_PYTHON && error->code != ERROR_UNSUPPORTED)
		return error;
	if (!is_python)
		return error_prefix(error, "%s is no Python process", name);
	if (job->options->nonblocking)
		return error_prefix(error,
				    "%s: its stacks cannot be found, and all its memory cannot be "
				    "captured with --nonblocking",
				    name);
	struct error *failure =
		warn(job,
		     "%s: its Python could not be read, so all its memory was "
		     "captured instead (level full): %s%s%s",
		     name, error->message, hint ? "; it has " : "", hint ? hint : "");
	error_destroy(error);
	*ret = LEVEL_FULL;
	return failure;
}

/* Find the interpreter, and decide what to capture. */
static struct error *locate(struct job *job, enum capture_level *ret, bool *ret_fallback)
{
	uint64_t begin_ns = now_ns();
	struct error *error = subject_locate(&job->subject, job->options->exhaustive);
	job->report.phase_ns[PHASE_LOCATE] += now_ns() - begin_ns;
	*ret = job->options->level;
	*ret_fallback = false;
	if (!error)
		return NULL;
	if (error->code == ERROR_OUT_OF_MEMORY || may_retry(job, error))
		return error;
	if (job->options->level == LEVEL_FULL)
		return without_python(job, error);
	*ret_fallback = true;
	return fall_back(job, error, ret);
}

static struct error *sample_level_stacks(struct job *job, struct freezer *freezer)
{
	const struct sample_options options = {
		.pid = job->options->pid,
		.memory = job->subject.memory,
		.location = &job->subject.location,
		.threads = &job->threads,
		.freezer = freezer,
		.nonblocking = job->options->nonblocking,
	};
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	struct error *error = memory_image_create(&job->image);
	if (!error)
		error = names_pass_before(options.memory, options.location, &names);
	if (!error)
		error = sample_stacks(&options, job->image, &job->report.sample);
	if (!error)
		error = names_pass_after(options.memory, options.location, &names, &job->image);
	if (error)
		return error;
	job->report.ranges = memory_image_range_count(job->image);
	job->report.memory_bytes = memory_image_size_bytes(job->image);
	return NULL;
}

/* Where to spool: beside the output, if it is to be a file. What is there already is a device or a
 * FIFO, in a folder that is not for files (/dev/full, /dev/fd/63). */
static const char *spool_path(const struct job *job)
{
	return access(job->report.output, F_OK) == 0 ? "-" : job->report.output;
}

static struct error *sample_level_full(struct job *job, struct freezer *freezer)
{
	const struct full_memory_options options = {
		.pid = job->options->pid,
		.freezer = freezer,
		.memory = job->subject.memory,
		.output_path = spool_path(job),
	};
	struct error *error = full_memory_capture(&options, &job->threads, &job->full);
	if (error)
		return error;
	struct full_memory_size size = full_memory_size(job->full);
	job->report.sample = *full_memory_sample(job->full);
	job->report.ranges = size.ranges;
	job->report.memory_bytes = size.bytes;
	if (size.unreadable && !job->report.warning)
		return warn(job, "%llu KiB of the memory could not be read",
			    (unsigned long long)(size.unreadable / 1024));
	return NULL;
}

static struct error *sample(struct job *job, enum capture_level level)
{
	CLEANUP(freezer_destroyp) struct freezer *freezer = NULL;
	const struct freezer_options options = {
		.pid = job->options->pid,
		.deadline_ns = STOP_DEADLINE_NS,
	};
	struct error *error = proc_threads(job->options->pid, &job->threads);
	if (!error && !job->options->nonblocking)
		error = freezer_create(&options, &freezer);
	if (error)
		return error;
	if (level == LEVEL_FULL)
		return sample_level_full(job, freezer);
	return sample_level_stacks(job, freezer);
}

/*
 * Was it one and the same program all the time? What was copied of another is not what the facts
 * say. A failure, too, can come from the process having ended: then that is the reason to tell.
 * Consumes `error`.
 */
static struct error *check_unchanged(struct job *job, struct error *error)
{
	char name[SUBJECT_NAME_SIZE];
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	/* A full copy is whole even if the process has ended since. */
	enum subject_change change =
		job->full ? subject_compare(&job->subject, full_memory_mappings(job->full))
			  : subject_check(&job->subject);
	if (change == SUBJECT_SAME || (change == SUBJECT_ENDED && job->full && !error))
		return error;
	error_destroy(error);
	subject_name(&job->subject, name);
	if (change == SUBJECT_ENDED)
		return error_create(ERROR_NO_PROCESS, "%s ended while it was captured", name);
	job->changed = true;
	return error_create(ERROR_BUSY,
			    "%s began to run another program (execve) while it was "
			    "captured; try again",
			    name);
}

static struct error *write_snapshot(struct job *job)
{
	uint64_t begin_ns = now_ns();
	job->subject.facts.capture_time_ns = job->report.sample.time_ns;
	const struct snapshot_content content = {
		.process = &job->subject.facts,
		.mappings = job->full ? full_memory_mappings(job->full) : &job->subject.mappings,
		.modules = job->full ? full_memory_modules(job->full) : &job->subject.modules,
		.location = job->subject.located ? &job->subject.location : NULL,
		.threads = &job->threads,
		.image = job->image,
		.full = job->full,
		.sample = &job->report.sample,
	};
	struct error *error = snapshot_file_write(job->output, &content);
	job->report.phase_ns[PHASE_WRITE] = now_ns() - begin_ns;
	return error;
}

static struct error *look(struct job *job)
{
	uint64_t begin_ns = now_ns();
	struct error *error = subject_look(job->options->pid, &job->subject);
	job->report.phase_ns[PHASE_LOOK] += now_ns() - begin_ns;
	job->report.looks++;
	if (error && error->code == ERROR_NO_PROCESS && job->report.looks > 1)
		return error_prefix(error, "while waiting for Python to start");
	if (!error && job->options->output)
		error = open_output(job);
	return error;
}

/* Look, locate, sample: everything before the first byte is written. */
static struct error *attempt(struct job *job)
{
	enum capture_level level;
	bool fallback;
	struct error *error = look(job);
	if (!error)
		error = locate(job, &level, &fallback);
	if (error)
		return job->subject.facts.pid ? check_unchanged(job, error) : error;
	error = open_output(job);
	if (error)
		return error;
	uint64_t begin_ns = now_ns();
	error = check_unchanged(job, sample(job, level));
	job->report.phase_ns[PHASE_SAMPLE] = now_ns() - begin_ns;
	job->report.sample.fallback = fallback;
	return error;
}

/* Attempts until one succeeds, fails for good, or the time is over. */
static struct error *attempt_until_deadline(struct job *job)
{
	bool repeated = false;
	for (;;) {
		struct error *error = attempt(job);
		if (!error)
			return NULL;
		bool again = job->changed && !repeated;
		if (again)
			repeated = true;
		else if (!may_retry(job, error))
			return error;
		error_destroy(error);
		job_forget_attempt(job);
		if (!again)
			nanosleep(&(struct timespec){.tv_nsec = (long)RETRY_NS}, NULL);
	}
}

static struct error *fill_report(struct job *job)
{
	const struct python_location *location = &job->subject.location;
	job->report.thread_count = job->threads.count;
	job->report.was_stopped = job->subject.facts.was_stopped;
	job->report.located = job->subject.located;
	if (!job->subject.located)
		return NULL;
	job->report.method = locate_method_name(location->method);
	job->report.version = location->version;
	if (!location->module_path)
		return NULL;
	job->report.module_path = strdup(location->module_path);
	return job->report.module_path ? NULL : &error_out_of_memory;
}

struct error *capture_run(const struct capture_options *options, struct capture_report *ret)
{
	CLEANUP(job_deinit)
	struct job job = {
		.options = options,
		.deadline_ns = now_ns() + options->wait_ns,
	};
	struct error *error = attempt_until_deadline(&job);
	if (!error)
		error = interrupt_check();
	if (!error)
		error = fill_report(&job);
	if (!error)
		error = write_snapshot(&job);
	if (error)
		return error;
	job.report.file_bytes = output_file_size_bytes(job.output);
	*ret = job.report;
	job.report = (struct capture_report){0};
	return NULL;
}
