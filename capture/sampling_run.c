#include "capture/sampling_run.h"

#include <time.h>

#include "capture/interrupt.h"
#include "capture/sample_schedule.h"
#include "capture/snapshot_file.h"

#define NS_PER_SECOND 1000000000ULL

/* Signals are looked for so often. */
#define SLEEP_NS (50 * 1000 * 1000ULL)
/* Between two looks at a process that runs another program since. */
#define RELOCATE_NS (100 * 1000 * 1000ULL)

struct run {
	struct process_capture *process;
	struct snapshot_writer *writer;
	struct sample_schedule schedule;
	struct run_counts *counts;
	uint64_t end_ns; /* UINT64_MAX: none */
	uint64_t flushed_ns;
	uint64_t relocate_ns; /* not before; 0: it is located */
	bool ended;	      /* the process */
};

/* False if a signal came, or the run is over before. */
static bool sleep_until(const struct run *run, uint64_t due_ns)
{
	for (;;) {
		uint64_t now = process_capture_now_ns();
		if (interrupt_signal() || now >= run->end_ns)
			return false;
		if (now >= due_ns)
			return true;
		uint64_t next = due_ns - now > SLEEP_NS ? now + SLEEP_NS : due_ns;
		if (next > run->end_ns)
			next = run->end_ns;
		const struct timespec until = {
			.tv_sec = (time_t)(next / NS_PER_SECOND),
			.tv_nsec = (long)(next % NS_PER_SECOND),
		};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static struct error *write_sample(struct run *run, bool facts)
{
	const struct snapshot_content content = process_capture_content(run->process);
	const struct sample_facts *sample = content.sample;
	struct error *error = facts ? snapshot_file_add(run->writer, &content)
				    : snapshot_file_add_sample(run->writer, &content);
	if (error)
		return error;
	run->counts->samples++;
	run->counts->partial += sample->partial;
	if (sample->freeze_ns > run->counts->freeze_ns)
		run->counts->freeze_ns = sample->freeze_ns;
	uint64_t now = process_capture_now_ns();
	if (now - run->flushed_ns < NS_PER_SECOND / 2)
		return NULL;
	run->flushed_ns = now;
	return snapshot_writer_flush(run->writer);
}

/* A sample that cannot be had is counted, and the process looked at anew where it is another
 * program. Consumes `error`. */
static struct error *count_failure(struct run *run, struct error *error)
{
	if (error->code == ERROR_OUT_OF_MEMORY)
		return error;
	if (interrupt_signal()) {
		error_destroy(error);
		return NULL;
	}
	run->ended = error->code == ERROR_NO_PROCESS;
	run->counts->failed += !run->ended;
	if (run->process->changed || run->relocate_ns)
		run->relocate_ns = process_capture_now_ns() + RELOCATE_NS;
	error_destroy(error);
	return NULL;
}

static struct error *take(struct run *run)
{
	bool relocate = run->relocate_ns != 0;
	struct error *error;
	if (relocate && process_capture_now_ns() < run->relocate_ns) {
		run->counts->failed++;
		return NULL;
	}
	error = relocate ? process_capture_anew(run->process) : process_capture_again(run->process);
	if (error)
		return count_failure(run, error);
	run->relocate_ns = 0;
	return write_sample(run, relocate);
}

static bool is_complete(const struct run *run)
{
	return run->ended || run->counts->samples >= run->process->options->count;
}

struct error *sampling_run(struct process_capture *process, struct snapshot_writer *writer,
			   struct run_counts *ret)
{
	const struct capture_options *options = process->options;
	uint64_t now = process_capture_now_ns();
	struct run run = {
		.process = process,
		.writer = writer,
		.counts = ret,
		.end_ns = options->duration_ns < UINT64_MAX - now ? now + options->duration_ns
								  : UINT64_MAX,
	};
	*ret = (struct run_counts){0};
	snapshot_writer_write_changes(writer);
	/* The first sample is there already: it has the first slot. */
	sample_schedule_init(&run.schedule, now, NS_PER_SECOND / options->rate, now);
	sample_schedule_next(&run.schedule, now);
	struct error *error = write_sample(&run, true);
	while (!error && !is_complete(&run)) {
		uint64_t due = sample_schedule_next(&run.schedule, process_capture_now_ns());
		if (!sleep_until(&run, due))
			break;
		error = take(&run);
	}
	ret->late = run.schedule.late;
	snapshot_writer_count_missed(writer, ret->late, ret->failed);
	return error;
}
