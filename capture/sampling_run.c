#include "capture/sampling_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "capture/interrupt.h"
#include "capture/left_behind.h"
#include "capture/run_output.h"
#include "common/cleanup.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)

/* Signals, hooks and children are looked for so often. */
#define TICK_NS (50 * NS_PER_MS)
/* What cannot be handed over now is tried again after this. */
#define FULL_NS (100 * NS_PER_MS)

struct run {
	struct run_plan plan;
	struct run_set set;
	struct family ancestors; /* of the named processes */
	struct run_output *output;
	struct output_file *next_file; /* to be begun with the next sample, or NULL */
	bool has_file;
	bool file_failed; /* and no other one was begun since */
	uint64_t end_ns;  /* UINT64_MAX: none */
	bool ending;
	struct run_counts counts;
	struct snapshot_missed missed_before; /* by the present file */
	struct error *failure; /* of the first process that was named and failed, or NULL */
	struct error *reason;  /* of what else kept the run from a first sample, or NULL */
};

static void cleanup_run(struct run **run)
{
	run_destroy(*run);
}

struct error *run_create(const struct run_plan *plan, struct run **ret)
{
	CLEANUP(cleanup_run) struct run *run = calloc(1, sizeof(*run));
	if (!run)
		return &error_out_of_memory;
	run->plan = *plan;
	run->set.options = plan->options;
	run->set.output = plan->output;
	thread_watch_raise_limit();
	struct error *error = run_output_create(&run->output);
	if (!error)
		*ret = TAKE_POINTER(run);
	return error;
}

void run_destroy(struct run *run)
{
	if (!run)
		return;
	run_output_destroy(run->output);
	output_file_destroy(run->next_file);
	run_set_deinit(&run->set);
	family_deinit(&run->ancestors);
	error_destroy(run->failure);
	error_destroy(run->reason);
	free(run);
}

void run_destroyp(struct run **run)
{
	run_destroy(*run);
}

struct error *run_add(struct run *run, pid_t pid)
{
	return run_set_add(&run->set, pid);
}

uint64_t run_files(const struct run *run)
{
	return run_output_files(run->output);
}

uint64_t run_file_bytes(const struct run *run)
{
	return run_output_file_bytes(run->output);
}

uint64_t run_file_samples(const struct run *run)
{
	return run_output_file_samples(run->output);
}

const struct run_counts *run_counts(const struct run *run)
{
	return &run->counts;
}

const struct error *run_failure(const struct run *run)
{
	return run->failure;
}

const struct run_set *run_members(const struct run *run)
{
	return &run->set;
}

static struct snapshot_missed missed(const struct run *run)
{
	return (struct snapshot_missed){
		.late = run->counts.late - run->missed_before.late,
		.failed = run->counts.failed - run->missed_before.failed,
		.dropped = run->counts.dropped - run->missed_before.dropped,
	};
}

/* What a sample's reader looks up stands before the sample. */
static struct error *write_known(struct run *run)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < run->ancestors.count; i++)
		error = run_output_relative(run->output, &run->ancestors.items[i]);
	for (size_t i = 0; i < run->set.count; i++)
		run->set.members[i]->written = false;
	return error;
}

static struct error *write_member(struct run *run, struct run_member *member)
{
	if (member->written || !run->has_file)
		return NULL;
	member->written = true;
	if (member->state == MEMBER_SAMPLED)
		return run_output_process(run->output, &member->capture);
	return run_output_relative(run->output, &member->facts);
}

/* Parents are written before their children, also those that are not sampled. */
static struct error *write_members(struct run *run)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < run->set.count; i++)
		error = write_member(run, run->set.members[i]);
	return error;
}

void run_begin_file(struct run *run, struct output_file *file)
{
	output_file_destroy(run->next_file);
	run->next_file = file;
	run->file_failed = false;
}

static struct error *begin_file(struct run *run, struct output_file *file)
{
	const struct snapshot_missed before = missed(run);
	struct error *error = run_output_begin(run->output, file, &before);
	interrupt_expect_end_of_file();
	run->has_file = true;
	run->file_failed = false;
	run->missed_before.late = run->counts.late;
	run->missed_before.failed = run->counts.failed;
	run->missed_before.dropped = run->counts.dropped;
	return error ? error : write_known(run);
}

/* A file is there with its first sample, and not before: nothing is left of one without. */
static struct error *need_file(struct run *run)
{
	if (run->next_file)
		return begin_file(run, TAKE_POINTER(run->next_file));
	if (!run->has_file)
		return begin_file(run, TAKE_POINTER(run->plan.output->file));
	return NULL;
}

