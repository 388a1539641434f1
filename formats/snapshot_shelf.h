/*
 * Memory that a run had and will likely have again: what leaves the stacks comes back. It is hidden
 * by its number and shown by it, the bytes are not said again. Writer and reader hold the same.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_SHELF_H
#define PYSPY_FORMATS_SNAPSHOT_SHELF_H

#include <stdbool.h>

#include "common/hash_index.h"
#include "common/memory_image.h"
#include "common/range_map.h"

enum {
	SHELF_EXTENTS = 4096,
	SHELF_EXTENT_BYTES = 64 << 10, /* what can be hidden at once */
};

struct shelf_extent {
	uint64_t address;
	uint32_t size;
};

/* All zero is an empty one. When there is no room for one more extent, all is forgotten. */
struct snapshot_shelf {
	struct shelf_extent *extents; /* by number */
	size_t count;
	size_t capacity;
	struct range_map hidden; /* those that are hidden, with their bytes */
	uint64_t hidden_bytes;
	struct hash_index index; /* of who writes: extents by address and size */
};

void snapshot_shelf_deinit(struct snapshot_shelf *shelf);

/* The number of an extent; false if it has none. */
bool snapshot_shelf_find(const struct snapshot_shelf *shelf, uint64_t address, uint64_t size,
			 uint32_t *ret);
/* Give an extent a number. Who never asks for numbers needs no index. */
struct error *snapshot_shelf_add(struct snapshot_shelf *shelf, uint64_t address, uint64_t size,
				 bool with_index, uint32_t *ret);

/* Take the bytes of an extent out of the image. What was hidden there before is forgotten.
 * `ret_done` is false if the image does not have them. */
struct error *snapshot_shelf_hide(struct snapshot_shelf *shelf, struct memory_image *image,
				  uint32_t number, bool *ret_done);
/* Put them back; nowhere if `image` is NULL. `ret_done` is false if they are not hidden. */
struct error *snapshot_shelf_show(struct snapshot_shelf *shelf, struct memory_image *image,
				  uint32_t number, bool *ret_done);

/* What is hidden at `address` or next above it; NULL if there is nothing. */
const struct range_entry *snapshot_shelf_next(const struct snapshot_shelf *shelf, uint64_t address);

#endif
