#include "formats/snapshot_frame_store.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/array.h"
#include "common/output_file.h"

static const struct frame_place *find(const struct frame_shelf *shelf, uint32_t number)
{
	size_t low = 0;
	size_t high = shelf->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (shelf->places[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < shelf->count && shelf->places[low].number == number ? &shelf->places[low]
									 : NULL;
}

static struct error *view(struct frame_source *source, uint32_t number, const uint8_t **ret,
			  struct frame_extent *ret_extent)
{
	struct frame_store *store = (struct frame_store *)source;
	const struct frame_place *place = NULL;
	struct frame_shelf *shelf = NULL;
	*ret = NULL;
	for (size_t i = 0; i < FRAME_STORE_TERMS && !place; i++) {
		shelf = &store->shelves[i];
		place = find(shelf, number);
	}
	if (!place)
		return NULL;
	const uint8_t *bytes;
	size_t size;
	struct error *error =
		snapshot_input_view(&shelf->input, place->offset, place->size, &bytes, &size);
	if (error || size < place->size)
		return error;
	*ret = bytes;
	*ret_extent = (struct frame_extent){
		.size = place->size,
		.content_size = place->content_size,
	};
	return NULL;
}

struct error *frame_store_init(struct frame_store *store, struct snapshot_input *input,
			       const char *name)
{
	*store = (struct frame_store){.source.view = view, .input = input};
	for (size_t i = 0; i < FRAME_STORE_TERMS; i++)
		store->shelves[i].input.fd = -1;
	if (input->stream)
		return NULL;
	/* With windows of their own, so that reading on finds its own where it left it. */
	struct error *error = NULL;
	for (size_t i = 0; i < FRAME_STORE_TERMS && !error; i++)
		error = snapshot_input_init(&store->shelves[i].input, input->fd, name);
	return error;
}

void frame_store_deinit(struct frame_store *store)
{
	for (size_t i = 0; store->source.view && i < FRAME_STORE_TERMS; i++) {
		snapshot_input_deinit(&store->shelves[i].input);
		free(store->shelves[i].places);
	}
	*store = (struct frame_store){0};
}

/* Append the bytes to the shelf's temporary file. */
static struct error *spool(struct frame_store *store, struct frame_shelf *shelf,
			   const struct scan_frame *frame)
{
	const uint8_t *bytes;
	size_t size;
	struct error *error = NULL;
	if (shelf->input.fd < 0)
		error = output_file_spool("-", &shelf->input.fd);
	if (!error)
		error = snapshot_input_view(store->input, frame->offset, frame->extent.size, &bytes,
					    &size);
	for (size_t done = 0; !error && done < frame->extent.size;) {
		ssize_t written = pwrite(shelf->input.fd, bytes + done, frame->extent.size - done,
					 (off_t)(shelf->input.size_bytes + done));
		if (written < 0 && errno != EINTR)
			error = error_errno(ERROR_IO, errno, "cannot write a temporary file");
		else if (written > 0)
			done += (size_t)written;
	}
	if (!error)
		shelf->input.size_bytes += frame->extent.size;
	return error;
}

struct error *frame_store_add(struct frame_store *store, const struct scan_frame *frame,
			      enum frame_store_term term, uint32_t *ret)
{
	struct frame_shelf *shelf = &store->shelves[term];
	uint64_t offset = store->input->stream ? shelf->input.size_bytes : frame->offset;
	struct error *error = ARRAY_GROW(shelf->places, shelf->count, shelf->capacity, 16);
	if (!error && store->input->stream)
		error = spool(store, shelf, frame);
	if (error)
		return error;
	shelf->places[shelf->count++] = (struct frame_place){
		.offset = offset,
		.number = store->next_number,
		.size = (uint32_t)frame->extent.size,
		.content_size = (uint32_t)frame->extent.content_size,
	};
	*ret = store->next_number++;
	return NULL;
}

void frame_store_begin_epoch(struct frame_store *store)
{
	struct frame_shelf *shelf = &store->shelves[FRAME_STORE_EPOCH];
	shelf->count = 0;
	if (!store->input->stream || !shelf->input.size_bytes)
		return;
	/* Where that fails, the space is still written over. */
	(void)!ftruncate(shelf->input.fd, 0);
	buffer_clear(&shelf->input.window);
	shelf->input.size_bytes = 0;
}