static void begin_duration(struct run *run)
{
	uint64_t now = process_capture_now_ns();
	uint64_t duration_ns = run->plan.options->duration_ns;
	run->end_ns = duration_ns < UINT64_MAX - now ? now + duration_ns : UINT64_MAX;
}

/* The hook decides whether the run goes on. */
static struct error *check_output(struct run *run)
{
	struct error *error = run_output_check(run->output);
	const struct run_hooks *hooks = run->plan.hooks;
	if (!error || !hooks || !hooks->file_failed)
		return error;
	run_output_abandon(run->output);
	run->has_file = false;
	run->file_failed = true;
	return hooks->file_failed(hooks->context, run, error);
}

/* Hand the sample over that was just taken. */
static struct error *write_sample(struct run *run, struct run_member *member)
{
	const struct sample_facts *sample = &member->capture.report.sample;
	struct error *error = need_file(run);
	if (!error)
		error = write_members(run);
	if (error)
		return error;
	/* What it took to find Python is none of the time that was asked for. */
	if (!run->counts.samples)
		begin_duration(run);
	member->samples++;
	run->counts.samples++;
	run->counts.partial += sample->partial;
	run->counts.ways[sample->way]++;
	if (sample->freeze_ns > run->counts.freeze_ns)
		run->counts.freeze_ns = sample->freeze_ns;
	const struct snapshot_missed so_far = missed(run);
	return run_output_sample(run->output, &member->capture, &so_far);
}

/* Whether a sample can be handed over; where it cannot, none is taken. */
static bool has_room(const struct run *run)
{
	return !run->file_failed && run_output_has_room(run->output);
}

/* For a run without a sample: what stands in the way of one says more than that there is none, or
 * that a process is no Python or has ended. */
static void keep_reason(struct run *run, struct run_member *member)
{
	const struct error *failure = member->failure;
	if (!failure || run->counts.samples)
		return;
	bool telling = failure->code != ERROR_NOT_PYTHON && failure->code != ERROR_NO_PROCESS;
	if (!telling && (run->reason || !member->named))
		return;
	error_destroy(run->reason);
	run->reason = TAKE_POINTER(member->failure);
}

static struct error *look(struct run *run, struct run_member *member)
{
	if (!has_room(run)) {
		member->due_ns += FULL_NS;
		return NULL;
	}
	struct error *error = run_member_look(member);
	if (error || member->state == MEMBER_WAITING)
		return error;
	if (member->state != MEMBER_SAMPLED) {
		run->counts.without_python +=
			member->state == MEMBER_QUIET && !member->named && !member->failure;
		if (member->named && member->failure && !run->failure)
			run->failure = TAKE_POINTER(member->failure);
		else
			keep_reason(run, member);
		return NULL;
	}
	run->counts.processes += member->samples == 0;
	if (member->named)
		error = family_add_ancestors(&run->ancestors, &member->facts);
	/* With --gil the first one serves to find out how to take the others. */
	return error || run->plan.options->gil ? error : write_sample(run, member);
}

static struct error *sample(struct run *run, struct run_member *member)
{
	uint64_t late = member->schedule.late;
	struct error *error = NULL;
	bool taken = false;
	bool idle = false;
	if (has_room(run)) {
		uint64_t ended_calls = sampler_ended_calls(member->capture.sampler);
		error = run_member_sample(member, &taken, &idle);
		run->counts.failed += !taken && !idle && member->state == MEMBER_SAMPLED;
		run->counts.without_gil += idle;
		if (member->state == MEMBER_SAMPLED)
			run->counts.ended_calls +=
				sampler_ended_calls(member->capture.sampler) - ended_calls;
	} else {
		run->counts.dropped++;
		member->due_ns = sample_schedule_next(&member->schedule, process_capture_now_ns());
	}
	run->counts.late += member->schedule.late - late;
	if (!taken)
		keep_reason(run, member);
	return error || !taken ? error : write_sample(run, member);
}

/* Whether the run goes on for the sake of this one. */
static bool is_awaited(const struct run *run, const struct run_member *member)
{
	switch (member->state) {
	case MEMBER_WAITING:
		return true;
	case MEMBER_SAMPLED:
		return !run_set_is_complete(&run->set, member);
	case MEMBER_QUIET:
		return run->plan.options->subprocesses &&
		       (run->plan.options->count == UINT64_MAX || !run->counts.samples);
	default:
		return false;
	}
}

