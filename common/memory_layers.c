/* Memory made of other memory: the recorder and the overlay of memory_image.h. */
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/memory_image.h"

struct recorder {
	struct memory memory;
	struct memory *below;
	struct memory_image *image;
};

static void layer_destroy(struct memory *memory)
{
	free(memory);
}

/* A range that cannot be recorded must not be used: what is captured is what is read. */
static enum memory_status recorder_record(struct recorder *recorder, uint64_t address,
					  const void *bytes, size_t size)
{
	struct error *error = memory_image_put(recorder->image, address, bytes, size);
	if (!error)
		return MEMORY_OK;
	error_destroy(error);
	return MEMORY_IO_ERROR;
}

static enum memory_status recorder_read(struct memory *memory, uint64_t address, void *buffer,
					size_t size)
{
	struct recorder *recorder = (struct recorder *)memory;
	struct memory *recorded = memory_image_memory(recorder->image);
	if (memory_read(recorded, address, buffer, size) == MEMORY_OK)
		return MEMORY_OK;
	enum memory_status status = memory_read(recorder->below, address, buffer, size);
	if (status != MEMORY_OK)
		return status;
	return recorder_record(recorder, address, buffer, size);
}

static void recorder_read_many(struct memory *memory, struct memory_request *requests, size_t count)
{
	struct recorder *recorder = (struct recorder *)memory;
	struct memory *recorded = memory_image_memory(recorder->image);
	CLEANUP_FREE struct memory_request *missing = calloc(count, sizeof(*missing));
	CLEANUP_FREE size_t *origins = calloc(count, sizeof(*origins));
	if (!missing || !origins) {
		for (size_t i = 0; i < count; i++)
			requests[i].status = MEMORY_IO_ERROR;
		return;
	}
	size_t missing_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct memory_request *request = &requests[i];
		request->status =
			memory_read(recorded, request->address, request->buffer, request->size);
		if (request->status == MEMORY_OK)
			continue;
		origins[missing_count] = i;
		missing[missing_count++] = *request;
	}
	if (!missing_count)
		return;
	memory_read_many(recorder->below, missing, missing_count);
	for (size_t i = 0; i < missing_count; i++) {
		struct memory_request *request = &requests[origins[i]];
		request->status = missing[i].status;
		if (request->status == MEMORY_OK)
			request->status = recorder_record(recorder, request->address,
							  request->buffer, request->size);
	}
}

/* All that was recorded is below. */
static bool recorder_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	const struct recorder *recorder = (const struct recorder *)memory;
	return memory_next(recorder->below, address, end, ret);
}

static const struct memory_operations recorder_operations = {
	.read = recorder_read,
	.read_many = recorder_read_many,
	.next = recorder_next,
	.destroy = layer_destroy,
};

struct error *memory_recorder_create(struct memory *below, struct memory_image *image,
				     struct memory **ret)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	if (!recorder)
		return &error_out_of_memory;
	*recorder = (struct recorder){
		.memory.operations = &recorder_operations,
		.below = below,
		.image = image,
	};
	*ret = &recorder->memory;
	return NULL;
}

struct overlay {
	struct memory memory;
	struct memory *first;
	struct memory *second;
};

/* Neither core nor file changes within a page, so that a read is split only there. */
enum { OVERLAY_PAGE = 4096 };

static bool is_absent(enum memory_status status)
{
	return status == MEMORY_NOT_CAPTURED || status == MEMORY_NOT_MAPPED;
}

/* What the first says of a gap is nearer to the target, unless the second one failed. */
static enum memory_status overlay_read_part(struct overlay *overlay, uint64_t address, void *buffer,
					    size_t size)
{
	enum memory_status status = memory_read(overlay->first, address, buffer, size);
	if (!is_absent(status))
		return status;
	enum memory_status second = memory_read(overlay->second, address, buffer, size);
	return is_absent(second) ? status : second;
}

static enum memory_status overlay_read_pages(struct overlay *overlay, uint64_t address,
					     void *buffer, size_t size)
{
	uint8_t *out = buffer;
	while (size) {
		size_t room = OVERLAY_PAGE - (size_t)(address % OVERLAY_PAGE);
		size_t part = size < room ? size : room;
		enum memory_status status = overlay_read_part(overlay, address, out, part);
		if (status != MEMORY_OK)
			return status;
		out += part;
		address += part;
		size -= part;
	}
	return MEMORY_OK;
}

static enum memory_status overlay_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct overlay *overlay = (struct overlay *)memory;
	enum memory_status status = overlay_read_part(overlay, address, buffer, size);
	if (is_absent(status) && address % OVERLAY_PAGE + size > OVERLAY_PAGE)
		return overlay_read_pages(overlay, address, buffer, size);
	return status;
}

static void overlay_read_many(struct memory *memory, struct memory_request *requests, size_t count)
{
	struct overlay *overlay = (struct overlay *)memory;
	memory_read_many(overlay->first, requests, count);
	for (size_t i = 0; i < count; i++) {
		if (is_absent(requests[i].status))
			requests[i].status = overlay_read(memory, requests[i].address,
							  requests[i].buffer, requests[i].size);
	}
}

static bool overlay_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	const struct overlay *overlay = (const struct overlay *)memory;
	uint64_t first;
	bool any = memory_next(overlay->first, address, end, &first);
	if (memory_next(overlay->second, address, any ? first : end, ret))
		return true;
	if (any)
		*ret = first;
	return any;
}

static const struct memory_operations overlay_operations = {
	.read = overlay_read,
	.read_many = overlay_read_many,
	.next = overlay_next,
	.destroy = layer_destroy,
};

struct error *memory_overlay_create(struct memory *first, struct memory *second,
				    struct memory **ret)
{
	struct overlay *overlay = calloc(1, sizeof(*overlay));
	if (!overlay)
		return &error_out_of_memory;
	*overlay = (struct overlay){
		.memory.operations = &overlay_operations,
		.first = first,
		.second = second,
	};
	*ret = &overlay->memory;
	return NULL;
}
