/* One process of a run: looked at until its Python is found, sampled, or left alone. */
#ifndef PYSPY_CAPTURE_RUN_MEMBER_H
#define PYSPY_CAPTURE_RUN_MEMBER_H

#include "capture/process_capture.h"
#include "capture/sample_schedule.h"

enum member_state {
	MEMBER_WAITING, /* to be looked at when it is due */
	MEMBER_SAMPLED,
	MEMBER_QUIET, /* runs no Python that can be read; looked at again after an execve(2) */
	MEMBER_ENDED,
};

struct run_member {
	pid_t pid;
	bool named; /* by the user; else a descendant */
	enum member_state state;
	struct process_facts facts; /* of its program, for its children's sake */
	struct process_capture capture;
	struct sample_schedule schedule;
	uint64_t due_ns;      /* the next look or sample; CLOCK_MONOTONIC */
	uint64_t deadline_ns; /* of a named one: until then it may begin to run Python */
	unsigned looks;	      /* at this program */
	uint64_t samples;
	bool look_anew; /* at the next sample: it has new modules */
	bool written;	/* the file knows of it */
	/* Why it is quiet, or ended without a sample, or why the last one failed; NULL if it merely
	 * runs no Python, and is no named one. */
	struct error *failure;
};

/* Due at once. `facts` are taken over; for a process that is not to be seen they have its pid
 * alone. */
struct error *run_member_create(const struct capture_options *options,
				struct capture_output *output, struct process_facts *facts,
				bool named, struct run_member **ret);
void run_member_destroy(struct run_member *member);

/*
 * Look for its Python, and take the first sample: then it is MEMBER_SAMPLED. Else it is to be
 * looked at again, quiet, or ended. Only running out of memory is an error.
 */
struct error *run_member_look(struct run_member *member);

/*
 * One more sample; `*ret_taken` tells whether there is one. Where there is none, the process may
 * have ended, or be to be looked at anew; or, `*ret_idle`, with --gil nobody held it.
 */
struct error *run_member_sample(struct run_member *member, bool *ret_taken, bool *ret_idle);

/* See whether a process that is not sampled has ended, or runs another program than before. */
struct error *run_member_watch(struct run_member *member);

#endif
