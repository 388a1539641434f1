/*
 * The processes of a run. With --subprocesses their children are looked for while it goes on:
 * what lives for less than the time between two looks is not seen.
 */
#ifndef PYSPY_CAPTURE_RUN_SET_H
#define PYSPY_CAPTURE_RUN_SET_H

#include "capture/proc_family.h"
#include "capture/run_member.h"

/* Of a tree that has more, the rest is left out. */
enum { RUN_SET_MAX = 1024 };

struct run_set {
	const struct capture_options *options; /* borrowed, as is the next */
	struct capture_output *output;
	struct run_member **members; /* parents before their children */
	size_t count;
	size_t capacity;
	uint64_t look_ns;   /* when to look for children; CLOCK_MONOTONIC */
	uint64_t census_ns; /* the same, by looking at all processes of the machine */
	bool cut;	    /* RUN_SET_MAX was reached */
};

void run_set_deinit(struct run_set *set);

/* Add a process that the user named; nothing is done if it is in the set. */
struct error *run_set_add(struct run_set *set, pid_t pid);

/* If it is time: find new children, and what became of those that are not sampled. */
struct error *run_set_look(struct run_set *set, uint64_t now_ns);

/* Whether it has as many samples as were asked for. */
bool run_set_is_complete(const struct run_set *set, const struct run_member *member);

/* The member that is due first; NULL if there is none to wait for. */
struct run_member *run_set_first_due(const struct run_set *set);

/* Whether a living member is a child of `pid`. */
bool run_set_has_children(const struct run_set *set, pid_t pid);

/* Take a member out, and destroy it. */
void run_set_remove(struct run_set *set, struct run_member *member);

#endif
