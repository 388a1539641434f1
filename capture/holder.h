/*
 * The threads that hold a GIL. Frames of an interpreter can only be changed by the thread that
 * holds its GIL: stopping that one freezes the frames of all.
 */
#ifndef PYSPY_CAPTURE_HOLDER_H
#define PYSPY_CAPTURE_HOLDER_H

#include <sys/types.h>

#include "common/facts.h"
#include "common/gil.h"
#include "common/locate.h"

enum { HOLDER_MAX_GILS = 64 };

/* One GIL, as it was looked at. */
struct held_gil {
	uint64_t interpreter; /* one that uses it */
	struct gil gil;
	pid_t tid; /* of the owner, as we see it; 0 if nobody owns it */
};

struct gil_set {
	struct held_gil items[HOLDER_MAX_GILS];
	size_t count;
	size_t held_count; /* items with an owner */
};

/*
 * Look at every GIL of the process, found through `interpreters`. ERROR_BUSY while one is changing
 * hands (locked, and not marked by its last holder) or its owner's thread is not known;
 * ERROR_UNSUPPORTED if the version marks no owner or there are too many.
 */
struct error *gil_set_read(struct memory *memory, const struct python_location *location,
			   const uint64_t *interpreters, size_t interpreter_count,
			   const struct thread_list *threads, struct gil_set *ret);

/* The thread of a thread state, as we see it; 0 if it is not known. */
pid_t thread_state_tid(struct memory *memory, const struct python_location *location,
		       uint64_t thread_state, const struct thread_list *threads);

/* Whether the GILs' own words are as they were at a look: much quicker than another one, which has
 * to follow where it matters. */
bool gil_set_seems_same(struct memory *memory, const struct python_location *location,
			const struct gil_set *set);

/* Whether nothing changed hands between two looks: same owners, same counts of switches. */
bool gil_set_equal(const struct gil_set *a, const struct gil_set *b);

#endif
