/*
 * Frames that forward reading comes back to: bulk memory, until its epoch ends, and images of
 * modules. Those of a file are left where they are, those of a stream are kept in unlinked
 * temporary files.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FRAME_STORE_H
#define PYSPY_FORMATS_SNAPSHOT_FRAME_STORE_H

#include "formats/snapshot_bulk_cache.h"
#include "formats/snapshot_scan.h"

enum frame_store_term {
	FRAME_STORE_EPOCH, /* until frame_store_begin_epoch */
	FRAME_STORE_ALWAYS,
	FRAME_STORE_TERMS,
};

struct frame_place {
	uint64_t offset;
	uint32_t number;
	uint32_t size;
	uint32_t content_size;
};

struct frame_shelf {
	struct snapshot_input input; /* the file, or a temporary one */
	struct frame_place *places;  /* ascending by number */
	size_t count;
	size_t capacity;
};

struct frame_store {
	struct frame_source source;   /* first: what bulk_cache asks */
	struct snapshot_input *input; /* what is read forward: borrowed */
	struct frame_shelf shelves[FRAME_STORE_TERMS];
	uint32_t next_number;
};

struct error *frame_store_init(struct frame_store *store, struct snapshot_input *input,
			       const char *name);
void frame_store_deinit(struct frame_store *store);

/* Keep the frame that was just read, under the number `ret`, which is never used again. */
struct error *frame_store_add(struct frame_store *store, const struct scan_frame *frame,
			      enum frame_store_term term, uint32_t *ret);

/* Forget the frames of the epoch before. */
void frame_store_begin_epoch(struct frame_store *store);

#endif
