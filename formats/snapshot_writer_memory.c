#include "formats/snapshot_record.h"
#include "formats/snapshot_writer_parts.h"

enum {
	MEMORY_CHUNK_BYTES = 64 << 10,
	/* Images larger than this are not for the reader to hold. */
	IMAGE_BULK_BYTES = 64 << 20,
};

/* Append one operation, whose address is relative to the end of the operation before it. */
static struct error *append_operation(struct buffer *payload, struct buffer *scratch,
				      uint64_t *position, const struct memory_operation *operation)
{
	buffer_clear(scratch);
	struct error *error = buffer_append_varint(
		scratch, zigzag_encode((int64_t)(operation->address - *position)));
	if (!error && operation->kind == SNAPSHOT_MEMORY_DROP)
		error = buffer_append_varint(scratch, operation->size);
	if (!error && operation->kind == SNAPSHOT_MEMORY_PATCH)
		error = buffer_append_varint(scratch, 0);
	if (!error && operation->kind == SNAPSHOT_MEMORY_PATCH)
		error = buffer_append_varint(scratch, operation->size);
	size_t size = operation->bytes ? (size_t)operation->size : 0;
	if (!error)
		error = buffer_append_varint(payload, operation->kind);
	if (!error)
		error = buffer_append_varint(payload, scratch->size + size);
	if (!error)
		error = buffer_append(payload, scratch->data, scratch->size);
	if (!error && size)
		error = buffer_append(payload, operation->bytes, size);
	*position = operation->address + operation->size;
	return error;
}

static struct memory_operation put_of(uint64_t address, const void *bytes, size_t size)
{
	return (struct memory_operation){
		.kind = SNAPSHOT_MEMORY_PUT,
		.address = address,
		.size = size,
		.bytes = bytes,
	};
}

struct error *writer_add_operation(struct snapshot_writer *writer, int32_t pid,
				   const struct memory_operation *operation)
{
	size_t size = operation->bytes ? (size_t)operation->size : 0;
	struct error *error = writer_close_steps(writer);
	if (!error && writer->memory.size &&
	    (writer->memory_pid != pid || writer->memory.size + size > MEMORY_CHUNK_BYTES))
		error = writer_close_memory(writer);
	if (!error && !writer->memory.size) {
		writer->memory_pid = pid;
		writer->memory_position = 0;
		error = record_append_number(&writer->memory, SNAPSHOT_KEY_PID, zigzag_encode(pid));
	}
	if (!error)
		error = append_operation(&writer->memory, &writer->scratch,
					 &writer->memory_position, operation);
	writer->epoch_bytes += size;
	return error;
}

static struct error *put_ordinary(struct snapshot_writer *writer, int32_t pid, uint64_t address,
				  const void *bytes, size_t size)
{
	const struct memory_operation put = put_of(address, bytes, size);
	return writer_add_operation(writer, pid, &put);
}

/* Large memory goes into blocks of its own, which are filled to the brim. */
static struct error *put_bulk(struct snapshot_writer *writer, int32_t pid, uint64_t address,
			      const uint8_t *bytes, size_t size)
{
	enum { OVERHEAD = 64 };
	struct error *error = writer_close_memory(writer);
	if (!error)
		error = writer_close_steps(writer);
	writer->epoch_has_bulk = true;
	while (!error && size) {
		/* Two pieces at least fit, so that none needs to be below the minimum. */
		error = writer_need_room(writer, true, OVERHEAD + 2 * SNAPSHOT_BULK_MIN);
		if (error)
			break;
		size_t room = writer_block_limit(true) - OVERHEAD - writer->block.size;
		size_t part = size < room ? size : room;
		if (size > part && size - part < SNAPSHOT_BULK_MIN)
			part -= SNAPSHOT_BULK_MIN;
		uint64_t position = 0;
		buffer_clear(&writer->memory);
		error = record_append_number(&writer->memory, SNAPSHOT_KEY_PID, zigzag_encode(pid));
		const struct memory_operation put = put_of(address, bytes, part);
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
	struct error *error = writer_before_memory(writer);
	if (error)
		return error;
	if (size >= SNAPSHOT_BULK_MIN)
		return put_bulk(writer, pid, address, bytes, size);
	return put_ordinary(writer, pid, address, bytes, size);
}

struct error *snapshot_writer_image(struct snapshot_writer *writer, int32_t pid,
				    const struct memory_image *image)
{
	struct error *error = writer_before_memory(writer);
	if (!error && writer->only_changes)
		return writer_image_changes(writer, pid, image);
	size_t bulk_min =
		memory_image_size_bytes(image) > IMAGE_BULK_BYTES ? SNAPSHOT_BULK_MIN : SIZE_MAX;
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
