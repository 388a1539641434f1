/*
 * Memory operations that lead from what the log has of a process to an image: PUT for what is new,
 * PATCH for what is different, DROP for what is no longer there.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_CHANGES_H
#define PYSPY_FORMATS_SNAPSHOT_CHANGES_H

#include "common/buffer.h"
#include "common/memory_image.h"
#include "formats/snapshot_format.h"

struct snapshot_change {
	uint32_t kind; /* SNAPSHOT_MEMORY_PUT, PATCH or DROP */
	uint64_t address;
	uint64_t end; /* behind what it changes */
	/* Of PUT the bytes, of PATCH the encoded changes; of DROP there are none. */
	const void *bytes;
	size_t size;
};

typedef struct error *(*snapshot_change_function)(void *context,
						  const struct snapshot_change *change);

/* Calls `function` for each operation. `held` is as `image` after it; after an error it is of no
 * use. */
struct error *snapshot_changes(struct memory_image *held, const struct memory_image *image,
			       snapshot_change_function function, void *context);

/* What the log has of the memory of each process. An all-zero struct has nothing. */
struct snapshot_held {
	struct held_process {
		int32_t pid;
		struct memory_image *image;
	} * items;
	size_t count;
	size_t capacity;
};

void snapshot_held_deinit(struct snapshot_held *held);
/* The image of a process; an empty one is made. Borrowed. */
struct error *snapshot_held_get(struct snapshot_held *held, int32_t pid, struct memory_image **ret);
void snapshot_held_forget(struct snapshot_held *held, int32_t pid);

#endif
