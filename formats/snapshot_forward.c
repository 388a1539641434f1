#include "formats/snapshot_forward.h"

#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_parts.h"

struct error *snapshot_open_forward(int fd, const char *name, struct buffer *head,
				    struct snapshot **ret)
{
	CLEANUP(snapshot_destroyp) struct snapshot *snapshot = NULL;
	struct error *error = snapshot_create(name, &snapshot);
	if (error)
		return error;
	snapshot->forward.on = true;
	bool seekable = lseek(fd, 0, SEEK_CUR) >= 0;
	error = seekable ? snapshot_input_init(&snapshot->input, fd, name)
			 : snapshot_input_init_stream(&snapshot->input, fd, name, head);
	if (!error)
		error = snapshot_scan_init(&snapshot->scan, &snapshot->input);
	if (!error)
		error = frame_store_init(&snapshot->forward.store, &snapshot->input, name);
	if (error)
		return error;
	bulk_cache_init(&snapshot->bulk, &snapshot->forward.store.source, snapshot->scan.decoder);
	*ret = TAKE_POINTER(snapshot);
	return NULL;
}

/* The epoch cannot be read on from here, and each of its further samples says so. */
static struct error *give_up_epoch(struct snapshot *snapshot, struct error *error)
{
	if (!error || error->code == ERROR_OUT_OF_MEMORY)
		return error;
	snapshot->forward.broken = error;
	return NULL;
}

static struct error *broken_error(const struct snapshot *snapshot)
{
	const struct error *broken = snapshot->forward.broken;
	struct error *error = error_create(broken->code, "%s", broken->message);
	return error_prefix(error, "cannot read sample %zu of %s", snapshot->selected + 1,
			    snapshot->name);
}

/* A SAMPLE chunk was come to: the sample counts, whether it can be read or not. */
static struct error *select_sample(struct snapshot *snapshot, int32_t pid,
				   struct snapshot_process_state *process)
{
	struct snapshot_forward *forward = &snapshot->forward;
	struct snapshot_roster *roster = &snapshot->catalog.roster;
	snapshot->selected = (size_t)snapshot->applied_samples++;
	snapshot->process = NULL;
	struct error *error = snapshot_roster_add(roster, pid, snapshot->selected);
	if (!error && !forward->broken)
		error = snapshot_state_find_ancestors(&snapshot->state, process);
	if (error)
		return error;
	if (forward->broken)
		return broken_error(snapshot);
	const struct roster_entry *entry = snapshot_roster_find(roster, pid);
	snapshot->selected_number = entry ? entry->samples - 1 : 0;
	snapshot->process = process;
	return NULL;
}

/* Apply the chunks of the content up to and with the next sample. */
static struct error *apply_content(struct snapshot *snapshot, bool *ret_any)
{
	struct snapshot_forward *forward = &snapshot->forward;
	struct block_chunk chunk;
	while (block_next_chunk(&snapshot->chunks, &chunk)) {
		struct snapshot_process_state *sampled = NULL;
		struct error *error = NULL;
		if (!forward->broken)
			error = give_up_epoch(
				snapshot, snapshot_state_apply(&snapshot->state, &chunk, &sampled));
		if (error)
			return error;
		if (!block_chunk_is_sample(&chunk))
			continue;
		*ret_any = true;
		return select_sample(snapshot, block_chunk_pid(&chunk), sampled);
	}
	return NULL;
}

/* The block was checked: its chunks are MEMORY with PUTs. */
static struct error *add_bulk(struct snapshot *snapshot, const struct buffer *content,
			      uint32_t number)
{
	struct block_cursor chunks = block_chunks(content->data, content->size);
	struct block_chunk chunk;
	while (block_next_chunk(&chunks, &chunk)) {
		struct memory_chunk memory = memory_chunk_read(chunk.payload);
		struct memory_operation operation;
		while (memory_chunk_next(&memory, &operation)) {
			const struct range_entry extent = {
				.address = operation.address,
				.size = (uint32_t)operation.size,
				.number = number,
				.offset = (uint32_t)(operation.bytes - content->data),
			};
			struct error *error =
				snapshot_state_add_bulk(&snapshot->state, memory.pid, &extent);
			if (error)
				return error;
		}
	}
	return NULL;
}

/* Bulk memory is not held: the store knows where it is. */
static struct error *take_bulk(struct snapshot *snapshot, const struct scan_frame *frame)
{
	uint32_t number;
	if (snapshot->forward.broken)
		return NULL;
	struct error *error =
		frame_store_add(&snapshot->forward.store, frame, FRAME_STORE_EPOCH, &number);
	if (error)
		return error;
	return give_up_epoch(snapshot, add_bulk(snapshot, &snapshot->scan.content, number));
}

