#include "formats/snapshot_scan.h"

#include <endian.h>
#include <string.h>

#include "formats/snapshot_format.h"
#include "formats/snapshot_seam.h"

enum {
	SCAN_FIRST_VIEW = 4096,
	SCAN_SEARCH_VIEW = 256 << 10,
	SCAN_SEARCH_BUDGET = 512 << 20,
};

struct error *snapshot_scan_init(struct snapshot_scan *scan, struct snapshot_input *input)
{
	*scan = (struct snapshot_scan){.input = input, .search_budget = SCAN_SEARCH_BUDGET};
	return frame_decoder_create(&scan->decoder);
}

void snapshot_scan_deinit(struct snapshot_scan *scan)
{
	frame_decoder_destroy(scan->decoder);
	buffer_deinit(&scan->content);
	*scan = (struct snapshot_scan){0};
}

const char *scan_frame_problem(const struct scan_frame *frame)
{
	if (frame->frame_status != FRAME_OK)
		return frame_status_text(frame->frame_status);
	return block_status_text(frame->block_status);
}

/* View as much as it takes to see the whole frame, and no more of a stream: what comes after the
 * frame may be long in coming. */
static struct error *view_frame(struct snapshot_scan *scan, struct scan_frame *frame,
				const uint8_t **ret)
{
	const uint8_t *bytes = NULL;
	size_t size = 0;
	bool stream = scan->input->stream;
	size_t want = stream ? 1 : SCAN_FIRST_VIEW;
	for (;;) {
		struct error *error =
			snapshot_input_view(scan->input, frame->offset, want, &bytes, &size);
		if (error || scan->input->starved)
			return error;
		size_t need;
		frame->frame_status = frame_measure(bytes, size, &frame->extent, &need);
		if (frame->frame_status != FRAME_SHORT || size < want)
			break;
		/* At least doubled: the walk over the frame begins anew each time. */
		size_t more = stream ? size + 1 : want * 2;
		want = need > more ? need : more;
	}
	if (frame->frame_status == FRAME_OK &&
	    frame->extent.size > scan->input->size_bytes - frame->offset)
		frame->frame_status = FRAME_SHORT;
	*ret = bytes;
	return NULL;
}

struct error *snapshot_scan_read(struct snapshot_scan *scan, uint64_t offset,
				 struct scan_frame *ret)
{
	struct scan_frame frame = {.offset = offset};
	const uint8_t *bytes = NULL;
	struct error *error = view_frame(scan, &frame, &bytes);
	if (!error && !scan->input->starved && frame.frame_status == FRAME_OK &&
	    !frame.extent.skippable) {
		error = frame_decode(scan->decoder, bytes, &frame.extent, &scan->content,
				     &frame.frame_status);
		if (!error && frame.frame_status == FRAME_OK)
			error = block_check(scan->content.data, scan->content.size,
					    &frame.block_status, &frame.summary);
	}
	if (error)
		return error;
	*ret = frame;
	return NULL;
}

struct error *snapshot_scan_magic(struct snapshot_scan *scan, uint64_t offset, uint64_t end,
				  uint64_t *ret)
{
	const uint32_t magic = htole32(ZSTD_FRAME_MAGIC);
	const size_t want = scan->input->stream ? sizeof(magic) : SCAN_SEARCH_VIEW;
	while (offset < end) {
		const uint8_t *bytes;
		size_t size;
		struct error *error = snapshot_input_view(scan->input, offset, want, &bytes, &size);
		if (error)
			return error;
		if (scan->input->starved)
			break;
		if (size < sizeof(magic)) {
			offset = end;
			break;
		}
		const uint8_t *found = memmem(bytes, size, &magic, sizeof(magic));
		if (found) {
			offset += (uint64_t)(found - bytes);
			break;
		}
		/* One that begins in the last bytes ends in the next view. */
		offset += size - (sizeof(magic) - 1);
		if (size < want)
			offset = end;
	}
	*ret = offset < end ? offset : end;
	return NULL;
}

static uint64_t bounded_end(const struct snapshot_scan *scan, uint64_t end)
{
	return end < scan->input->size_bytes ? end : scan->input->size_bytes;
}

/* Go to the end of the input without looking at it. */
static struct error *skip_to_end(struct snapshot_scan *scan, uint64_t offset, uint64_t *ret)
{
	struct snapshot_input *input = scan->input;
	while (offset < input->size_bytes) {
		const uint8_t *bytes;
		size_t size;
		struct error *error = snapshot_input_view(input, offset, 1, &bytes, &size);
		if (error)
			return error;
		if (input->starved)
			break;
		offset += size;
	}
	*ret = bounded_end(scan, offset);
	return NULL;
}

/* Whether the search for what goes on after `log` ends with the frame. */
static struct error *is_sought(struct snapshot_scan *scan, const struct scan_frame *frame,
			       const struct scan_log *log, bool *ret)
{
	*ret = scan_frame_ok(frame);
	if (!*ret || !log || frame->summary.header.log_number == log->number)
		return NULL;
	return snapshot_seam_is(scan, frame, log, ret);
}

struct error *snapshot_scan_search(struct snapshot_scan *scan, uint64_t offset, uint64_t end,
				   const struct scan_log *log, uint64_t *ret)
{
	while (offset < bounded_end(scan, end) && scan->search_budget > 0) {
		struct error *error =
			snapshot_scan_magic(scan, offset, bounded_end(scan, end), &offset);
		if (error)
			return error;
		if (scan->input->starved || offset >= bounded_end(scan, end))
			break;
		struct scan_frame frame;
		error = snapshot_scan_read(scan, offset, &frame);
		if (error)
			return error;
		if (scan->input->starved)
			break;
		bool sought;
		error = is_sought(scan, &frame, log, &sought);
		if (error)
			return error;
		if (sought) {
			*ret = offset;
			return NULL;
		}
		scan->search_budget -= SCAN_FIRST_VIEW + (int64_t)scan->input->window.size / 16 +
				       (int64_t)frame.extent.content_size;
		offset++;
	}
	if (scan->input->stream && !scan->input->starved)
		return skip_to_end(scan, offset, ret);
	*ret = scan->input->starved ? offset : bounded_end(scan, end);
	return NULL;
}
