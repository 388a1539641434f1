#include "formats/snapshot_reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_parts.h"

enum {
	/* How far into a file that begins like a snapshot its first whole frame is searched. */
	RECOGNIZE_SEARCH = 1 << 20,
	RECOGNIZE_PEEK = 256 << 10,
};

/* What is given where nothing is selected. */
static const struct snapshot_process_state nothing;

static enum memory_status snapshot_read(struct memory *memory, uint64_t address, void *buffer,
					size_t size)
{
	struct snapshot *snapshot = (struct snapshot *)memory;
	if (!snapshot->process)
		return MEMORY_NOT_CAPTURED;
	enum memory_status status = log_memory_read(&snapshot->process->memory,
						    &snapshot->bulk.source, address, buffer, size);
	const struct mappings *mappings = &snapshot->process->mappings;
	if (status == MEMORY_NOT_CAPTURED && mappings->count && !mappings_find(mappings, address))
		return MEMORY_NOT_MAPPED;
	return status;
}

static bool snapshot_memory_next(struct memory *memory, uint64_t address, uint64_t end,
				 uint64_t *ret)
{
	const struct snapshot *snapshot = (const struct snapshot *)memory;
	return snapshot->process && log_memory_next(&snapshot->process->memory, address, end, ret);
}

static void borrowed_memory_destroy(struct memory *memory)
{
	(void)memory; /* borrowed; ends with the snapshot */
}

static const struct memory_operations snapshot_operations = {
	.read = snapshot_read,
	.next = snapshot_memory_next,
	.destroy = borrowed_memory_destroy,
};

void snapshot_forget_state(struct snapshot *snapshot)
{
	snapshot_state_deinit(&snapshot->state);
	snapshot->process = NULL;
	snapshot->begun = false;
	snapshot->applied_samples = 0;
}

static struct error *load_content(struct snapshot *snapshot, const struct catalog_frame *frame)
{
	struct frame_extent extent = {.size = frame->size, .content_size = frame->content_size};
	const uint8_t *bytes;
	size_t size;
	struct error *error =
		snapshot_input_view(&snapshot->input, frame->offset, frame->size, &bytes, &size);
	if (error)
		return error;
	enum frame_status status = FRAME_SHORT;
	if (size == frame->size)
		error = frame_decode(snapshot->scan.decoder, bytes, &extent, &snapshot->content,
				     &status);
	if (!error && status != FRAME_OK)
		error = error_create(ERROR_IO, "the file has changed at offset %llu",
				     (unsigned long long)frame->offset);
	return error;
}

/* Bulk memory is not read now: the catalog knows where it is. */
static struct error *apply_bulk(struct snapshot *snapshot, size_t number)
{
	const struct catalog_frame *frame = &snapshot->catalog.frames[number];
	for (uint32_t i = 0; i < frame->extents; i++) {
		const struct catalog_extent *extent =
			&snapshot->catalog.extents[frame->first_extent + i];
		struct range_entry entry = {
			.address = extent->address,
			.size = extent->size,
			.number = (uint32_t)number,
			.offset = extent->content_offset,
		};
		struct error *error =
			snapshot_state_add_bulk(&snapshot->state, extent->pid, &entry);
		if (error)
			return error;
	}
	return NULL;
}

/* Apply the chunks of the current frame, up to and with sample `until`; all if it is behind. */
static struct error *apply_content(struct snapshot *snapshot, uint64_t until)
{
	struct block_chunk chunk;
	while (block_next_chunk(&snapshot->chunks, &chunk)) {
		struct snapshot_process_state *sampled;
		struct error *error = snapshot_state_apply(&snapshot->state, &chunk, &sampled);
		if (error)
			return error;
		if (sampled) {
			snapshot->process = sampled;
			if (snapshot->applied_samples++ == until)
				break;
		}
	}
	return NULL;
}

static struct error *apply_frame(struct snapshot *snapshot, uint64_t until)
{
	const struct catalog_frame *frame = &snapshot->catalog.frames[snapshot->frame];
	if (frame->bulk)
		return apply_bulk(snapshot, snapshot->frame);
	if (!snapshot->begun) {
		struct error *error = load_content(snapshot, frame);
		if (error)
			return error;
		snapshot->chunks = block_chunks(snapshot->content.data, snapshot->content.size);
		snapshot->begun = true;
		snapshot->applied_samples = frame->first_sample;
		snapshot_state_begin_block(&snapshot->state);
	}
	return apply_content(snapshot, until);
}

