#include "formats/snapshot_catalog.h"

#include <stdlib.h>

#include "common/array.h"
#include "formats/snapshot_format.h"

void snapshot_catalog_deinit(struct snapshot_catalog *catalog)
{
	free(catalog->frames);
	free(catalog->extents);
	snapshot_images_deinit(&catalog->images);
	snapshot_roster_deinit(&catalog->roster);
	*catalog = (struct snapshot_catalog){0};
}

static struct error *add_extent(struct snapshot_catalog *catalog,
				const struct catalog_extent *extent)
{
	struct error *no_room =
		ARRAY_GROW(catalog->extents, catalog->extent_count, catalog->extent_capacity, 64);
	if (no_room)
		return no_room;
	catalog->extents[catalog->extent_count++] = *extent;
	return NULL;
}

/* The block was checked: its chunks are MEMORY with PUTs. */
static struct error *add_extents(struct snapshot_catalog *catalog, const struct buffer *content)
{
	struct block_cursor chunks = block_chunks(content->data, content->size);
	struct block_chunk chunk;
	while (block_next_chunk(&chunks, &chunk)) {
		struct memory_chunk memory = memory_chunk_read(chunk.payload);
		struct memory_operation operation;
		while (memory_chunk_next(&memory, &operation)) {
			struct catalog_extent extent = {
				.address = operation.address,
				.size = (uint32_t)operation.size,
				.content_offset = (uint32_t)(operation.bytes - content->data),
				.pid = memory.pid,
			};
			struct error *error = add_extent(catalog, &extent);
			if (error)
				return error;
		}
	}
	return NULL;
}

static struct error *add_frame(struct snapshot_catalog *catalog,
			       const struct snapshot_follow *follow, const struct scan_frame *frame)
{
	const struct buffer *content = &follow->scan->content;
	struct error *no_room =
		ARRAY_GROW(catalog->frames, catalog->frame_count, catalog->frame_capacity, 16);
	if (no_room)
		return no_room;
	struct catalog_frame row = {
		.offset = frame->offset,
		.first_sample = follow->sample_count - frame->summary.samples,
		.first_extent = catalog->extent_count,
		.size = (uint32_t)frame->extent.size,
		.content_size = (uint32_t)frame->extent.content_size,
		.epoch = follow->epoch_count - 1,
		.samples = frame->summary.samples,
		.bulk = frame->summary.header.flags & SNAPSHOT_BLOCK_BULK,
	};
	if (row.bulk) {
		struct error *error = add_extents(catalog, content);
		if (error)
			return error;
		row.extents = (uint32_t)(catalog->extent_count - row.first_extent);
	} else {
		struct error *error = snapshot_images_add(&catalog->images,
							  (uint32_t)catalog->frame_count, content);
		if (error)
			return error;
	}
	if (row.samples) {
		uint64_t sample = row.first_sample;
		struct error *error =
			snapshot_roster_add_content(&catalog->roster, content, &sample);
		if (error)
			return error;
	}
	catalog->frames[catalog->frame_count++] = row;
	return NULL;
}

struct error *snapshot_catalog_read(struct snapshot_catalog *catalog,
				    struct snapshot_follow *follow)
{
	struct scan_frame frame;
	enum follow_status status;
	for (;;) {
		struct error *error = snapshot_follow_next(follow, &frame, &status);
		if (!error && status == FOLLOW_FRAME)
			error = add_frame(catalog, follow, &frame);
		if (error)
			return error;
		if (status != FOLLOW_FRAME)
			break;
	}
	snapshot_roster_finish(&catalog->roster);
	return snapshot_follow_finish(follow, &catalog->roster);
}

size_t snapshot_catalog_find(const struct snapshot_catalog *catalog, uint64_t sample)
{
	/* The first frame with more samples before its end than `sample`. */
	size_t low = 0;
	size_t high = catalog->frame_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct catalog_frame *frame = &catalog->frames[middle];
		if (frame->first_sample + frame->samples <= sample)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t snapshot_catalog_epoch_start(const struct snapshot_catalog *catalog, size_t frame)
{
	uint32_t epoch = catalog->frames[frame].epoch;
	size_t low = 0;
	size_t high = frame;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (catalog->frames[middle].epoch < epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
