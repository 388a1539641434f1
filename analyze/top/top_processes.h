/*
 * Samples on their way into the counts of `top`: the processes and threads that there are, each
 * thread with its current stack. A stack holds until the next sample of its process. As long as it
 * stays the same nothing is counted, only how often it was seen, and for how long.
 */
#ifndef PYSPY_ANALYZE_TOP_TOP_PROCESSES_H
#define PYSPY_ANALYZE_TOP_TOP_PROCESSES_H

#include "analyze/profile/stack_frames.h"
#include "analyze/top/top_stats.h"
#include "common/model.h"

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
	uint64_t monotonic_ns;
	uint64_t distance_sum_ns;
	uint64_t distances;
	uint64_t seen_ns; /* wall clock of its last sample */
	uint64_t round;
};

/* How the sampling itself goes. */
struct top_health {
	uint64_t late;	   /* samples that were taken too late */
	uint64_t failed;   /* samples that could not be had, or not be read */
	uint64_t worst_ns; /* how late, at most */
	char *last_error;  /* NULL if there was none */
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
struct error *top_processes_add(struct top_processes *processes,
				const struct model_process *process);

/* A sample that cannot be had or read. `text` is copied. */
struct error *top_processes_fail(struct top_processes *processes, const char *text);

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