/* Go on from where the log is applied to, or from the beginning of the sample's epoch. */
static struct error *replay(struct snapshot *snapshot, uint64_t sample)
{
	const struct snapshot_catalog *catalog = &snapshot->catalog;
	size_t target = snapshot_catalog_find(catalog, sample);
	bool ahead = snapshot->process && sample > snapshot->selected &&
		     catalog->frames[target].epoch == catalog->frames[snapshot->frame].epoch;
	if (!ahead) {
		snapshot_forget_state(snapshot);
		snapshot->frame = snapshot_catalog_epoch_start(catalog, target);
	}
	for (;;) {
		struct error *error = apply_frame(snapshot, sample);
		if (error)
			return error;
		if (snapshot->frame == target)
			return NULL;
		snapshot->frame++;
		snapshot->begun = false;
	}
}

static struct error *forward_only_error(const struct snapshot *snapshot)
{
	return error_create(ERROR_UNSUPPORTED, "%s is read forward only", snapshot->name);
}

struct error *snapshot_select(struct snapshot *snapshot, size_t index)
{
	if (snapshot->forward.on)
		return forward_only_error(snapshot);
	if (index >= snapshot->follow.sample_count)
		return error_create(ERROR_NOT_FOUND, "%s has no sample %zu; it has %llu",
				    snapshot->name, index + 1,
				    (unsigned long long)snapshot->follow.sample_count);
	if (snapshot->process && index == snapshot->selected)
		return NULL;
	struct error *error = replay(snapshot, index);
	if (!error)
		error = snapshot_state_find_ancestors(&snapshot->state, snapshot->process);
	if (error) {
		snapshot_forget_state(snapshot);
		return error_prefix(error, "cannot read sample %zu of %s", index + 1,
				    snapshot->name);
	}
	snapshot->selected = index;
	return NULL;
}

/* Count the process's samples through the log up to the one that is sought. */
static struct error *find_sample(struct snapshot *snapshot, const struct roster_entry *entry,
				 uint64_t number, uint64_t *ret)
{
	const struct snapshot_catalog *catalog = &snapshot->catalog;
	uint64_t seen = 0;
	snapshot_forget_state(snapshot); /* its content is what is read over here */
	for (size_t i = snapshot_catalog_find(catalog, entry->first_sample);
	     i < catalog->frame_count; i++) {
		const struct catalog_frame *frame = &catalog->frames[i];
		struct error *error = frame->samples ? load_content(snapshot, frame) : NULL;
		if (error)
			return error;
		uint64_t sample = frame->first_sample;
		struct block_cursor chunks =
			block_chunks(snapshot->content.data, snapshot->content.size);
		struct block_chunk chunk;
		while (frame->samples && block_next_chunk(&chunks, &chunk)) {
			if (!block_chunk_is_sample(&chunk))
				continue;
			if (block_chunk_pid(&chunk) == entry->pid && seen++ == number) {
				*ret = sample;
				return NULL;
			}
			sample++;
		}
	}
	return error_create(ERROR_IO, "%s has changed while it was read", snapshot->name);
}

struct error *snapshot_select_of(struct snapshot *snapshot, size_t process, uint64_t number)
{
	const struct snapshot_roster *roster = &snapshot->catalog.roster;
	if (process >= roster->count)
		return error_create(ERROR_NOT_FOUND, "%s has no process %zu", snapshot->name,
				    process + 1);
	if (snapshot->forward.on)
		return forward_only_error(snapshot);
	const struct roster_entry *entry = &roster->entries[process];
	uint64_t sample = entry->first_sample;
	struct error *error = NULL;
	if (number == SNAPSHOT_LAST)
		number = entry->samples - 1;
	if (number >= entry->samples)
		return error_create(ERROR_NOT_FOUND, "there is no sample %llu of %llu",
				    (unsigned long long)number + 1,
				    (unsigned long long)entry->samples);
	if (number == entry->samples - 1)
		sample = entry->last_sample;
	else if (roster->count == 1)
		sample += number;
	else if (number)
		error = find_sample(snapshot, entry, number, &sample);
	if (!error)
		error = snapshot_select(snapshot, (size_t)sample);
	if (!error)
		snapshot->selected_number = number;
	return error;
}

