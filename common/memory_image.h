/*
 * A sparse image of memory: disjoint ranges of bytes by address. What a recorder fills, what a
 * snapshot's log is applied to, and a `struct memory` to read from.
 *
 * Ranges that touch or overlap are joined, but no range crosses a multiple of MEMORY_IMAGE_WINDOW:
 * longer memory is several ranges that touch. Equal contents are equal ranges, and a change moves
 * few bytes. Lookups and insertions stay cheap with 100,000 ranges.
 */
#ifndef PYSPY_COMMON_MEMORY_IMAGE_H
#define PYSPY_COMMON_MEMORY_IMAGE_H

#include <stdbool.h>

#include "common/memory.h"
#include "common/range_map.h"

enum { MEMORY_IMAGE_WINDOW = 16384 };

struct memory_image;

struct error *memory_image_create(struct memory_image **ret);
void memory_image_destroy(struct memory_image *image);
void memory_image_destroyp(struct memory_image **image);

/* Have room at once for so many bytes of ranges that will be put, which are as a rule many and
 * small. Of what is not needed any longer it is given back when the image is cleared. */
struct error *memory_image_reserve(struct memory_image *image, size_t size);

/* Set the bytes at [address, address + size); what was there is overwritten. */
struct error *memory_image_put(struct memory_image *image, uint64_t address, const void *bytes,
			       size_t size);

/* Overwrite bytes that are there, all in one range; false, and nothing is done, if they are not. */
bool memory_image_overwrite(struct memory_image *image, uint64_t address, const void *bytes,
			    size_t size);

/* Forget the bytes at [address, address + size), as far as there are any. */
struct error *memory_image_drop(struct memory_image *image, uint64_t address, uint64_t size);

void memory_image_clear(struct memory_image *image);

/* Bytes held, and the number of disjoint ranges they are in. */
uint64_t memory_image_size_bytes(const struct memory_image *image);
size_t memory_image_range_count(const struct memory_image *image);

struct memory_range {
	uint64_t address;
	size_t size;
	const void *bytes; /* borrowed from the image, until it is changed */
};

/* Ranges in ascending order: the first whose end is above `address`. False if there is none. */
bool memory_image_next(const struct memory_image *image, uint64_t address,
		       struct memory_range *ret);

/*
 * The same, one after the other without looking for each: a walk begins at `address`. It holds as
 * long as no range comes, goes or changes its extent.
 */
struct memory_walk {
	const struct memory_image *image;
	struct range_position position;
};

struct memory_walk memory_image_walk(const struct memory_image *image, uint64_t address);
/* The range that the walk is at; false behind the last. */
bool memory_walk_at(const struct memory_walk *walk, struct memory_range *ret);
void memory_walk_step(struct memory_walk *walk);

/* Read access; borrowed, lives as long as the image. Bytes that are absent are MEMORY_NOT_CAPTURED.
 */
struct memory *memory_image_memory(struct memory_image *image);

/*
 * A layer over `below` (borrowed): reads come from `image` (borrowed) where it holds all the bytes
 * that are asked for, else from below, and whatever was read below is put into the image. So the
 * image ends as the set of all ranges that were read. Used as the recorder of the capture set.
 */
struct error *memory_recorder_create(struct memory *below, struct memory_image *image,
				     struct memory **ret);

/*
 * A layer that reads from `first`, and where that answers MEMORY_NOT_CAPTURED or
 * MEMORY_NOT_MAPPED, from `second`. Both borrowed.
 */
struct error *memory_overlay_create(struct memory *first, struct memory *second,
				    struct memory **ret);

#endif
