/* Frames: zstd (RFC 8878) around the blocks of the container, with a checksum and a content size.
 */
#ifndef PYSPY_FORMATS_SNAPSHOT_FRAME_H
#define PYSPY_FORMATS_SNAPSHOT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"
#include "common/error.h"

/* One context for all frames: its memory is the larger part of what a running capture holds. */
struct frame_encoder;
struct error *frame_encoder_create(struct frame_encoder **ret);
void frame_encoder_destroy(struct frame_encoder *encoder);

/* Compress one block; `ret` is borrowed until the next call. */
struct error *frame_encode(struct frame_encoder *encoder, const void *content, size_t size,
			   const void **ret, size_t *ret_size);

enum frame_status {
	FRAME_OK = 0,
	FRAME_SHORT,	/* the bytes end within the frame */
	FRAME_FOREIGN,	/* does not begin with a magic number of zstd */
	FRAME_REFUSED,	/* zstd, but not as the container has it: no checksum, no size, too large */
	FRAME_CHECKSUM, /* does not decompress, or to something else */
};

/* In words for the user. */
const char *frame_status_text(enum frame_status status);

struct frame_extent {
	size_t size;	     /* of the whole frame in the file */
	size_t content_size; /* when decompressed */
	bool skippable;
};

/*
 * Find out how long the frame is that begins the bytes, without decompressing. For FRAME_SHORT,
 * `ret_need` is how many bytes it takes at least to go on. Skippable frames may be longer than the
 * bytes.
 */
enum frame_status frame_measure(const void *bytes, size_t size, struct frame_extent *ret,
				size_t *ret_need);

struct frame_decoder;
struct error *frame_decoder_create(struct frame_decoder **ret);
void frame_decoder_destroy(struct frame_decoder *decoder);

/* Decompress one whole frame, measured before, into `content` (its former contents are lost). Only
 * running out of memory is an error. */
struct error *frame_decode(struct frame_decoder *decoder, const void *frame,
			   const struct frame_extent *extent, struct buffer *content,
			   enum frame_status *ret_status);

/* The first bytes of a frame's content, unproven by the checksum: only to recognise it. Gives how
 * many there are, up to `size`. */
size_t frame_peek(const void *bytes, size_t bytes_size, void *content, size_t size);

#endif
