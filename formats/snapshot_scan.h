/* Finding the frames of a snapshot file, one by one, and again after damage. */
#ifndef PYSPY_FORMATS_SNAPSHOT_SCAN_H
#define PYSPY_FORMATS_SNAPSHOT_SCAN_H

#include "formats/snapshot_block.h"
#include "formats/snapshot_frame.h"
#include "formats/snapshot_input.h"

struct snapshot_scan {
	struct snapshot_input *input; /* borrowed */
	struct frame_decoder *decoder;
	struct buffer content; /* of the frame that was read last */
	/* Bytes of work that may still go into places that look like frames and are none, so that a
	 * file full of them does not cost the square of its size. */
	int64_t search_budget;
};

struct error *snapshot_scan_init(struct snapshot_scan *scan, struct snapshot_input *input);
void snapshot_scan_deinit(struct snapshot_scan *scan);

/* A frame of the file: whole, proven and checked, if both are …_OK. */
struct scan_frame {
	uint64_t offset;
	enum frame_status frame_status;
	enum block_status block_status;
	struct frame_extent extent;
	struct block_summary summary;
};

static inline bool scan_frame_ok(const struct scan_frame *frame)
{
	return frame->frame_status == FRAME_OK && frame->block_status == BLOCK_OK;
}

/* What is wrong with a frame, in words for the user. */
const char *scan_frame_problem(const struct scan_frame *frame);

/* Read the frame at `offset`. What is wrong with it is not an error. A stream that has to be waited
 * for has its input starved, and `ret` means nothing. */
struct error *snapshot_scan_read(struct snapshot_scan *scan, uint64_t offset,
				 struct scan_frame *ret);

/* The log that was followed up to damage. */
struct scan_log {
	uint32_t number;
	bool at_end; /* the damaged frame reaches, or would reach, up to the end of the input */
};

/*
 * Search from `offset` up to `end` for a whole frame of a snapshot. If `log` is not NULL: for one
 * of that log, or the first one of another log that was put behind it (snapshot_seam.h). Gives
 * `end`, or the end of the file, if there is none. Where a stream has to be waited for, its input
 * is starved, and the search goes on from `ret`.
 */
struct error *snapshot_scan_search(struct snapshot_scan *scan, uint64_t offset, uint64_t end,
				   const struct scan_log *log, uint64_t *ret);

/* Offset of the next zstd magic number in [offset, end), or `end`; where a stream is waited for, up
 * to where there is none. */
struct error *snapshot_scan_magic(struct snapshot_scan *scan, uint64_t offset, uint64_t end,
				  uint64_t *ret);

#endif
