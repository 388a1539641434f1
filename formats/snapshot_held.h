/*
 * What the writer of a run holds of each process: what a reader of the epoch has of it, so that
 * only what is different needs to be said.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_HELD_H
#define PYSPY_FORMATS_SNAPSHOT_HELD_H

#include "common/facts.h"
#include "common/memory_image.h"
#include "formats/snapshot_step.h"

struct held_process {
	int32_t pid;
	struct memory_image *image;
	struct thread_list threads;
	bool has_threads;
	bool based;	/* the epoch has a SAMPLE of it, from which steps go on */
	bool is_reused; /* the epoch may have memory of another process that had its number */
	struct step_past past;
	/* What the next step says. */
	bool has_edits;
	struct step_situations situations_before; /* the edits */
	bool has_records;			  /* the edits insert, remove or replace entries */
	struct buffer edits;
	struct buffer operations;
	uint64_t moved_bytes; /* that the operations hide and show */
	/* While an image is compared: what is shown, other operations, and the extents that are
	 * being gathered. */
	struct buffer shows;
	struct buffer plain;
	struct step_operation run;
};

/* An all-zero struct has nothing. */
struct snapshot_held {
	struct held_process **items;
	size_t count;
	size_t capacity;
	/* Numbers of those that were forgotten in this epoch: a reader still has their memory. */
	int32_t *gone;
	size_t gone_count;
	size_t gone_capacity;
};

void snapshot_held_deinit(struct snapshot_held *held);
/* An epoch begins: of the memory nothing is known, and a SAMPLE must be said first. */
void snapshot_held_begin_epoch(struct snapshot_held *held);
/* What is held of a process; one that was not there is made. Borrowed. */
struct error *snapshot_held_get(struct snapshot_held *held, int32_t pid, struct held_process **ret);
struct error *snapshot_held_forget(struct snapshot_held *held, int32_t pid);

#endif
