/*
 * From the samples of files to a profile. What weighs is the thread sample: a stack that a thread
 * had in a sample holds until the next sample of its process, and gets the time between and what
 * the thread has used of a processor.
 */
#ifndef PYSPY_ANALYZE_PROFILE_COLLECT_H
#define PYSPY_ANALYZE_PROFILE_COLLECT_H

#include "analyze/profile/frame_filter.h"
#include "analyze/python/incremental_decode.h"
#include "analyze/thread_filter.h"
#include "common/model.h"
#include "common/profile.h"
#include "formats/profile_trail.h"

struct collect_options {
	bool idle;	     /* idle threads too */
	bool thread_roots;   /* the outermost frame of each stack names its thread */
	bool process_roots;  /* outside of that its process and the parents of that */
	bool full_filenames; /* not the part inside of the package */
	bool by_thread;	     /* stacks of different threads are different: roots[] tells */
	enum model_lines lines;
	const struct thread_filter *threads; /* NULL: all threads */
	struct frame_filter *filter;	     /* NULL: all stacks */
	struct profile_trail *trail;	     /* NULL, or what gets the stacks in their order */
};

struct collector;

/* `profile` and what the options name must live as long. */
struct error *collector_create(struct profile *profile, const struct collect_options *options,
			       struct collector **ret);
void collector_destroy(struct collector *collector);
void collector_destroyp(struct collector **collector);

struct collect_sample {
	const struct model_process *process;
	/* NULL, or what the process has in common with the samples before; of one decoder as long
	 * as a file is read. */
	const struct decoded_process *decoded;
	const struct thread_list *threads; /* has the processor time of its threads */
	size_t parents;			   /* of its facts: those that are shown */
};

/* Add a sample of a process. Samples of a process come in the order of time. A process that has a
 * new start is another one. */
struct error *collector_add_sample(struct collector *collector,
				   const struct collect_sample *sample);
/* With all of its parents, and nothing known of it. */
struct error *collector_add(struct collector *collector, const struct model_process *process,
			    const struct thread_list *threads);

/* From here on stacks go to the tree of a side (formats/profile_diff.h); not with by_thread. */
struct error *collector_set_side(struct collector *collector, unsigned side);

/* A file has ended: what the last stacks of its processes weigh is the mean of the others. */
struct error *collector_end_file(struct collector *collector);

#endif
