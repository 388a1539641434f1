#include "formats/snapshot_writer.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "formats/snapshot_block.h"
#include "formats/snapshot_changes.h"
#include "formats/snapshot_facts_writer.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_frame.h"
#include "formats/snapshot_images.h"

enum {
	/* Blocks are as large as the compressor's window: larger ones gain nothing. */
	WRITER_BLOCK_BYTES = 512 << 10,
	/* Bulk memory is read here and there: a read decompresses a block. */
	WRITER_BULK_BLOCK_BYTES = 128 << 10,
	WRITER_MEMORY_CHUNK_BYTES = 64 << 10,
	/* An epoch ends, at its next sample, when it has put this much or is this old: that much
	 * is lost at most with a bad frame. */
	WRITER_EPOCH_BYTES = 16 << 20,
	WRITER_EPOCH_SECONDS = 60,
	/* Images larger than this are not for the reader to hold. */
	WRITER_IMAGE_BULK_BYTES = 64 << 20,
};

struct snapshot_writer {
	struct output_file *output; /* borrowed */
	struct frame_encoder *encoder;
	struct facts_writer facts;
	struct buffer block; /* empty, or a header and chunks */
	bool bulk;	     /* the block is a bulk block */
	uint32_t log_number;
	uint32_t epoch;
	uint32_t frame;
	uint32_t ordinary;
	/* Memory operations that are not in the block yet, all of one process. */
	struct buffer memory;
	struct buffer scratch;
	int32_t memory_pid;
	uint64_t memory_position;
	/* When to begin an epoch. */
	bool sampled; /* nothing was put since the last sample */
	bool epoch_has_bulk;
	uint64_t epoch_bytes;
	uint64_t epoch_began_ns;
	uint64_t samples;
	uint64_t late;
	uint64_t failed;
	struct snapshot_images images; /* what the log has of them: no parts */
	bool only_changes;
	struct snapshot_held held; /* with only_changes: memory of the epoch */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

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

static size_t block_limit(bool bulk)
{
	return bulk ? WRITER_BULK_BLOCK_BYTES : WRITER_BLOCK_BYTES;
}

/* Have a block of the kind with room for `size` bytes, or a fresh one. */
static struct error *need_room(struct snapshot_writer *writer, bool bulk, size_t size)
{
	struct error *error = NULL;
	if (writer->block.size &&
	    (writer->bulk != bulk || writer->block.size + size > block_limit(bulk)))
		error = write_block(writer);
	if (!error && !writer->block.size)
		error = begin_block(writer, bulk);
	return error;
}

static struct error *add_chunk(struct snapshot_writer *writer, uint16_t type, const void *payload,
			       size_t size)
{
	struct error *error = need_room(writer, false, SNAPSHOT_CHUNK_HEADER_SIZE + size);
	if (error)
		return error;
	return block_chunk_append(&writer->block, type, 0, payload, size);
}

/* Put the gathered memory operations into the block. */
static struct error *close_memory(struct snapshot_writer *writer)
{
	if (!writer->memory.size)
		return NULL;
	struct error *error =
		add_chunk(writer, SNAPSHOT_CHUNK_MEMORY, writer->memory.data, writer->memory.size);
	buffer_clear(&writer->memory);
	return error;
}

/* Add chunks that are encoded already. */
static struct error *add_chunks(struct snapshot_writer *writer, const struct buffer *chunks)
{
	struct error *error = close_memory(writer);
	struct cursor cursor = cursor_make(chunks->data, chunks->size);
	struct block_chunk chunk;
	while (!error && block_next_chunk(&cursor, &chunk))
		error = add_chunk(writer, chunk.type, chunk.payload.data, chunk.payload.size);
	return error;
}

static struct error *add_record(struct snapshot_writer *writer, uint16_t type,
				const struct record_table *table, const void *object)
{
	struct error *error = close_memory(writer);
	buffer_clear(&writer->scratch);
	if (!error)
		error = record_encode(&writer->scratch, table, object);
	if (!error)
		error = add_chunk(writer, type, writer->scratch.data, writer->scratch.size);
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
		.samples_before = writer->samples,
	};
	writer->frame = writer->ordinary = 0;
	writer->epoch_bytes = 0;
	writer->epoch_has_bulk = false;
	snapshot_held_deinit(&writer->held);
	writer->epoch_began_ns = clock_ns(CLOCK_MONOTONIC);
	struct error *error =
		add_record(writer, SNAPSHOT_CHUNK_HEADER, &snapshot_header_table, &header);
	for (size_t i = 0; !error && i < writer->facts.count; i++) {
		for (size_t j = 0; !error && j < FACTS_SLOTS; j++)
			error = add_chunks(writer, &writer->facts.processes[i].chunks[j]);
	}
	return error;
}

