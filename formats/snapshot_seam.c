#include "formats/snapshot_seam.h"

#include "formats/snapshot_format.h"

enum {
	/* The first block of a zstd frame, which holds the header of ours, is not longer. */
	SEAM_PEEK = 160 << 10,
	/* Of the search's budget, for each frame that is looked at. */
	SEAM_COST = 4096,
};

static bool begins_log(const struct block_header *header)
{
	return !header->epoch && !header->frame;
}

/* Whether there are whole frames, one behind the other, from `offset` up to the end of the input.
 */
static struct error *whole_to_end(struct snapshot_scan *scan, uint64_t offset, bool *ret)
{
	*ret = false;
	while (offset < scan->input->size_bytes && scan->search_budget > 0) {
		struct scan_frame frame;
		struct error *error = snapshot_scan_read(scan, offset, &frame);
		if (error)
			return error;
		bool skippable = frame.frame_status == FRAME_OK && frame.extent.skippable;
		if (!skippable && !scan_frame_ok(&frame))
			return NULL;
		scan->search_budget -= SEAM_COST + (int64_t)frame.extent.content_size;
		offset += frame.extent.size;
	}
	*ret = offset == scan->input->size_bytes;
	return NULL;
}

/* The header of the block in what seems to be a frame at `offset`, unproven. */
static struct error *peek_header(struct snapshot_scan *scan, uint64_t offset,
				 struct block_header *ret, bool *ret_any)
{
	const uint8_t *bytes;
	size_t size;
	uint8_t content[SNAPSHOT_BLOCK_HEADER_SIZE];
	*ret_any = false;
	struct error *error = snapshot_input_view(scan->input, offset, SEAM_PEEK, &bytes, &size);
	if (error || frame_peek(bytes, size, content, sizeof(content)) < sizeof(content))
		return error;
	struct cursor cursor = cursor_make(content, sizeof(content));
	*ret_any = block_header_read(&cursor, ret) == BLOCK_OK;
	return NULL;
}

/*
 * What lies in a damaged frame is followed, within the size of a frame, by the next frame of its
 * log. `ret` is whether there is one in [offset, end); a log that begins anew was put there too.
 */
static struct error *log_goes_on(struct snapshot_scan *scan, uint64_t offset, uint64_t end,
				 uint32_t log_number, bool *ret)
{
	for (*ret = true; scan->search_budget > 0; offset++) {
		struct error *error = snapshot_scan_magic(scan, offset, end, &offset);
		if (error)
			return error;
		if (offset >= end) {
			*ret = false;
			break;
		}
		struct block_header header;
		bool any;
		error = peek_header(scan, offset, &header, &any);
		if (error)
			return error;
		if (any && header.log_number == log_number) {
			*ret = !begins_log(&header);
			break;
		}
		scan->search_budget -= SEAM_COST;
	}
	return NULL;
}

struct error *snapshot_seam_is(struct snapshot_scan *scan, const struct scan_frame *frame,
			       const struct scan_log *log, bool *ret)
{
	const struct snapshot_input *input = scan->input;
	uint64_t next = frame->offset + frame->extent.size;
	uint64_t left = input->size_bytes - frame->offset;
	uint64_t end = frame->offset + (left < SNAPSHOT_FRAME_MAX ? left : SNAPSHOT_FRAME_MAX);
	*ret = false;
	if (input->stream || !begins_log(&frame->summary.header))
		return NULL;
	/* Nothing can follow a frame that is the last one. */
	if (log->at_end)
		return whole_to_end(scan, next, ret);
	bool goes_on;
	struct error *error = log_goes_on(scan, next, end, log->number, &goes_on);
	*ret = !error && !goes_on;
	return error;
}
