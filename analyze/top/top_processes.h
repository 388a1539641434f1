/*
 * Samples on their way into the counts of `top`: the processes and threads that there are, each
 * thread with its current stack. A stack holds until the next sample of its process. As long as it
 * stays the same nothing is counted, only how often it was seen, and for how long.
 */
#ifndef PYSPY_ANALYZE_TOP_TOP_PROCESSES_H
#define PYSPY_ANALYZE_TOP_TOP_PROCESSES_H

#include "analyze/profile/stack_cache.h"
#include "analyze/profile/stack_frames.h"
#include "analyze/thread_filter.h"
#include "analyze/top/top_stats.h"
#include "common/model.h"

/* A sample as it is put into the counts. */
struct top_sample {
	const struct model_process *process;
	const struct decoded_process *decoded; /* what is as it was; NULL: nothing is known of it */
	const struct thread_filter *filter;    /* NULL: all threads */
	enum model_lines lines;
};

struct top_thread {
	uint64_t thread_id;
	int32_t os_id;
	int64_t interpreter_id;
	char *name; /* NULL if unknown */
	enum model_activity activity;
	bool owns_gil;
	bool waits_for_gil;
	uint32_t *frames; /* of the profile, outermost first */
	size_t frame_count;
	size_t frame_capacity;
	/* Of the stack and of the names, as struct decoded_thread has them; 0: unknown. */
	uint64_t stamp;
	uint64_t version;
	uint64_t identity;
	/* Not counted yet. */
	uint32_t samples;
	uint64_t time_ns;
	bool is_present; /* in the sample that is being added */
};

struct top_process {
	int32_t pid;
	uint64_t start_ticks;
	char *command; /* NULL if unknown */
	struct python_version version;
	bool version_known;
	struct top_thread *threads;
	size_t thread_count;
	size_t thread_capacity;
	size_t hint; /* thread that was found last */
	struct stack_cache cache;
	uint64_t decoded; /* stamp of what the threads' versions are of; 0: they have none */
	uint64_t monotonic_ns;
	uint64_t distance_sum_ns;
	uint64_t distances;
	uint64_t seen_ns; /* wall clock of its last sample */
	uint64_t round;
};

/* How the sampling itself goes. */
struct top_health {
	uint64_t failed;  /* samples that could not be read */
	char *last_error; /* of these; NULL if there was none */
	/* What pyspy-capture says of those that are not there. */
	uint64_t left_out; /* their time had passed, or what was before was not written yet */
	uint64_t not_had;
	struct sample_counts before; /* that was said before the counts began */
};

struct top_processes {
	struct top_stats stats;
	struct top_health health;
	bool full_filenames;
	uint64_t delay_ns; /* of an interval, by the samples' clock */
	struct top_process *items;
	size_t count;
	size_t capacity;
	struct stack_frames frames; /* of the thread that is added */
	uint64_t interval_ns;	    /* wall clock of the first sample of the interval that runs */
	uint64_t last_interval_ns;  /* how long the last one was */
	uint64_t time_ns;	    /* wall clock of the last sample */
	uint64_t first_ns;	    /* and of the first one since the counts began */
	bool gil_unknown; /* of some process it is not known who holds it, or it has none */
	bool is_new;	  /* counts had to begin again, as there was too much of them */
};

struct error *top_processes_init(struct top_processes *processes, uint64_t delay_ns,
				 bool full_filenames);
void top_processes_deinit(struct top_processes *processes);

/* Add a sample of a process. Samples of a process come in the order of time. */
struct error *top_processes_add(struct top_processes *processes, const struct top_sample *sample);

/* A sample that cannot be had or read. `text` is copied. */
struct error *top_processes_fail(struct top_processes *processes, const char *text);

/* What pyspy-capture says so far of samples that are not there. */
void top_processes_note(struct top_processes *processes, const struct sample_counts *counts);

/* Put what the current stacks weigh so far into the counts, for showing them. */
struct error *top_processes_settle(struct top_processes *processes);

/* There is no further sample: what the last stacks weigh is the mean of the others. */
struct error *top_processes_finish(struct top_processes *processes);

/* The next samples do not follow those before: the time between is nobody's. */
struct error *top_processes_interrupt(struct top_processes *processes);

/* All counts back to zero; the processes and their current stacks stay. */
struct error *top_processes_reset(struct top_processes *processes);

/* Nothing is left, as after init. */
struct error *top_processes_restart(struct top_processes *processes);

/* Threads with a Python stack in the last samples. */
size_t top_processes_threads(const struct top_processes *processes);

#endif