size_t snapshot_process_count(const struct snapshot *snapshot)
{
	return snapshot->catalog.roster.count;
}

const struct roster_entry *snapshot_process_entry(const struct snapshot *snapshot, size_t index)
{
	return &snapshot->catalog.roster.entries[index];
}

uint64_t snapshot_process_samples(const struct snapshot *snapshot, int32_t pid)
{
	const struct roster_entry *entry = snapshot_roster_find(&snapshot->catalog.roster, pid);
	return entry ? entry->samples : 0;
}

uint64_t snapshot_selected_number(const struct snapshot *snapshot)
{
	return snapshot->selected_number;
}

uint64_t snapshot_selected_count(const struct snapshot *snapshot)
{
	return snapshot->process ? snapshot_process_samples(snapshot, snapshot->process->pid) : 0;
}

const struct process_facts *snapshot_known_process(const struct snapshot *snapshot, size_t index)
{
	const struct snapshot_state *state = &snapshot->state;
	return index < state->count ? &state->processes[index]->facts : NULL;
}

static struct error *view_catalogued(struct frame_source *source, uint32_t number,
				     const uint8_t **ret, struct frame_extent *ret_extent)
{
	struct snapshot *snapshot =
		(struct snapshot *)((char *)source - offsetof(struct snapshot, frames));
	*ret = NULL;
	if (number >= snapshot->catalog.frame_count)
		return NULL;
	const struct catalog_frame *frame = &snapshot->catalog.frames[number];
	const uint8_t *bytes;
	size_t size;
	struct error *error =
		snapshot_input_view(&snapshot->input, frame->offset, frame->size, &bytes, &size);
	if (error || size < frame->size)
		return error;
	*ret = bytes;
	*ret_extent = (struct frame_extent){
		.size = frame->size,
		.content_size = frame->content_size,
	};
	return NULL;
}

static struct error *open_catalog(struct snapshot *snapshot)
{
	if (!snapshot->input.size_bytes)
		return error_create(ERROR_TRUNCATED, "%s is empty", snapshot->name);
	struct error *error = snapshot_catalog_read(&snapshot->catalog, &snapshot->follow);
	if (error)
		return error;
	if (!snapshot->follow.sample_count)
		return snapshot_follow_no_sample(&snapshot->follow);
	return snapshot_select_of(snapshot, 0, SNAPSHOT_LAST);
}

struct error *snapshot_create(const char *name, struct snapshot **ret)
{
	__attribute__((cleanup(snapshot_destroyp))) struct snapshot *snapshot =
		calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return &error_out_of_memory;
	snapshot->memory.operations = &snapshot_operations;
	snapshot->input.fd = -1;
	snapshot->name = strdup(name);
	if (!snapshot->name)
		return &error_out_of_memory;
	snapshot->follow = (struct snapshot_follow){
		.scan = &snapshot->scan,
		.name = snapshot->name,
	};
	*ret = TAKE_POINTER(snapshot);
	return NULL;
}

struct error *snapshot_open(int fd, const char *name, struct snapshot **ret)
{
	CLEANUP(snapshot_destroyp) struct snapshot *snapshot = NULL;
	struct error *error = snapshot_create(name, &snapshot);
	if (!error)
		error = snapshot_input_init(&snapshot->input, fd, name);
	if (!error)
		error = snapshot_scan_init(&snapshot->scan, &snapshot->input);
	if (error)
		return error;
	snapshot->frames.view = view_catalogued;
	bulk_cache_init(&snapshot->bulk, &snapshot->frames, snapshot->scan.decoder);
	error = open_catalog(snapshot);
	if (error)
		return error;
	*ret = TAKE_POINTER(snapshot);
	return NULL;
}

