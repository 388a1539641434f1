/* The bytes of a snapshot file, seen through a window. A pipe is spooled first, or is a stream:
 * read forward only, as its bytes come. */
#ifndef PYSPY_FORMATS_SNAPSHOT_INPUT_H
#define PYSPY_FORMATS_SNAPSHOT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

struct snapshot_input {
	int fd;		     /* owned */
	uint64_t size_bytes; /* of a stream UINT64_MAX until its end was seen */
	struct buffer window;
	uint64_t window_offset;
	bool stream;
	bool no_wait; /* a stream gives what is there now */
	bool starved; /* and that was less than was wanted, though not the end */
};

/* The descriptor stays the caller's. */
struct error *snapshot_input_init(struct snapshot_input *input, int fd, const char *name);
/* A stream that begins with the bytes of `head`, which are taken; NULL if there are none. */
struct error *snapshot_input_init_stream(struct snapshot_input *input, int fd, const char *name,
					 struct buffer *head);
void snapshot_input_deinit(struct snapshot_input *input);

/*
 * Bytes at `offset`: `want` of them, or as many as the file still has; at most a few MiB. `ret` is
 * borrowed until the next call. A stream gives all that it has read, and cannot go back: `offset`
 * is never less than before.
 */
struct error *snapshot_input_view(struct snapshot_input *input, uint64_t offset, size_t want,
				  const uint8_t **ret, size_t *ret_size);

#endif
