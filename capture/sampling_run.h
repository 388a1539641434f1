/*
 * Many samples of one process in one file, which is written in place: what was written out is
 * readable whatever happens then.
 */
#ifndef PYSPY_CAPTURE_SAMPLING_RUN_H
#define PYSPY_CAPTURE_SAMPLING_RUN_H

#include "capture/process_capture.h"

/* Of a run; samples is at least 1. */
struct run_counts {
	uint64_t samples;
	uint64_t partial;   /* samples that lack something */
	uint64_t late;	    /* left out, because their time had passed */
	uint64_t failed;    /* none of the attempts was consistent, or there was no Python */
	uint64_t freeze_ns; /* the longest */
};

/*
 * Samples until the duration, the count, the process or, by a signal, the user ends it; none of
 * these is an error. `writer` is new, `process` was captured once and is not written yet.
 */
struct error *sampling_run(struct process_capture *process, struct snapshot_writer *writer,
			   struct run_counts *ret);

#endif
