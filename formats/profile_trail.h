/*
 * What each thread did one after another, as runs of one stack: what timelines are made of. Kept in
 * an unnamed file, so that its memory does not grow with the samples.
 */
#ifndef PYSPY_FORMATS_PROFILE_TRAIL_H
#define PYSPY_FORMATS_PROFILE_TRAIL_H

#include "common/profile.h"

struct profile_run {
	uint64_t start_ns; /* wall clock */
	uint64_t wall_ns;  /* how long; 0 if unknown */
	uint32_t node;
	uint32_t samples;
};

struct profile_trail;

/* `path`: in whose folder the file is; "-" for that of temporary files. */
struct error *profile_trail_create(const char *path, struct profile_trail **ret);
void profile_trail_destroy(struct profile_trail *trail);
void profile_trail_destroyp(struct profile_trail **trail);

/* Append to a thread (its number in the profile). What goes on where the last run ended, with the
 * same stack, is the same run. */
struct error *profile_trail_add(struct profile_trail *trail, uint32_t thread,
				const struct profile_run *run);

/* What is appended from here on is of another file, which may be of an earlier or later time. */
void profile_trail_begin_part(struct profile_trail *trail);

/*
 * The runs of a thread, in the order of time: files that follow each other may be named in any
 * order. Those of files of the same time (or whose clocks differ) come file by file, by where they
 * begin, so that a run can begin before the one before it has ended. An error of the callback is
 * given on.
 */
struct error *profile_trail_each(struct profile_trail *trail, uint32_t thread,
				 struct error *(*each)(void *context,
						       const struct profile_run *run),
				 void *context);

#endif