static bool is_over(const struct run *run)
{
	for (size_t i = 0; i < run->set.count; i++) {
		if (is_awaited(run, run->set.members[i]))
			return false;
	}
	return true;
}

/* Those that ended are forgotten once they are no parents. */
static struct error *forget_ended(struct run *run)
{
	struct error *error = NULL;
	for (size_t i = run->set.count; !error && i-- > 0;) {
		struct run_member *member = run->set.members[i];
		if (member->state != MEMBER_ENDED || run_set_has_children(&run->set, member->pid))
			continue;
		if (member->written)
			error = run_output_forget(run->output, member->pid);
		run_set_remove(&run->set, member);
	}
	return error;
}

/* Also of those that are not to be sampled any more, or cannot be now. */
static void settle_members(struct run *run)
{
	left_behind_settle();
	for (size_t i = 0; i < run->set.count; i++)
		process_capture_settle(&run->set.members[i]->capture);
}

/* What is looked for besides samples. `ret_due` gets the member that is due next, or NULL. */
static struct error *attend(struct run *run, struct run_member **ret_due)
{
	settle_members(run);
	struct error *error = check_output(run);
	if (!error && run->plan.hooks && run->plan.hooks->tick)
		error = run->plan.hooks->tick(run->plan.hooks->context, run, &run->ending);
	if (!error)
		error = run_set_look(&run->set, process_capture_now_ns());
	if (!error)
		error = forget_ended(run);
	if (!error)
		*ret_due = run_set_first_due(&run->set);
	return error;
}

/* The duration counts from the first sample on: before it, Python may take its time to begin. */
static uint64_t end_of(const struct run *run)
{
	uint64_t end_ns = run->end_ns;
	for (size_t i = 0; !run->counts.samples && i < run->set.count; i++) {
		const struct run_member *member = run->set.members[i];
		if (member->state == MEMBER_WAITING && member->deadline_ns > end_ns)
			end_ns = member->deadline_ns;
	}
	return end_ns;
}

/* False if it was cut short, because something else is to be attended to. */
static bool sleep_until(const struct run *run, uint64_t due_ns)
{
	uint64_t now = process_capture_now_ns();
	uint64_t next = due_ns > now + TICK_NS ? now + TICK_NS : due_ns;
	if (next > end_of(run))
		next = end_of(run);
	const struct timespec until = {
		.tv_sec = (time_t)(next / NS_PER_SECOND),
		.tv_nsec = (long)(next % NS_PER_SECOND),
	};
	if (next > now)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	now = process_capture_now_ns();
	return !interrupt_signal() && now >= due_ns && now < end_of(run);
}

static struct error *step(struct run *run)
{
	struct run_member *member = NULL;
	struct error *error = attend(run, &member);
	if (error || run->ending || is_over(run)) {
		run->ending = true;
		return error;
	}
	if (!sleep_until(run, member ? member->due_ns : UINT64_MAX) || !member)
		return NULL;
	if (member->state == MEMBER_WAITING || member->look_anew)
		return look(run, member);
	return sample(run, member);
}

/* Why there is none. */
static struct error *no_sample(struct run *run)
{
	struct error *error = interrupt_check();
	for (size_t i = 0; i < run->set.count; i++)
		keep_reason(run, run->set.members[i]);
	/* That a shell is no Python is no reason where its child's Python is out of reach. */
	bool outranked = run->failure && run->failure->code == ERROR_NOT_PYTHON && run->reason &&
			 run->reason->code != ERROR_NOT_PYTHON;
	if (!error && !outranked)
		error = TAKE_POINTER(run->failure);
	if (error)
		return error;
	if (!run->counts.processes && run->reason)
		return TAKE_POINTER(run->reason);
	if (!run->counts.processes)
		return error_create(ERROR_NOT_PYTHON,
				    "no Python was found before the run was over");
	return error_create(ERROR_FAILED,
			    "no sample was taken before the run was over: %" PRIu64
			    " without the GIL held, %" PRIu64 " failed, %" PRIu64 " late%s%s",
			    run->counts.without_gil, run->counts.failed, run->counts.late,
			    run->reason ? "; " : "", run->reason ? run->reason->message : "");
}

struct error *run_go(struct run *run)
{
	struct error *error = NULL;
	begin_duration(run);
	while (!error && !run->ending && !interrupt_signal() &&
	       process_capture_now_ns() < end_of(run))
		error = step(run);
	if (error)
		return error;
	if (!run->counts.samples)
		return no_sample(run);
	/* The signal did what it is for. */
	interrupt_accept();
	const struct snapshot_missed last = missed(run);
	return run_output_finish(run->output, &last);
}