void snapshot_destroy(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	snapshot_state_deinit(&snapshot->state);
	bulk_cache_deinit(&snapshot->bulk);
	snapshot_catalog_deinit(&snapshot->catalog);
	snapshot_follow_deinit(&snapshot->follow);
	frame_store_deinit(&snapshot->forward.store);
	snapshot_roster_deinit(&snapshot->forward.all);
	error_destroy(snapshot->forward.broken);
	snapshot_scan_deinit(&snapshot->scan);
	snapshot_input_deinit(&snapshot->input);
	buffer_deinit(&snapshot->content);
	free(snapshot->name);
	free(snapshot);
}

void snapshot_destroyp(struct snapshot **snapshot)
{
	snapshot_destroy(*snapshot);
}

/* The content of the first frame begins with a block header; it need not be whole. */
static struct error *recognize(struct snapshot_input *input, bool *ret)
{
	const uint8_t *bytes;
	size_t size;
	struct error *error = snapshot_input_view(input, 0, RECOGNIZE_PEEK, &bytes, &size);
	if (error)
		return error;
	struct frame_extent extent;
	size_t need;
	enum frame_status status = frame_measure(bytes, size, &extent, &need);
	uint8_t content[SNAPSHOT_BLOCK_HEADER_SIZE];
	size_t content_size = 0;
	if (status == FRAME_OK || status == FRAME_SHORT)
		content_size = frame_peek(bytes, size, content, sizeof(content));
	struct cursor cursor = cursor_make(content, content_size);
	if (content_size) {
		*ret = cursor_u32(&cursor) == SNAPSHOT_BLOCK_MAGIC;
		return NULL;
	}
	/* Cut within its first frame: the little that is there has our form. */
	if (status == FRAME_SHORT && size == input->size_bytes && size >= sizeof(uint32_t)) {
		*ret = true;
		return NULL;
	}
	/* Damaged at its beginning, it can still be whole further on. */
	struct snapshot_scan scan;
	error = snapshot_scan_init(&scan, input);
	if (error)
		return error;
	uint64_t end = input->size_bytes < RECOGNIZE_SEARCH ? input->size_bytes : RECOGNIZE_SEARCH;
	uint64_t found = end;
	if (status != FRAME_FOREIGN)
		error = snapshot_scan_search(&scan, 0, end, NULL, &found);
	snapshot_scan_deinit(&scan);
	*ret = found < end;
	return error;
}

bool snapshot_recognize(int fd)
{
	/* A pipe cannot be looked at without taking from it. */
	if (lseek(fd, 0, SEEK_CUR) < 0)
		return false;
	struct snapshot_input input = {.fd = -1};
	struct error *error = snapshot_input_init(&input, fd, "");
	bool recognized = false;
	if (!error)
		error = recognize(&input, &recognized);
	snapshot_input_deinit(&input);
	if (!error)
		return recognized;
	error_destroy(error);
	return false;
}

static const struct snapshot_process_state *selected_process(const struct snapshot *snapshot)
{
	return snapshot->process ? snapshot->process : &nothing;
}

size_t snapshot_sample_count(const struct snapshot *snapshot)
{
	return (size_t)(snapshot->forward.on ? snapshot->applied_samples
					     : snapshot->follow.sample_count);
}

size_t snapshot_selected(const struct snapshot *snapshot)
{
	return snapshot->selected;
}

const struct sample_facts *snapshot_sample(const struct snapshot *snapshot)
{
	return &selected_process(snapshot)->sample;
}

const struct process_facts *snapshot_process(const struct snapshot *snapshot)
{
	return &selected_process(snapshot)->facts;
}

const struct mappings *snapshot_mappings(const struct snapshot *snapshot)
{
	return &selected_process(snapshot)->mappings;
}

const struct modules *snapshot_modules(const struct snapshot *snapshot)
{
	return &selected_process(snapshot)->modules;
}

const struct thread_list *snapshot_threads(const struct snapshot *snapshot)
{
	return &selected_process(snapshot)->threads;
}

const struct python_location *snapshot_python(const struct snapshot *snapshot)
{
	const struct snapshot_process_state *process = selected_process(snapshot);
	return process->has_python ? &process->python : NULL;
}

struct memory *snapshot_memory(struct snapshot *snapshot)
{
	return &snapshot->memory;
}

