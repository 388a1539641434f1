/*
 * Many samples of a set of processes, in files that are written in place: what was written out is
 * readable whatever happens then.
 */
#ifndef PYSPY_CAPTURE_SAMPLING_RUN_H
#define PYSPY_CAPTURE_SAMPLING_RUN_H

#include "capture/capture_output.h"
#include "capture/run_set.h"

struct run;

/* What was made of the slots for samples, of all processes and files. */
struct run_counts {
	uint64_t samples;
	uint64_t partial;     /* samples that lack something */
	uint64_t late;	      /* left out, because their time had passed */
	uint64_t failed;      /* none of the attempts was consistent, or there was no Python */
	uint64_t dropped;     /* left out, because the file's reader or disk was too slow */
	uint64_t without_gil; /* left out, because with --gil only others are wanted */
	uint64_t ended_calls; /* system calls that stops ended early with EINTR */
	uint64_t freeze_ns;   /* the longest */
	uint64_t ways[FREEZE_ALL + 1]; /* samples by the way that they were taken */
	uint64_t processes;	       /* that were sampled */
	uint64_t without_python;       /* descendants that run none */
};

/* What else is to be done while a run goes on. */
struct run_hooks {
	void *context;
	/* A file could not be written: NULL given goes on, and samples are dropped until
	 * run_begin_file(); else, and without this function, the run ends with the error. Consumes
	 * `error`. */
	struct error *(*file_failed)(void *context, struct run *run, struct error *error);
	/* Between samples, at least each 50 ms, in the thread that samples. `*ret_end` ends the run
	 * as a signal does; so does an error, which the run then gives. */
	struct error *(*tick)(void *context, struct run *run, bool *ret_end);
};

struct run_plan {
	const struct capture_options *options;
	struct capture_output *output; /* opened with the first process that is looked at */
	const struct run_hooks *hooks; /* NULL: none */
};

struct error *run_create(const struct run_plan *plan, struct run **ret);
void run_destroy(struct run *run);
void run_destroyp(struct run **run);

/* Sample this process, too; Python may begin in it until --wait is over. Nothing is done if it is
 * there already. */
struct error *run_add(struct run *run, pid_t pid);

/*
 * From the next sample on into another file, which is taken over: all that is known of the
 * processes is written anew. Nothing is left of it if there is none.
 */
void run_begin_file(struct run *run, struct output_file *file);
/* Files that are there. One that was begun is not, for a moment. */
uint64_t run_files(const struct run *run);
/* Bytes and samples in the last of these. */
uint64_t run_file_bytes(const struct run *run);
uint64_t run_file_samples(const struct run *run);

/*
 * Sample until the duration, the counts, the processes or, by a signal, the user ends it; none of
 * these is an error. It is one if there is no sample at all: why there is none of the first process
 * that was named.
 */
struct error *run_go(struct run *run);

const struct run_counts *run_counts(const struct run *run);
/* Of the first process that was named and could not be sampled, or NULL. */
const struct error *run_failure(const struct run *run);
/* After run_go(): the processes as they are now, for who tells of them. */
const struct run_set *run_members(const struct run *run);

#endif
