#include "formats/snapshot_writer.h"

#include <stdlib.h>
#include <sys/random.h>

#include "common/clock.h"
#include "formats/perf_map.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_writer_parts.h"

enum {
	/* Blocks are as large as the compressor's window: larger ones gain nothing. */
	WRITER_BLOCK_BYTES = 512 << 10,
	/* Bulk memory is read here and there: a read decompresses a block. */
	WRITER_BULK_BLOCK_BYTES = 128 << 10,
	/* An epoch ends, at its next sample, when it has put this much or is this old: that much
	 * is lost at most with a bad frame. */
	WRITER_EPOCH_BYTES = 16 << 20,
	WRITER_EPOCH_SECONDS = 60,
	/* What every epoch says again is a small part of it, unless it becomes too old. */
	WRITER_EPOCH_SHARE = 20,
	WRITER_EPOCH_OLD_SECONDS = 300,
	/* Between two times that a run tells what became of its samples. */
	WRITER_COUNTS_SECONDS = 5,
};

/* Write the block as a frame. */
static struct error *write_block(struct snapshot_writer *writer)
{
	const void *bytes;
	size_t size;
	struct error *error = frame_encode(writer->encoder, writer->block.data, writer->block.size,
					   &bytes, &size);
	if (!error)
		error = output_file_write(writer->output, bytes, size);
	if (error)
		return error;
	if (!writer->frame)
		writer->epoch_first_bytes = size;
	writer->epoch_written_bytes += size;
	writer->written_bytes += size;
	buffer_clear(&writer->block);
	writer->frame++;
	writer->ordinary += !writer->bulk;
	return NULL;
}

static struct error *begin_block(struct snapshot_writer *writer, bool bulk)
{
	struct block_header header = {
		.version = SNAPSHOT_VERSION,
		.flags = bulk ? SNAPSHOT_BLOCK_BULK : 0,
		.log_number = writer->log_number,
		.epoch = writer->epoch,
		.frame = writer->frame,
		.ordinary = writer->ordinary,
	};
	writer->bulk = bulk;
	return block_header_append(&writer->block, &header);
}

size_t writer_block_limit(bool bulk)
{
	return bulk ? WRITER_BULK_BLOCK_BYTES : WRITER_BLOCK_BYTES;
}

struct error *writer_need_room(struct snapshot_writer *writer, bool bulk, size_t size)
{
	struct error *error = NULL;
	if (writer->block.size &&
	    (writer->bulk != bulk || writer->block.size + size > writer_block_limit(bulk)))
		error = write_block(writer);
	if (!error && !writer->block.size)
		error = begin_block(writer, bulk);
	return error;
}

static struct error *add_chunk(struct snapshot_writer *writer, uint16_t type, const void *payload,
			       size_t size)
{
	uint16_t flags = type == SNAPSHOT_CHUNK_STEPS ? SNAPSHOT_CHUNK_CRITICAL : 0;
	struct error *error = writer_need_room(writer, false, SNAPSHOT_CHUNK_HEADER_SIZE + size);
	if (error)
		return error;
	return block_chunk_append(&writer->block, type, flags, payload, size);
}

/* Put what is gathered for a chunk into the block. */
static struct error *close_chunk(struct snapshot_writer *writer, uint16_t type,
				 struct buffer *payload)
{
	if (!payload->size)
		return NULL;
	struct error *error = add_chunk(writer, type, payload->data, payload->size);
	buffer_clear(payload);
	return error;
}

struct error *writer_close_memory(struct snapshot_writer *writer)
{
	return close_chunk(writer, SNAPSHOT_CHUNK_MEMORY, &writer->memory);
}

struct error *writer_close_steps(struct snapshot_writer *writer)
{
	return close_chunk(writer, SNAPSHOT_CHUNK_STEPS, &writer->steps);
}

/* One of them has nothing: who gathers for the one closes the other. */
static struct error *close_gathered(struct snapshot_writer *writer)
{
	struct error *error = writer_close_memory(writer);
	return error ? error : writer_close_steps(writer);
}

