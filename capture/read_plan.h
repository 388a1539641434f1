/*
 * Ranges of the target that a sample will need, predicted by an earlier walk, and read at once.
 * Neighbouring ranges are joined over small gaps: a range costs about as much as 2 KB of bytes.
 */
#ifndef PYSPY_CAPTURE_READ_PLAN_H
#define PYSPY_CAPTURE_READ_PLAN_H

#include "common/buffer.h"
#include "common/memory.h"
#include "common/memory_image.h"

/* Bytes, for samples. */
enum { READ_PLAN_JOIN_GAP = 1024 };

struct read_plan {
	struct memory_request *requests; /* buffers are parts of `bytes` */
	size_t count;
	size_t capacity;
	uint8_t *bytes;
	size_t size_bytes;
	size_t wanted_bytes; /* without the gaps */
	/* Of each request whose stack it is, and nothing else; 0: of no one. NULL: not known. */
	uint64_t *owners;
	/* Whose stack is not read early; 0: nothing is. */
	uint64_t held_back;
	struct memory_request *part; /* scratch */
};

/* Ranges that are joined over gaps of up to `join_gap_bytes`; 0 keeps them as they are. */
struct error *read_plan_init(struct read_plan *plan, const struct memory_image *image,
			     size_t join_gap_bytes);
/* The same, and ranges are joined only with those of the same owner (stack_extents.h, sorted). */
struct error *read_plan_init_stacks(struct read_plan *plan, const struct memory_image *image,
				    size_t join_gap_bytes, const struct buffer *extents);
/* Words of 8 bytes, in any order and any number of times. */
struct error *read_plan_init_words(struct read_plan *plan, const struct buffer *addresses,
				   size_t join_gap_bytes);
void read_plan_deinit(struct read_plan *plan);

/* Read in descending order of addresses from now on. Such a plan serves no read_plan_memory. */
void read_plan_reverse(struct read_plan *plan);

/* Read all ranges from `memory`; those that fail are left out by the two below. */
void read_plan_read(struct read_plan *plan, struct memory *memory);

/*
 * In two parts: early the stacks of all but `held_back`, then, late, all else. Until
 * read_plan_read() or another early part, a request that was read early is told by
 * read_plan_is_early().
 */
struct error *read_plan_read_early(struct read_plan *plan, struct memory *memory,
				   uint64_t held_back);
void read_plan_read_late(struct read_plan *plan, struct memory *memory);
bool read_plan_is_early(const struct read_plan *plan, size_t index);
/* How many requests are of somebody's stack. */
size_t read_plan_count_stacks(const struct read_plan *plan);

/* Put what was read into `image`. */
struct error *read_plan_put(const struct read_plan *plan, struct memory_image *image);

/*
 * A memory of what was read: answers MEMORY_NOT_CAPTURED outside of it. Borrows the plan; embedded,
 * so nothing to destroy.
 */
struct read_plan_memory {
	struct memory memory;
	const struct read_plan *plan;
};
void read_plan_memory_init(struct read_plan_memory *memory, const struct read_plan *plan);

#endif
