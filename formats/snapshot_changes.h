/*
 * Memory operations that lead from what the log has of a process to an image: PUT for what is new,
 * PATCH for what is different, DROP for what is no longer there. Their bytes are disjoint.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_CHANGES_H
#define PYSPY_FORMATS_SNAPSHOT_CHANGES_H

#include "common/buffer.h"
#include "common/memory_image.h"
#include "formats/snapshot_block.h"

/* Of PUT and PATCH, `bytes` are all that is there or changed. */
typedef struct error *(*snapshot_change_function)(void *context,
						  const struct memory_operation *operation);

/* Calls `function` for each operation. `held` is as `image` after it; after an error it is of no
 * use. */
struct error *snapshot_changes(struct memory_image *held, const struct memory_image *image,
			       snapshot_change_function function, void *context);

/* The next bytes from `at` on that differ, with short runs between them that do not: sets `at`, and
 * gives how many there are; 0 if there are none. */
size_t snapshot_changed_run(const uint8_t *old, const uint8_t *now, size_t size, size_t *at);

/* Append what is different, as a PATCH says it: (skip varint, count varint, bytes), up to
 * `ret_end`. */
struct error *snapshot_patch_encode(struct buffer *buffer, const void *old, const void *now,
				    size_t size, size_t *ret_end);

#endif