/* A frame with chunks; those with parts of images are kept. */
static struct error *take_ordinary(struct snapshot *snapshot, const struct scan_frame *frame)
{
	struct frame_store *store = &snapshot->forward.store;
	struct snapshot_images *images = &snapshot->catalog.images;
	size_t parts = images->part_count;
	uint32_t number;
	struct error *error =
		snapshot_images_add(images, store->next_number, &snapshot->scan.content);
	if (!error && images->part_count > parts)
		error = frame_store_add(store, frame, FRAME_STORE_ALWAYS, &number);
	if (error)
		return error;
	/* Memory that is read between two samples needs the scan's decoder, but not its content. */
	struct buffer content = snapshot->content;
	snapshot->content = snapshot->scan.content;
	snapshot->scan.content = content;
	snapshot->chunks = block_chunks(snapshot->content.data, snapshot->content.size);
	snapshot_state_begin_block(&snapshot->state);
	return NULL;
}

static struct error *take_frame(struct snapshot *snapshot, const struct scan_frame *frame)
{
	struct snapshot_forward *forward = &snapshot->forward;
	if (!frame->summary.header.frame) {
		snapshot_state_deinit(&snapshot->state);
		snapshot->process = NULL;
		error_destroy(forward->broken);
		forward->broken = NULL;
		frame_store_begin_epoch(&forward->store);
	}
	return frame->summary.header.flags & SNAPSHOT_BLOCK_BULK ? take_bulk(snapshot, frame)
								 : take_ordinary(snapshot, frame);
}

static struct error *finish(struct snapshot *snapshot)
{
	struct snapshot_forward *forward = &snapshot->forward;
	struct error *error = NULL;
	if (!forward->finished)
		error = snapshot_follow_finish(&snapshot->follow, &snapshot->catalog.roster);
	forward->finished = true;
	if (error || snapshot->follow.sample_count)
		return error;
	if (!snapshot->follow.offset)
		return error_create(ERROR_TRUNCATED, "%s is empty", snapshot->name);
	return snapshot_follow_no_sample(&snapshot->follow);
}

static struct error *step(struct snapshot *snapshot, enum snapshot_status *ret)
{
	for (;;) {
		bool any = false;
		struct error *error = apply_content(snapshot, &any);
		*ret = SNAPSHOT_SAMPLE;
		if (error && (!any || error->code == ERROR_OUT_OF_MEMORY))
			snapshot->forward.finished = true;
		if (error || any)
			return error;
		struct scan_frame frame;
		enum follow_status status;
		error = snapshot_follow_next(&snapshot->follow, &frame, &status);
		snapshot->forward.foreign =
			error && error->code == ERROR_FORMAT && !snapshot->follow.offset;
		*ret = SNAPSHOT_WAIT;
		if (!error && status == FOLLOW_WAIT)
			return NULL;
		if (!error && status == FOLLOW_FRAME)
			error = take_frame(snapshot, &frame);
		*ret = SNAPSHOT_ENDED;
		if (!error && status == FOLLOW_END)
			return finish(snapshot);
		if (error) {
			snapshot->forward.finished = true;
			return error;
		}
	}
}

struct error *snapshot_try_next(struct snapshot *snapshot, enum snapshot_status *ret)
{
	snapshot->input.no_wait = true;
	return step(snapshot, ret);
}

struct error *snapshot_next(struct snapshot *snapshot, bool *ret_any)
{
	enum snapshot_status status;
	snapshot->input.no_wait = false;
	struct error *error = step(snapshot, &status);
	if (!error)
		*ret_any = status == SNAPSHOT_SAMPLE;
	return error;
}

bool snapshot_can_go_on(const struct snapshot *snapshot)
{
	return !snapshot->forward.finished;
}

bool snapshot_take_head(struct snapshot *snapshot, struct buffer *ret)
{
	if (!snapshot->input.stream || !snapshot->forward.foreign)
		return false;
	*ret = snapshot->input.window;
	snapshot->input.window = (struct buffer){0};
	return true;
}

uint64_t snapshot_position_bytes(const struct snapshot *snapshot)
{
	return snapshot->follow.offset;
}

uint64_t snapshot_size_bytes(const struct snapshot *snapshot)
{
	return snapshot->input.stream ? 0 : snapshot->input.size_bytes;
}
