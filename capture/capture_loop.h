/* A loop of captures: one sample of the processes for each period, each in a file of its own. */
#ifndef PYSPY_CAPTURE_CAPTURE_LOOP_H
#define PYSPY_CAPTURE_CAPTURE_LOOP_H

#include "capture/capture.h"

struct capture_loop_counts {
	uint64_t files;
	uint64_t failed; /* periods without a file */
	uint64_t late;	 /* periods that were over before their sample could begin */
};

/*
 * Until the duration, the count, the end of all the processes or a signal ends it; none of these is
 * an error. What is wrong with the first period's is one, unless the process was only too busy.
 * SIGUSR1 has a sample taken at once.
 */
struct error *capture_loop_run(const struct capture_options *options,
			       const struct capture_events *events,
			       struct capture_loop_counts *ret);

#endif