/* Add chunks that are encoded already. */
static struct error *add_chunks(struct snapshot_writer *writer, const struct buffer *chunks)
{
	struct error *error = close_gathered(writer);
	struct block_cursor cursor = {.cursor = cursor_make(chunks->data, chunks->size)};
	struct block_chunk chunk;
	while (!error && block_next_chunk(&cursor, &chunk))
		error = add_chunk(writer, chunk.type, chunk.payload.data, chunk.payload.size);
	return error;
}

static struct error *add_record(struct snapshot_writer *writer, uint16_t type,
				const struct record_table *table, const void *object)
{
	struct error *error = close_gathered(writer);
	buffer_clear(&writer->scratch);
	if (!error)
		error = record_encode(&writer->scratch, table, object);
	if (!error)
		error = add_chunk(writer, type, writer->scratch.data, writer->scratch.size);
	return error;
}

/* Of a run, what is held of the threads is newer than what was said of them whole. */
static struct error *note_threads(struct snapshot_writer *writer)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && i < writer->held.count; i++) {
		const struct held_process *process = writer->held.items[i];
		const struct thread_list *threads = &process->threads;
		const struct buffer *chunks;
		if (process->has_threads)
			error = facts_writer_list(&writer->facts, SNAPSHOT_CHUNK_THREADS,
						  process->pid, &snapshot_thread_table,
						  threads->items, sizeof(*threads->items),
						  threads->count, &chunks);
	}
	return error;
}

/* The header, and all that is known of the processes: what follows needs nothing before it. */
static struct error *begin_epoch(struct snapshot_writer *writer)
{
	char program[] = "pyspy " PYSPY_VERSION;
	char name[] = SNAPSHOT_NAME;
	struct snapshot_header header = {
		.name = name,
		.writer = program,
		.time_ns = clock_ns(CLOCK_REALTIME),
		.samples_before = writer->counts.samples,
	};
	writer->frame = writer->ordinary = 0;
	writer->epoch_bytes = writer->epoch_written_bytes = 0;
	writer->epoch_has_bulk = false;
	snapshot_held_begin_epoch(&writer->held);
	writer->epoch_began_ns = clock_ns(CLOCK_MONOTONIC);
	struct error *error =
		add_record(writer, SNAPSHOT_CHUNK_HEADER, &snapshot_header_table, &header);
	if (!error)
		error = note_threads(writer);
	for (size_t i = 0; !error && i < writer->facts.count; i++) {
		for (size_t j = 0; !error && j < FACTS_SLOTS; j++)
			error = add_chunks(writer, &writer->facts.processes[i].chunks[j]);
	}
	return error;
}

static bool is_epoch_over(const struct snapshot_writer *writer)
{
	uint64_t age_seconds = (clock_ns(CLOCK_MONOTONIC) - writer->epoch_began_ns) / 1000000000;
	if (writer->epoch_has_bulk || writer->epoch_bytes >= WRITER_EPOCH_BYTES ||
	    age_seconds >= WRITER_EPOCH_OLD_SECONDS)
		return true;
	return age_seconds >= WRITER_EPOCH_SECONDS &&
	       writer->epoch_written_bytes / WRITER_EPOCH_SHARE >= writer->epoch_first_bytes;
}

struct error *writer_before_memory(struct snapshot_writer *writer)
{
	if (!writer->sampled)
		return NULL;
	writer->sampled = false;
	if (!is_epoch_over(writer))
		return NULL;
	struct error *error = snapshot_writer_flush(writer);
	if (error)
		return error;
	writer->epoch++;
	return begin_epoch(writer);
}

struct error *snapshot_writer_create(struct output_file *output, struct snapshot_writer **ret)
{
	__attribute__((cleanup(snapshot_writer_destroyp))) struct snapshot_writer *writer =
		calloc(1, sizeof(*writer));
	if (!writer)
		return &error_out_of_memory;
	writer->output = output;
	/* Early in a boot there may be no random bytes; then the clock has to do. */
	if (getrandom(&writer->log_number, sizeof(writer->log_number), GRND_NONBLOCK) !=
	    sizeof(writer->log_number))
		writer->log_number = (uint32_t)clock_ns(CLOCK_REALTIME);
	struct error *error = frame_encoder_create(&writer->encoder);
	if (!error)
		error = buffer_reserve(&writer->block, WRITER_BLOCK_BYTES);
	if (!error)
		error = begin_epoch(writer);
	if (error)
		return error;
	*ret = writer;
	writer = NULL;
	return NULL;
}

