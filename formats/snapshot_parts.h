/* What a snapshot that is read is made of: shared by reading at any place (snapshot_reader.c) and
 * forward (snapshot_forward.c). */
#ifndef PYSPY_FORMATS_SNAPSHOT_PARTS_H
#define PYSPY_FORMATS_SNAPSHOT_PARTS_H

#include "formats/snapshot_bulk_cache.h"
#include "formats/snapshot_catalog.h"
#include "formats/snapshot_frame_store.h"
#include "formats/snapshot_reader.h"
#include "formats/snapshot_state.h"

/* Of forward reading alone. */
struct snapshot_forward {
	bool on;
	bool finished; /* the log's end was said, or an error that ends it */
	bool foreign;  /* no snapshot at all */
	struct frame_store store;
	struct snapshot_roster all; /* once the processes of the file are known */
	bool knows_all;
	struct error *broken; /* the rest of the epoch cannot be read; NULL: it can */
};

struct snapshot {
	struct memory memory; /* first: what snapshot_memory gives */
	char *name;
	struct snapshot_input input;
	struct snapshot_scan scan;
	struct snapshot_follow follow;
	/* Forward, its roster has the samples so far, its images those so far, and it has no
	 * frames. */
	struct snapshot_catalog catalog;
	struct frame_source frames; /* of the catalog */
	struct bulk_cache bulk;
	struct snapshot_state state;
	/* How far the log is applied: up to `chunks` in the content of `frame`. */
	size_t frame;
	struct buffer content;
	struct block_cursor chunks;
	bool begun; /* the frame */
	uint64_t applied_samples;
	size_t selected;
	uint64_t selected_number;		/* among the samples of its process */
	struct snapshot_process_state *process; /* of the selected sample; NULL if none */
	struct snapshot_forward forward;
};

/* Name and memory, nothing opened. */
struct error *snapshot_create(const char *name, struct snapshot **ret);

/* The state before the log's first chunk. */
void snapshot_forget_state(struct snapshot *snapshot);

#endif
