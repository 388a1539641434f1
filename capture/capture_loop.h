/* A loop of captures: one sample of the processes for each period, each in a file of its own. */
#ifndef PYSPY_CAPTURE_CAPTURE_LOOP_H
#define PYSPY_CAPTURE_CAPTURE_LOOP_H

#include "capture/capture.h"

/* What a loop tells while it goes on; whoever prints is told by these. */
struct capture_loop_events {
	/* A file is there. */
	void (*written)(void *context, const struct capture_report *report);
	/* A period has none, or an old file could not be removed; the loop goes on. */
	void (*failed)(void *context, const struct error *error);
	void *context;
};

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
			       const struct capture_loop_events *events,
			       struct capture_loop_counts *ret);

#endif