void snapshot_writer_destroy(struct snapshot_writer *writer)
{
	if (!writer)
		return;
	frame_encoder_destroy(writer->encoder);
	facts_writer_deinit(&writer->facts);
	buffer_deinit(&writer->block);
	buffer_deinit(&writer->memory);
	buffer_deinit(&writer->steps);
	buffer_deinit(&writer->step);
	buffer_deinit(&writer->scratch);
	snapshot_images_deinit(&writer->images);
	snapshot_held_deinit(&writer->held);
	free(writer);
}

void snapshot_writer_destroyp(struct snapshot_writer **writer)
{
	snapshot_writer_destroy(*writer);
}

static struct error *add_list(struct snapshot_writer *writer, enum snapshot_chunk type, int32_t pid,
			      const struct record_table *table, const void *items, size_t item_size,
			      size_t count)
{
	const struct buffer *chunks;
	struct error *error = facts_writer_list(&writer->facts, type, pid, table, items, item_size,
						count, &chunks);
	return error ? error : add_chunks(writer, chunks);
}

static struct error *add_facts(struct snapshot_writer *writer, enum snapshot_chunk type,
			       int32_t pid, const struct record_table *table, const void *object)
{
	const struct buffer *chunks;
	struct error *error =
		facts_writer_record(&writer->facts, type, pid, table, object, &chunks);
	return error ? error : add_chunks(writer, chunks);
}

struct error *snapshot_writer_process(struct snapshot_writer *writer,
				      const struct process_facts *facts)
{
	return add_facts(writer, SNAPSHOT_CHUNK_PROCESS, facts->pid, &snapshot_process_table,
			 facts);
}

struct error *snapshot_writer_mappings(struct snapshot_writer *writer, int32_t pid,
				       const struct mappings *mappings)
{
	return add_list(writer, SNAPSHOT_CHUNK_MAPS, pid, &snapshot_mapping_table, mappings->items,
			sizeof(*mappings->items), mappings->count);
}

struct error *snapshot_writer_modules(struct snapshot_writer *writer, int32_t pid,
				      const struct modules *modules)
{
	return add_list(writer, SNAPSHOT_CHUNK_MODULES, pid, &snapshot_module_table, modules->items,
			sizeof(*modules->items), modules->count);
}

struct error *snapshot_writer_python(struct snapshot_writer *writer, int32_t pid,
				     const struct python_location *location)
{
	return add_facts(writer, SNAPSHOT_CHUNK_PYTHON, pid, &snapshot_python_table, location);
}

struct error *writer_threads_whole(struct snapshot_writer *writer, int32_t pid,
				   const struct thread_list *threads)
{
	return add_list(writer, SNAPSHOT_CHUNK_THREADS, pid, &snapshot_thread_table, threads->items,
			sizeof(*threads->items), threads->count);
}

struct error *snapshot_writer_threads(struct snapshot_writer *writer, int32_t pid,
				      const struct thread_list *threads)
{
	return writer->only_changes ? writer_threads_changes(writer, pid, threads)
				    : writer_threads_whole(writer, pid, threads);
}

/* What a reader holds of it until the epoch ends counts like memory. */
struct error *snapshot_writer_retire(struct snapshot_writer *writer, int32_t pid)
{
	writer->epoch_bytes += facts_writer_retire(&writer->facts, pid);
	return snapshot_held_forget(&writer->held, pid);
}

struct error *snapshot_writer_forget(struct snapshot_writer *writer, int32_t pid)
{
	facts_writer_forget(&writer->facts, pid);
	return snapshot_held_forget(&writer->held, pid);
}

void snapshot_writer_write_changes(struct snapshot_writer *writer)
{
	writer->only_changes = true;
	writer->counts_written_ns = clock_ns(CLOCK_MONOTONIC);
}

