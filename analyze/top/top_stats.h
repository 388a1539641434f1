/*
 * What `top` counts: how many samples, and how much time, fell on each function and each line, and
 * on each call from one to another; for the interval that runs, for the last whole one, and since
 * the beginning. Nothing here knows a terminal, a file or a clock.
 *
 * What a thread did when it had a stack is its class. Counts are kept by class, so that a view can
 * leave out idle threads, or who does not hold the GIL, at any time and for all the past.
 */
#ifndef PYSPY_ANALYZE_TOP_TOP_STATS_H
#define PYSPY_ANALYZE_TOP_TOP_STATS_H

#include "common/profile.h"

/* Bits of a class. */
enum top_class { TOP_CLASS_ACTIVE = 1, TOP_CLASS_GIL = 2, TOP_CLASSES = 4 };

/* A target can make up functions for ever: beyond these the counts begin again. */
enum { TOP_FRAMES_MAX = 20000, TOP_CALLS_MAX = 40000, TOP_TEXT_MAX = 4 << 20 };

struct top_tally {
	uint32_t now[TOP_CLASSES];  /* samples of the interval that runs */
	uint32_t last[TOP_CLASSES]; /* of the last whole one */
	uint64_t time_ns[TOP_CLASSES];
};

enum top_level { TOP_BY_FUNCTION = 0, TOP_BY_LINE, TOP_LEVELS };

/* A function or a line. */
struct top_entry {
	uint32_t frame; /* of the profile: one that is in it */
	struct top_tally own;
	struct top_tally total;
	uint64_t stamp; /* of the stack that was counted last: once for each stack */
};

/* A call from one entry to another. */
struct top_call {
	uint32_t caller;
	uint32_t callee;
	struct top_tally total;
	uint64_t stamp;
};

struct top_table {
	struct top_entry *entries;
	size_t entry_count;
	size_t entry_capacity;
	struct hash_index entry_index;
	uint32_t *entry_of; /* by frame */
	size_t frame_count;
	size_t frame_capacity;
	struct top_call *calls;
	size_t call_count;
	size_t call_capacity;
	struct hash_index call_index;
};

struct top_stats {
	struct profile profile; /* of it only texts and frames */
	struct top_table tables[TOP_LEVELS];
	struct top_tally threads; /* stacks of threads */
	uint64_t stamp;
	uint32_t rounds_now; /* samples; those of several processes at a time are one */
	uint32_t rounds_last;
	uint64_t rounds;
	bool has_interval; /* there is a whole one */
};

struct error *top_stats_init(struct top_stats *stats);
void top_stats_deinit(struct top_stats *stats);

/* There are more different functions, lines or calls than are to be kept: make a new one. */
bool top_stats_is_full(const struct top_stats *stats);

/* Count a stack, outermost frame first, that a thread of a class had in so many samples of the
 * interval and for that time. */
struct error *top_stats_add(struct top_stats *stats, const uint32_t *frames, size_t count,
			    unsigned thread_class, uint32_t samples, uint64_t time_ns);

/* The interval that runs is whole, and the next begins. */
void top_stats_end_interval(struct top_stats *stats);

/* All counts back to zero. */
void top_stats_reset(struct top_stats *stats);

/* The classes, as a set of bits 1 << class, that are left by the filters. */
unsigned top_class_set(bool gil_only, bool idle_too);

/* Sums over a set of classes. Samples are those of the last whole interval, or of the one that runs
 * if none is. */
uint64_t top_tally_samples(const struct top_stats *stats, const struct top_tally *tally,
			   unsigned classes);
uint64_t top_tally_time(const struct top_tally *tally, unsigned classes);
/* Rounds that these samples are of. */
uint32_t top_stats_rounds(const struct top_stats *stats);

#endif
