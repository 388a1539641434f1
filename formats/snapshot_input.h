/* The bytes of a snapshot file, seen through a window; a pipe is spooled first. */
#ifndef PYSPY_FORMATS_SNAPSHOT_INPUT_H
#define PYSPY_FORMATS_SNAPSHOT_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

struct snapshot_input {
	int fd; /* owned */
	uint64_t size_bytes;
	struct buffer window;
	uint64_t window_offset;
};

/* The descriptor stays the caller's. */
struct error *snapshot_input_init(struct snapshot_input *input, int fd, const char *name);
void snapshot_input_deinit(struct snapshot_input *input);

/*
 * Bytes at `offset`: `want` of them, or as many as the file still has; at most a few MiB. `ret` is
 * borrowed until the next call.
 */
struct error *snapshot_input_view(struct snapshot_input *input, uint64_t offset, size_t want,
				  const uint8_t **ret, size_t *ret_size);

#endif