static struct error *add_image_part(struct snapshot_writer *writer,
				    const struct module_image *image, uint64_t offset,
				    const void *bytes, size_t size)
{
	buffer_clear(&writer->scratch);
	struct error *error =
		module_image_part_encode(&writer->scratch, image, offset, bytes, size);
	if (error)
		return error;
	return add_chunk(writer, SNAPSHOT_CHUNK_MODULE_IMAGE, writer->scratch.data,
			 writer->scratch.size);
}

bool snapshot_writer_has_module_image(const struct snapshot_writer *writer,
				      const struct module *module)
{
	return snapshot_images_find(&writer->images, &module->build_id, module->path);
}

uint64_t snapshot_writer_perf_map_bytes(const struct snapshot_writer *writer, int32_t pid)
{
	static const struct build_id none = {0};
	char name[PERF_MAP_PATH_SIZE];
	perf_map_image_name(pid, name);
	const struct snapshot_image *image = snapshot_images_find(&writer->images, &none, name);
	return image ? image->size : 0;
}

struct error *snapshot_writer_module_image(struct snapshot_writer *writer,
					   const struct module_image *image)
{
	struct memory_range range;
	struct error *error =
		snapshot_images_note(&writer->images, &image->build_id, image->path, image->size);
	if (!error)
		error = close_gathered(writer);
	for (uint64_t at = 0; !error && memory_image_next(image->contents, at, &range);
	     at = range.address + range.size) {
		const uint8_t *bytes = range.bytes;
		for (size_t done = 0; !error && done < range.size;) {
			size_t size = range.size - done;
			if (size > MODULE_IMAGE_PART_BYTES)
				size = MODULE_IMAGE_PART_BYTES;
			error = add_image_part(writer, image, range.address + done, bytes + done,
					       size);
			done += size;
		}
	}
	return error;
}

struct error *writer_sample_whole(struct snapshot_writer *writer, const struct sample_facts *sample)
{
	return add_record(writer, SNAPSHOT_CHUNK_SAMPLE, &snapshot_sample_table, sample);
}

static void count_sample(struct snapshot_writer *writer, const struct sample_facts *sample)
{
	writer->counts.samples++;
	writer->counts.incomplete += sample->partial;
	if ((unsigned)sample->way < FREEZE_WAYS)
		writer->counts.ways[sample->way]++;
}

struct error *snapshot_writer_sample(struct snapshot_writer *writer,
				     const struct sample_facts *sample)
{
	struct error *error = writer->only_changes ? writer_sample_changes(writer, sample)
						   : writer_sample_whole(writer, sample);
	if (error)
		return error;
	count_sample(writer, sample);
	writer->sampled = true;
	return NULL;
}

static struct error *write_counts(struct snapshot_writer *writer, uint16_t type)
{
	writer->counts_written_ns = clock_ns(CLOCK_MONOTONIC);
	return add_record(writer, type, &snapshot_counts_table, &writer->counts);
}

/* Single samples have their end at once. */
static bool are_counts_due(const struct snapshot_writer *writer)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	return writer->only_changes &&
	       now - writer->counts_written_ns > WRITER_COUNTS_SECONDS * UINT64_C(1000000000);
}

static struct error *flush(struct snapshot_writer *writer)
{
	struct error *error = close_gathered(writer);
	if (!error && writer->block.size)
		error = write_block(writer);
	writer->steps_entries = writer->steps_moved_bytes = 0;
	return error;
}

struct error *snapshot_writer_flush(struct snapshot_writer *writer)
{
	struct error *error = NULL;
	if (are_counts_due(writer))
		error = write_counts(writer, SNAPSHOT_CHUNK_COUNTS);
	return error ? error : flush(writer);
}

void snapshot_writer_count_missed(struct snapshot_writer *writer,
				  const struct snapshot_missed *missed)
{
	writer->counts.late = missed->late;
	writer->counts.failed = missed->failed;
	writer->counts.dropped = missed->dropped;
}

uint64_t snapshot_writer_size_bytes(const struct snapshot_writer *writer)
{
	return writer->written_bytes + writer->block.size + writer->memory.size +
	       writer->steps.size;
}

struct error *snapshot_writer_finish(struct snapshot_writer *writer)
{
	struct error *error = write_counts(writer, SNAPSHOT_CHUNK_END);
	return error ? error : flush(writer);
}