/* The memory of a process is given anew for each of its samples, so that this is where the log can
 * forget what it has. */
static struct error *before_memory(struct snapshot_writer *writer)
{
	if (!writer->sampled)
		return NULL;
	writer->sampled = false;
	uint64_t age_ns = clock_ns(CLOCK_MONOTONIC) - writer->epoch_began_ns;
	if (!writer->epoch_has_bulk && writer->epoch_bytes < WRITER_EPOCH_BYTES &&
	    age_ns < WRITER_EPOCH_SECONDS * UINT64_C(1000000000))
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

struct error *snapshot_writer_threads(struct snapshot_writer *writer, int32_t pid,
				      const struct thread_list *threads)
{
	return add_list(writer, SNAPSHOT_CHUNK_THREADS, pid, &snapshot_thread_table, threads->items,
			sizeof(*threads->items), threads->count);
}

/* What a reader holds of it until the epoch ends counts like memory. */
void snapshot_writer_retire(struct snapshot_writer *writer, int32_t pid)
{
	writer->epoch_bytes += facts_writer_retire(&writer->facts, pid);
	snapshot_held_forget(&writer->held, pid);
}

void snapshot_writer_forget(struct snapshot_writer *writer, int32_t pid)
{
	facts_writer_forget(&writer->facts, pid);
	snapshot_held_forget(&writer->held, pid);
}

void snapshot_writer_write_changes(struct snapshot_writer *writer)
{
	writer->only_changes = true;
}

/* Append one operation, whose address is relative to the end of the operation before it. */
static struct error *append_operation(struct buffer *payload, struct buffer *scratch,
				      uint64_t *position, const struct snapshot_change *change)
{
	buffer_clear(scratch);
	struct error *error = buffer_append_varint(
		scratch, zigzag_encode((int64_t)(change->address - *position)));
	if (!error && change->kind == SNAPSHOT_MEMORY_DROP)
		error = buffer_append_varint(scratch, change->end - change->address);
	if (!error)
		error = buffer_append_varint(payload, change->kind);
	if (!error)
		error = buffer_append_varint(payload, scratch->size + change->size);
	if (!error)
		error = buffer_append(payload, scratch->data, scratch->size);
	if (!error && change->size)
		error = buffer_append(payload, change->bytes, change->size);
	*position = change->end;
	return error;
}

static struct snapshot_change put_of(uint64_t address, const void *bytes, size_t size)
{
	return (struct snapshot_change){
		.kind = SNAPSHOT_MEMORY_PUT,
		.address = address,
		.end = address + size,
		.bytes = bytes,
		.size = size,
	};
}

static struct error *add_operation(struct snapshot_writer *writer, int32_t pid,
				   const struct snapshot_change *change)
{
	struct error *error = NULL;
	if (writer->memory.size && (writer->memory_pid != pid ||
				    writer->memory.size + change->size > WRITER_MEMORY_CHUNK_BYTES))
		error = close_memory(writer);
	if (!error && !writer->memory.size) {
		writer->memory_pid = pid;
		writer->memory_position = 0;
		error = record_append_number(&writer->memory, SNAPSHOT_KEY_PID, zigzag_encode(pid));
	}
	if (!error)
		error = append_operation(&writer->memory, &writer->scratch,
					 &writer->memory_position, change);
	writer->epoch_bytes += change->size;
	return error;
}

static struct error *put_ordinary(struct snapshot_writer *writer, int32_t pid, uint64_t address,
				  const void *bytes, size_t size)
{
	const struct snapshot_change put = put_of(address, bytes, size);
	return add_operation(writer, pid, &put);
}

/* Large memory goes into blocks of its own, which are filled to the brim. */
static struct error *put_bulk(struct snapshot_writer *writer, int32_t pid, uint64_t address,
			      const uint8_t *bytes, size_t size)
{
	enum { OVERHEAD = 64 };
	struct error *error = close_memory(writer);
	writer->epoch_has_bulk = true;
	while (!error && size) {
		/* Two pieces at least fit, so that none needs to be below the minimum. */
		error = need_room(writer, true, OVERHEAD + 2 * SNAPSHOT_BULK_MIN);
		if (error)
			break;
		size_t room = block_limit(true) - OVERHEAD - writer->block.size;
		size_t part = size < room ? size : room;
		if (size > part && size - part < SNAPSHOT_BULK_MIN)
			part -= SNAPSHOT_BULK_MIN;
		uint64_t position = 0;
		buffer_clear(&writer->memory);
		error = record_append_number(&writer->memory, SNAPSHOT_KEY_PID, zigzag_encode(pid));
		const struct snapshot_change put = put_of(address, bytes, part);
		if (!error)
			error = append_operation(&writer->memory, &writer->scratch, &position,
						 &put);
		if (!error)
			error = block_chunk_append(&writer->block, SNAPSHOT_CHUNK_MEMORY, 0,
						   writer->memory.data, writer->memory.size);
		buffer_clear(&writer->memory);
		bytes += part;
		address += part;
		size -= part;
	}
	return error;
}

struct error *snapshot_writer_memory(struct snapshot_writer *writer, int32_t pid, uint64_t address,
				     const void *bytes, size_t size)
{
	if (!size)
		return NULL;
	if (address + (size - 1) < address)
		return error_at(ERROR_FAILED, address, "a range wraps around the address space");
	struct error *error = before_memory(writer);
	if (error)
		return error;
	if (size >= SNAPSHOT_BULK_MIN)
		return put_bulk(writer, pid, address, bytes, size);
	return put_ordinary(writer, pid, address, bytes, size);
}

struct change_writer {
	struct snapshot_writer *writer;
	int32_t pid;
};

static struct error *write_change(void *context, const struct snapshot_change *change)
{
	const struct change_writer *to = context;
	return add_operation(to->writer, to->pid, change);
}

static struct error *write_changes(struct snapshot_writer *writer, int32_t pid,
				   const struct memory_image *image)
{
	struct change_writer to = {.writer = writer, .pid = pid};
	struct memory_image *held;
	struct error *error = snapshot_held_get(&writer->held, pid, &held);
	return error ? error : snapshot_changes(held, image, write_change, &to);
}

struct error *snapshot_writer_image(struct snapshot_writer *writer, int32_t pid,
				    const struct memory_image *image)
{
	struct error *error = before_memory(writer);
	if (!error && writer->only_changes)
		return write_changes(writer, pid, image);
	size_t bulk_min = memory_image_size_bytes(image) > WRITER_IMAGE_BULK_BYTES
				  ? SNAPSHOT_BULK_MIN
				  : SIZE_MAX;
	bool has_bulk = false;
	struct memory_range range;
	uint64_t address = 0;
	while (!error && memory_image_next(image, address, &range)) {
		if (range.size < bulk_min)
			error = put_ordinary(writer, pid, range.address, range.bytes, range.size);
		else
			has_bulk = true;
		address = range.address + range.size;
		if (!address)
			break; /* the end of the address space */
	}
	address = 0;
	while (!error && has_bulk && memory_image_next(image, address, &range)) {
		if (range.size >= bulk_min)
			error = put_bulk(writer, pid, range.address, range.bytes, range.size);
		address = range.address + range.size;
		if (!address)
			break;
	}
	return error;
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

struct error *snapshot_writer_module_image(struct snapshot_writer *writer,
					   const struct module_image *image)
{
	struct memory_range range;
	struct error *error = snapshot_images_note(&writer->images, &image->build_id, image->path);
	if (!error)
		error = close_memory(writer);
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

struct error *snapshot_writer_sample(struct snapshot_writer *writer,
				     const struct sample_facts *sample)
{
	struct error *error =
		add_record(writer, SNAPSHOT_CHUNK_SAMPLE, &snapshot_sample_table, sample);
	if (error)
		return error;
	writer->samples++;
	writer->sampled = true;
	return NULL;
}

struct error *snapshot_writer_flush(struct snapshot_writer *writer)
{
	struct error *error = close_memory(writer);
	if (!error && writer->block.size)
		error = write_block(writer);
	return error;
}

void snapshot_writer_count_missed(struct snapshot_writer *writer, uint64_t late, uint64_t failed)
{
	writer->late = late;
	writer->failed = failed;
}

struct error *snapshot_writer_finish(struct snapshot_writer *writer)
{
	struct snapshot_end end = {
		.samples = writer->samples,
		.late = writer->late,
		.failed = writer->failed,
	};
	struct error *error = add_record(writer, SNAPSHOT_CHUNK_END, &snapshot_end_table, &end);
	return error ? error : snapshot_writer_flush(writer);
}
