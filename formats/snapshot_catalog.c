#include "formats/snapshot_catalog.h"

#include <stdio.h>
#include <stdlib.h>

#include "formats/snapshot_format.h"

/* A place where something is wrong, until it is known what it cost. */
struct incident {
	bool open;
	bool cut;
	uint64_t offset;
	uint64_t end;
	uint64_t samples; /* seen, but of no use */
	const char *problem;
};

struct pass {
	struct snapshot_catalog *catalog;
	struct snapshot_scan *scan;
	const char *name;
	struct incident incident;
	bool has_log;
	bool usable; /* all that the epoch's next frame needs was read */
	uint32_t log_number;
	uint32_t epoch;
	uint32_t next_frame;
	uint32_t next_ordinary;
	uint64_t log_samples; /* in this log so far, those lost included */
};

void snapshot_catalog_deinit(struct snapshot_catalog *catalog)
{
	free(catalog->frames);
	free(catalog->extents);
	snapshot_images_deinit(&catalog->images);
	snapshot_losses_deinit(&catalog->losses);
	snapshot_roster_deinit(&catalog->roster);
	*catalog = (struct snapshot_catalog){0};
}

static void incident_open(struct pass *pass, uint64_t offset, uint64_t end, const char *problem)
{
	if (!pass->incident.open)
		pass->incident =
			(struct incident){.open = true, .offset = offset, .problem = problem};
	pass->incident.end = end;
}

/* Say what an incident cost; `cost` is the end of the sentence. */
static struct error *incident_close(struct pass *pass, const char *cost)
{
	struct incident incident = pass->incident;
	unsigned long long offset = incident.offset;
	unsigned long long bytes = incident.end - incident.offset;
	unsigned long long samples = pass->catalog->sample_count;
	pass->incident = (struct incident){0};
	if (pass->catalog->ended)
		return snapshot_losses_add(&pass->catalog->losses,
					   "%llu bytes at offset %llu, after the end of the "
					   "snapshot, do not belong to it",
					   bytes, offset);
	if (incident.cut)
		return snapshot_losses_add(&pass->catalog->losses,
					   "the file is cut after sample %llu: %llu bytes at "
					   "offset %llu are not a whole frame",
					   samples, bytes, offset);
	return snapshot_losses_add(&pass->catalog->losses,
				   "damaged after sample %llu: %llu bytes at offset %llu cannot be "
				   "used (%s); %s",
				   samples, bytes, offset, incident.problem, cost);
}

static struct error *incident_close_samples(struct pass *pass, uint64_t lost, bool at_least)
{
	char cost[96];
	if (at_least && !lost)
		snprintf(cost, sizeof(cost), "samples lost: unknown");
	else
		snprintf(cost, sizeof(cost), "samples lost: %s%llu", at_least ? "at least " : "",
			 (unsigned long long)lost);
	return incident_close(pass, cost);
}

static struct error *add_extent(struct snapshot_catalog *catalog,
				const struct catalog_extent *extent)
{
	if (catalog->extent_count == catalog->extent_capacity) {
		size_t capacity = catalog->extent_capacity ? catalog->extent_capacity * 2 : 64;
		struct catalog_extent *extents =
			reallocarray(catalog->extents, capacity, sizeof(*extents));
		if (!extents)
			return &error_out_of_memory;
		catalog->extents = extents;
		catalog->extent_capacity = capacity;
	}
	catalog->extents[catalog->extent_count++] = *extent;
	return NULL;
}

/* The block was checked: its chunks are MEMORY with PUTs. */
static struct error *add_extents(struct pass *pass, const struct buffer *content)
{
	struct cursor cursor = cursor_make(content->data, content->size);
	cursor_skip(&cursor, SNAPSHOT_BLOCK_HEADER_SIZE);
	struct block_chunk chunk;
	while (block_next_chunk(&cursor, &chunk)) {
		struct memory_chunk memory = memory_chunk_read(chunk.payload);
		struct memory_operation operation;
		while (memory_chunk_next(&memory, &operation)) {
			struct catalog_extent extent = {
				.address = operation.address,
				.size = (uint32_t)operation.size,
				.content_offset = (uint32_t)(operation.bytes - content->data),
				.pid = memory.pid,
			};
			struct error *error = add_extent(pass->catalog, &extent);
			if (error)
				return error;
		}
	}
	return NULL;
}

