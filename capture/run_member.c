#include "capture/run_member.h"

#include <stdlib.h>
#include <string.h>

#include "capture/interrupt.h"
#include "capture/proc.h"
#include "common/cleanup.h"

#define NS_PER_MS UINT64_C(1000000)

/* Between two looks at a process that is starting; doubled from look to look at a child. */
#define LOOK_NS (20 * NS_PER_MS)

enum {
	/* A child can be found just as its Python starts: the last look is after 1.3 s. What is not
	 * Python by then is another program. */
	CHILD_LOOKS = 7,
	/* Of a process that was sampled: it runs another program now, or its Python ends. */
	RELOCATE_MS = 100,
	/* After a thread that did not stop in time: what waits for it is held for a small part of
	 * the time only. */
	STUCK_MS = 2000,
};

static void cleanup_member(struct run_member **member)
{
	run_member_destroy(*member);
}

struct error *run_member_create(const struct capture_options *options,
				struct capture_output *output, struct process_facts *facts,
				bool named, struct run_member **ret)
{
	CLEANUP(cleanup_member) struct run_member *member = calloc(1, sizeof(*member));
	if (!member)
		return &error_out_of_memory;
	uint64_t now = process_capture_now_ns();
	member->pid = facts->pid;
	member->named = named;
	member->facts = *facts;
	*facts = (struct process_facts){0};
	member->due_ns = now;
	if (named)
		member->deadline_ns = now + options->wait_ns;
	member->capture = (struct process_capture){
		.options = options,
		.output = output,
		.pid = member->pid,
		.start_ticks = member->facts.start_ticks,
		.named = named,
	};
	*ret = TAKE_POINTER(member);
	return NULL;
}

void run_member_destroy(struct run_member *member)
{
	if (!member)
		return;
	process_facts_deinit(&member->facts);
	process_capture_deinit(&member->capture);
	error_destroy(member->failure);
	free(member);
}

static void set_state(struct run_member *member, enum member_state state)
{
	member->state = state;
	if (state != MEMBER_SAMPLED)
		process_capture_forget(&member->capture);
}

/* Consumes `error`. */
static void keep_failure(struct run_member *member, struct error *error)
{
	error_destroy(member->failure);
	member->failure = error;
}

/* Whether the next look may find what this one did not. */
static bool may_pass(const struct error *error)
{
	return error->code == ERROR_BUSY || error->code == ERROR_NOT_PYTHON ||
	       error->code == ERROR_UNSUPPORTED;
}

/* Consumes `error`. */
static struct error *after_failed_look(struct run_member *member, struct error *error)
{
	uint64_t now = process_capture_now_ns();
	if (error->code == ERROR_OUT_OF_MEMORY)
		return error;
	if (error->code == ERROR_NO_PROCESS) {
		/* That it ends is no failure of one that was sampled. */
		keep_failure(member, member->samples ? NULL : error);
		if (member->samples)
			error_destroy(error);
		set_state(member, MEMBER_ENDED);
		return NULL;
	}
	unsigned shift = member->looks < CHILD_LOOKS ? member->looks : CHILD_LOOKS;
	bool again = may_pass(error) &&
		     (now < member->deadline_ns ||
		      (member->looks < CHILD_LOOKS && (!member->named || member->samples)));
	bool no_python = member->capture.no_python;
	member->looks++;
	member->due_ns = now + (now < member->deadline_ns ? LOOK_NS : LOOK_NS << shift);
	keep_failure(member, error);
	if (again) {
		process_capture_forget(&member->capture);
		return NULL;
	}
	set_state(member, MEMBER_QUIET);
	if (no_python && !member->named)
		keep_failure(member, NULL);
	return NULL;
}

static struct error *refresh_facts(struct run_member *member)
{
	struct process_facts facts = {0};
	struct error *error = process_facts_copy(&member->capture.subject->facts, &facts);
	if (error)
		return error;
	process_facts_deinit(&member->facts);
	member->facts = facts;
	return NULL;
}

struct error *run_member_look(struct run_member *member)
{
	member->look_anew = false;
	member->state = MEMBER_WAITING;
	member->capture.deadline_ns = 0; /* one look; the next one is planned here */
	struct error *error = process_capture_anew(&member->capture);
	if (error)
		return after_failed_look(member, error);
	uint64_t now = process_capture_now_ns();
	keep_failure(member, NULL);
	member->looks = 0;
	member->written = false;
	set_state(member, MEMBER_SAMPLED);
	/* The first sample is there already: it has the first slot. */
	sample_schedule_init(&member->schedule, now, capture_period_ns(member->capture.options),
			     now ^ (uint64_t)member->pid << 32);
	sample_schedule_next(&member->schedule, now);
	member->due_ns = sample_schedule_next(&member->schedule, now);
	return refresh_facts(member);
}

struct error *run_member_sample(struct run_member *member, bool *ret_taken, bool *ret_idle)
{
	struct error *error = process_capture_again(&member->capture);
	uint64_t now = process_capture_now_ns();
	*ret_taken = !error;
	*ret_idle = error && error->code == ERROR_NOT_FOUND && member->capture.options->gil;
	member->due_ns = sample_schedule_next(&member->schedule, now);
	if (!error) {
		/* This sample is good yet; the next one is of a new look. */
		member->look_anew = process_capture_has_other_code(&member->capture);
		return NULL;
	}
	if (error->code == ERROR_OUT_OF_MEMORY)
		return error;
	if (error->code == ERROR_NO_PROCESS) {
		set_state(member, MEMBER_ENDED);
	} else if (member->capture.changed) {
		set_state(member, MEMBER_WAITING);
		member->due_ns = now + RELOCATE_MS * NS_PER_MS;
	} else if (sampler_is_stuck(member->capture.sampler)) {
		member->due_ns = now + STUCK_MS * NS_PER_MS;
	}
	keep_failure(member, *ret_idle ? NULL : error);
	if (*ret_idle)
		error_destroy(error);
	return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

struct error *run_member_watch(struct run_member *member)
{
	struct process_facts facts = {0};
	struct error *error = proc_relative(member->pid, &facts);
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	if (error || facts.start_ticks != member->facts.start_ticks) {
		error_destroy(error);
		set_state(member, MEMBER_ENDED);
	} else if (!is_same_text(facts.command_line, member->facts.command_line) ||
		   !is_same_text(facts.command_name, member->facts.command_name)) {
		process_facts_deinit(&member->facts);
		member->facts = facts;
		member->written = false;
		member->looks = 0;
		member->due_ns = process_capture_now_ns();
		set_state(member, MEMBER_WAITING);
		return NULL;
	}
	process_facts_deinit(&facts);
	return NULL;
}