void snapshot_take_touched(struct snapshot *snapshot, struct snapshot_touched *ret)
{
	struct snapshot_process_state *process = snapshot->process;
	if (!process) {
		*ret = (struct snapshot_touched){.everything = true};
		return;
	}
	struct touched_ranges *memory = &process->memory.touched;
	touched_ranges_take(memory);
	*ret = (struct snapshot_touched){
		.everything = memory->everything,
		.process = process->touched.process,
		.maps = process->touched.maps,
		.modules = process->touched.modules,
		.python = process->touched.python,
		.ranges = memory->items,
		.count = memory->count,
	};
	process->touched = (struct facts_touched){0};
}

/* A part of an image; left out if the file has changed since. */
static struct error *load_part(struct snapshot *snapshot, const struct snapshot_image_part *part,
			       struct module_image *image)
{
	const struct buffer *content =
		snapshot->bulk.source.content(&snapshot->bulk.source, part->frame);
	if (!content || part->content_offset > content->size ||
	    part->size > content->size - part->content_offset)
		return NULL;
	return memory_image_put(image->contents, part->offset, content->data + part->content_offset,
				part->size);
}

struct error *snapshot_module_image(struct snapshot *snapshot, const struct module *module,
				    int *ret_fd)
{
	__attribute__((cleanup(module_image_deinit))) struct module_image image = {0};
	const struct snapshot_image *found =
		snapshot_images_find(&snapshot->catalog.images, &module->build_id, module->path);
	*ret_fd = -1;
	if (!found)
		return NULL;
	struct error *error = module_image_init(&image);
	image.size = found->size;
	for (size_t i = 0; !error && i < found->part_count; i++)
		error = load_part(snapshot, &found->parts[i], &image);
	if (!error)
		error = module_image_file(&image, ret_fd);
	if (!error || error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	return NULL;
}

uint64_t snapshot_module_image_size(const struct snapshot *snapshot, const struct module *module)
{
	const struct snapshot_image *found =
		snapshot_images_find(&snapshot->catalog.images, &module->build_id, module->path);
	return found ? found->size : 0;
}

const char *const *snapshot_losses(const struct snapshot *snapshot)
{
	return (const char *const *)snapshot->follow.losses.messages;
}

uint64_t snapshot_whole_bytes(const struct snapshot *snapshot)
{
	return snapshot->follow.whole_bytes;
}

const char *snapshot_chunk_name(size_t type)
{
	static const char *const names[SNAPSHOT_CHUNK_COUNT] = {
		[SNAPSHOT_CHUNK_HEADER] = "header", [SNAPSHOT_CHUNK_PROCESS] = "process",
		[SNAPSHOT_CHUNK_MAPS] = "maps",	    [SNAPSHOT_CHUNK_MODULES] = "modules",
		[SNAPSHOT_CHUNK_PYTHON] = "python", [SNAPSHOT_CHUNK_THREADS] = "threads",
		[SNAPSHOT_CHUNK_SAMPLE] = "sample", [SNAPSHOT_CHUNK_MEMORY] = "memory",
		[SNAPSHOT_CHUNK_END] = "end",	    [SNAPSHOT_CHUNK_MODULE_IMAGE] = "module_image",
		[SNAPSHOT_CHUNK_STEPS] = "steps",   [SNAPSHOT_CHUNK_COUNTS] = "counts",
	};
	return type < SNAPSHOT_CHUNK_COUNT && names[type] ? names[type] : "unknown";
}

void snapshot_statistics(const struct snapshot *snapshot, struct snapshot_statistics *ret)
{
	const struct snapshot_follow *follow = &snapshot->follow;
	*ret = (struct snapshot_statistics){
		.version = follow->version,
		.file_bytes = snapshot->input.size_bytes,
		.frames = follow->frame_count,
		.epochs = follow->epoch_count,
		.unknown_chunks = follow->unknown_chunks,
		.ended = follow->ended,
		.has_counts = follow->has_counts,
		.counts = follow->counts_before,
	};
	sample_counts_add(&ret->counts, &follow->counts);
	memcpy(ret->chunk_bytes, follow->chunk_bytes, sizeof(ret->chunk_bytes));
	if (snapshot->process) {
		ret->memory_ranges = log_memory_ranges(&snapshot->process->memory);
		ret->memory_bytes = log_memory_bytes(&snapshot->process->memory);
	}
}