/* Whose samples they are. */
static struct error *count_samples(struct snapshot_catalog *catalog, const struct buffer *content)
{
	uint64_t sample = catalog->sample_count;
	struct cursor cursor = cursor_make(content->data, content->size);
	cursor_skip(&cursor, SNAPSHOT_BLOCK_HEADER_SIZE);
	struct block_chunk chunk;
	while (block_next_chunk(&cursor, &chunk)) {
		if (chunk.type != SNAPSHOT_CHUNK_SAMPLE)
			continue;
		int32_t pid = block_chunk_pid(&chunk.payload);
		struct error *error = snapshot_roster_add(&catalog->roster, pid, sample++);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *add_frame(struct pass *pass, const struct scan_frame *frame)
{
	struct snapshot_catalog *catalog = pass->catalog;
	if (catalog->frame_count == catalog->frame_capacity) {
		size_t capacity = catalog->frame_capacity ? catalog->frame_capacity * 2 : 16;
		struct catalog_frame *frames =
			reallocarray(catalog->frames, capacity, sizeof(*frames));
		if (!frames)
			return &error_out_of_memory;
		catalog->frames = frames;
		catalog->frame_capacity = capacity;
	}
	struct catalog_frame row = {
		.offset = frame->offset,
		.first_sample = catalog->sample_count,
		.first_extent = catalog->extent_count,
		.size = (uint32_t)frame->extent.size,
		.content_size = (uint32_t)frame->extent.content_size,
		.epoch = catalog->epoch_count - 1,
		.samples = frame->summary.samples,
		.bulk = frame->summary.header.flags & SNAPSHOT_BLOCK_BULK,
	};
	if (row.bulk) {
		struct error *error = add_extents(pass, &pass->scan->content);
		if (error)
			return error;
		row.extents = (uint32_t)(catalog->extent_count - row.first_extent);
	} else {
		struct error *error = snapshot_images_add(
			&catalog->images, (uint32_t)catalog->frame_count, &pass->scan->content);
		if (error)
			return error;
	}
	if (row.samples) {
		struct error *error = count_samples(catalog, &pass->scan->content);
		if (error)
			return error;
	}
	catalog->frames[catalog->frame_count++] = row;
	catalog->sample_count += row.samples;
	catalog->unknown_chunks += frame->summary.unknown_chunks;
	return NULL;
}

/* An epoch needs nothing before it; its header says how many samples there should have been. */
static struct error *begin_epoch(struct pass *pass, const struct scan_frame *frame)
{
	const struct block_summary *summary = &frame->summary;
	bool same_log = pass->has_log && summary->header.log_number == pass->log_number;
	uint64_t expected = same_log ? pass->log_samples : 0;
	uint64_t lost = summary->samples_before > expected ? summary->samples_before - expected : 0;
	uint64_t first_epoch = same_log ? (uint64_t)pass->epoch + 1 : 0;
	struct error *error = NULL;
	if (pass->has_log && !same_log && !pass->catalog->ended)
		error = snapshot_losses_add(&pass->catalog->losses,
					    "the capture before offset %llu has no end mark",
					    (unsigned long long)frame->offset);
	if (!error && pass->incident.open)
		error = incident_close_samples(pass, lost, pass->has_log && !same_log);
	else if (!error && (lost || summary->header.epoch != first_epoch))
		error = snapshot_losses_add(&pass->catalog->losses,
					    "frames are missing before offset %llu; samples "
					    "lost: %llu",
					    (unsigned long long)frame->offset,
					    (unsigned long long)lost);
	if (error)
		return error;
	pass->has_log = pass->usable = true;
	pass->catalog->ended = false;
	pass->catalog->epoch_count++;
	pass->log_number = summary->header.log_number;
	pass->epoch = summary->header.epoch;
	pass->next_frame = pass->next_ordinary = 0;
	pass->log_samples = summary->samples_before;
	return NULL;
}

/* Within an epoch: is it the next frame, or are only bulk frames missing before it? */
static struct error *continue_epoch(struct pass *pass, const struct scan_frame *frame)
{
	const struct block_header *header = &frame->summary.header;
	bool follows = pass->usable && header->log_number == pass->log_number &&
		       header->epoch == pass->epoch && header->frame >= pass->next_frame &&
		       header->ordinary == pass->next_ordinary;
	if (!follows) {
		pass->usable = false;
		return NULL;
	}
	uint32_t missing = header->frame - pass->next_frame;
	if (!missing)
		return pass->incident.open ? incident_close(pass, "nothing is missing") : NULL;
	incident_open(pass, frame->offset, frame->offset, "frames are missing");
	char cost[96];
	snprintf(cost, sizeof(cost), "pieces of memory lost: %lu", (unsigned long)missing);
	return incident_close(pass, cost);
}

static struct error *check_end(struct pass *pass, const struct scan_frame *frame)
{
	if (!frame->summary.has_end)
		return NULL;
	pass->catalog->ended = true;
	if (frame->summary.end_samples == pass->log_samples)
		return NULL;
	return snapshot_losses_add(
		&pass->catalog->losses,
		"the end mark tells of %llu samples, but there were %llu before it",
		(unsigned long long)frame->summary.end_samples,
		(unsigned long long)pass->log_samples);
}

static struct error *accept_frame(struct pass *pass, const struct scan_frame *frame)
{
	const struct block_header *header = &frame->summary.header;
	bool later = !pass->has_log || header->log_number != pass->log_number ||
		     header->epoch > pass->epoch;
	struct error *error = NULL;
	if (header->frame)
		error = continue_epoch(pass, frame);
	else if (later)
		error = begin_epoch(pass, frame);
	else
		pass->usable = false;
	if (error)
		return error;
	if (!pass->usable || pass->catalog->ended) {
		incident_open(pass, frame->offset, frame->offset + frame->extent.size,
			      "frames before it are missing");
		pass->incident.samples += frame->summary.samples;
		return NULL;
	}
	pass->next_frame = header->frame + 1;
	pass->next_ordinary = header->ordinary + !(header->flags & SNAPSHOT_BLOCK_BULK);
	error = add_frame(pass, frame);
	if (error)
		return error;
	pass->log_samples += frame->summary.samples;
	return check_end(pass, frame);
}

/* Go to the next whole frame after something that is none. */
static struct error *resynchronise(struct pass *pass, const struct scan_frame *frame,
				   uint64_t *offset)
{
	uint64_t end = pass->scan->input->size_bytes;
	uint64_t found;
	struct error *error =
		snapshot_scan_search(pass->scan, frame->offset + 1, end,
				     pass->has_log ? &pass->log_number : NULL, &found);
	if (error)
		return error;
	bool was_open = pass->incident.open;
	incident_open(pass, frame->offset, found, scan_frame_problem(frame));
	if (!was_open)
		pass->incident.cut = found == end && frame->frame_status == FRAME_SHORT;
	pass->catalog->cut |= pass->incident.cut;
	*offset = found;
	return NULL;
}

/* What begins neither with a frame nor with a cut one is not for us at all. */
static struct error *check_first(struct pass *pass, const struct scan_frame *frame)
{
	pass->catalog->version = frame->summary.header.version;
	if (frame->frame_status == FRAME_FOREIGN || frame->block_status == BLOCK_FOREIGN)
		return error_create(ERROR_FORMAT, "%s is not a snapshot", pass->name);
	if (frame->block_status == BLOCK_NEWER)
		return error_create(ERROR_UNSUPPORTED,
				    "%s is a snapshot of container version %u, and this program "
				    "reads versions up to %u; use a newer pyspy-analyze",
				    pass->name, frame->summary.header.version, SNAPSHOT_VERSION);
	return NULL;
}

static struct error *finish(struct pass *pass)
{
	struct snapshot_catalog *catalog = pass->catalog;
	bool told = pass->incident.open;
	struct error *error = NULL;
	if (told)
		error = incident_close_samples(pass, pass->incident.samples, true);
	if (!error && !told && !catalog->ended)
		error = snapshot_losses_add(&catalog->losses,
					    "the file has no end mark after sample %llu: the "
					    "capture was interrupted, or the file is cut",
					    (unsigned long long)catalog->sample_count);
	snapshot_roster_finish(&catalog->roster);
	if (!error && catalog->roster.cut)
		error = snapshot_losses_add(&catalog->losses,
					    "the file has samples of more than %zu processes; the "
					    "others are left out",
					    catalog->roster.count);
	return error ? error : snapshot_losses_finish(&catalog->losses);
}

struct error *snapshot_catalog_read(struct snapshot_catalog *catalog, struct snapshot_scan *scan,
				    const char *name)
{
	struct pass pass = {.catalog = catalog, .scan = scan, .name = name};
	uint64_t end = scan->input->size_bytes;
	uint64_t offset = 0;
	while (offset < end) {
		struct scan_frame frame;
		struct error *error = snapshot_scan_read(scan, offset, &frame);
		if (!error && !offset)
			error = check_first(&pass, &frame);
		if (error)
			return error;
		catalog->unsupported |= frame.block_status == BLOCK_NEWER ||
					frame.block_status == BLOCK_UNSUPPORTED;
		if (frame.frame_status == FRAME_OK && frame.extent.skippable) {
			offset += frame.extent.size;
			continue;
		}
		if (scan_frame_ok(&frame)) {
			offset += frame.extent.size;
			error = accept_frame(&pass, &frame);
		} else {
			error = resynchronise(&pass, &frame, &offset);
		}
		if (error)
			return error;
	}
	return finish(&pass);
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
