/* Snapshots for fuzzing: checksums would stop nearly every mutation, so that most inputs are the
 * contents of frames, which are compressed here. An input is segments of (control byte, length 16
 * bits, bytes), each of them a frame. */
#ifndef PYSPY_TESTS_SEGMENTS_H
#define PYSPY_TESTS_SEGMENTS_H

#include <stdlib.h>

#include "common/cursor.h"
#include "formats/snapshot_block.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_frame.h"

enum segment_control {
	SEGMENT_BULK = 1 << 0,
	SEGMENT_NEW_EPOCH = 1 << 1,
	SEGMENT_RAW = 1 << 2,  /* the bytes have a block header already */
	SEGMENT_LOST = 1 << 3, /* numbered, but left out */
	SEGMENT_NEW_LOG = 1 << 4,
	SEGMENT_CUT = 1 << 5, /* half of the frame */
};

static void must(struct error *error)
{
	if (error)
		abort();
}

static void begin_content(struct buffer *content, struct block_header *header, uint8_t control)
{
	if (control & SEGMENT_NEW_LOG) {
		header->log_number++;
		header->epoch = header->frame = header->ordinary = 0;
	} else if (control & SEGMENT_NEW_EPOCH) {
		header->epoch++;
		header->frame = header->ordinary = 0;
	}
	header->flags = control & SEGMENT_BULK ? SNAPSHOT_BLOCK_BULK : 0;
	must(block_header_append(content, header));
	if (header->frame)
		return;
	char name[] = SNAPSHOT_NAME;
	struct snapshot_header record = {.name = name};
	struct buffer payload = {0};
	must(record_encode(&payload, &snapshot_header_table, &record));
	must(block_chunk_append(content, SNAPSHOT_CHUNK_HEADER, 0, payload.data, payload.size));
	buffer_deinit(&payload);
}

/* Append the frames that segments make to a file. */
static void build_segments(struct cursor input, struct buffer *file)
{
	static struct frame_encoder *encoder;
	struct buffer content = {0};
	struct block_header header = {.version = SNAPSHOT_VERSION};
	if (!encoder)
		must(frame_encoder_create(&encoder));
	while (cursor_left(&input)) {
		uint8_t control = cursor_u8(&input);
		size_t size = cursor_u16(&input);
		if (size > cursor_left(&input))
			size = cursor_left(&input);
		buffer_clear(&content);
		if (!(control & SEGMENT_RAW))
			begin_content(&content, &header, control);
		const void *bytes = cursor_bytes(&input, size);
		if (bytes)
			must(buffer_append(&content, bytes, size));
		const void *frame;
		size_t frame_size;
		must(frame_encode(encoder, content.data, content.size, &frame, &frame_size));
		if (control & SEGMENT_CUT)
			frame_size /= 2;
		if (!(control & SEGMENT_LOST))
			must(buffer_append(file, frame, frame_size));
		header.frame++;
		header.ordinary += !(header.flags & SNAPSHOT_BLOCK_BULK);
	}
	buffer_deinit(&content);
}

#endif
