#include "formats/snapshot_block.h"

#include <endian.h>
#include <string.h>

#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"

const char *block_status_text(enum block_status status)
{
	static const char *const texts[] = {
		[BLOCK_OK] = "whole",
		[BLOCK_FOREIGN] = "not part of a snapshot",
		[BLOCK_NEWER] = "of a newer container version",
		[BLOCK_MALFORMED] = "contradicting the format",
		[BLOCK_UNSUPPORTED] = "holding what this version cannot read and must not skip",
	};
	return texts[status];
}

struct error *block_header_append(struct buffer *buffer, const struct block_header *header)
{
	struct error *error = buffer_append_u32(buffer, SNAPSHOT_BLOCK_MAGIC);
	if (!error)
		error = buffer_append_u16(buffer, header->version);
	if (!error)
		error = buffer_append_u16(buffer, header->flags);
	if (!error)
		error = buffer_append_u32(buffer, header->log_number);
	if (!error)
		error = buffer_append_u32(buffer, header->epoch);
	if (!error)
		error = buffer_append_u32(buffer, header->frame);
	if (!error)
		error = buffer_append_u32(buffer, header->ordinary);
	return error;
}

enum block_status block_header_read(struct cursor *cursor, struct block_header *ret)
{
	struct block_header header;
	uint32_t magic = cursor_u32(cursor);
	header.version = cursor_u16(cursor);
	/* Magic and version stay where they are in every version. */
	if (!cursor_ok(cursor) || magic != SNAPSHOT_BLOCK_MAGIC || !header.version)
		return BLOCK_FOREIGN;
	header.flags = cursor_u16(cursor);
	header.log_number = cursor_u32(cursor);
	header.epoch = cursor_u32(cursor);
	header.frame = cursor_u32(cursor);
	header.ordinary = cursor_u32(cursor);
	*ret = header;
	if (header.version > SNAPSHOT_VERSION)
		return BLOCK_NEWER;
	if (!cursor_ok(cursor) || header.flags & ~SNAPSHOT_BLOCK_FLAGS_KNOWN ||
	    header.ordinary > header.frame)
		return BLOCK_MALFORMED;
	return BLOCK_OK;
}

struct error *block_chunk_append(struct buffer *buffer, uint16_t type, uint16_t flags,
				 const void *payload, size_t size)
{
	struct error *error = buffer_append_u16(buffer, type);
	if (!error)
		error = buffer_append_u16(buffer, flags);
	if (!error)
		error = buffer_append_u32(buffer, (uint32_t)size);
	if (!error)
		error = buffer_append(buffer, payload, size);
	return error;
}

struct block_cursor block_chunks(const void *content, size_t size)
{
	struct block_cursor chunks = {.cursor = cursor_make(content, size)};
	cursor_skip(&chunks.cursor, SNAPSHOT_BLOCK_HEADER_SIZE);
	return chunks;
}

/* A step of the STEPS chunk that one is in. */
static bool next_step(struct block_cursor *chunks, struct block_chunk *ret)
{
	struct cursor *cursor = &chunks->cursor;
	struct block_chunk step = {
		.type = SNAPSHOT_CHUNK_STEPS,
		.flags = SNAPSHOT_CHUNK_CRITICAL,
	};
	step.payload = cursor_slice(cursor, cursor_varint(cursor));
	if (cursor->position > chunks->steps_end)
		cursor->failed = true;
	struct cursor body = step.payload;
	if (cursor_varint(&body) & STEP_PROCESS) {
		int64_t pid = zigzag_decode(cursor_varint(&body));
		chunks->step_pid = (int32_t)pid;
		if (chunks->step_pid != pid)
			cursor->failed = true;
	}
	if (!cursor_ok(&body) || !chunks->step_pid)
		cursor->failed = true;
	if (!cursor_ok(cursor))
		return false;
	step.step_pid = chunks->step_pid;
	*ret = step;
	return true;
}

bool block_next_chunk(struct block_cursor *chunks, struct block_chunk *ret)
{
	struct cursor *cursor = &chunks->cursor;
	for (;;) {
		if (!cursor_left(cursor))
			return false;
		if (cursor->position < chunks->steps_end)
			return next_step(chunks, ret);
		struct block_chunk chunk = {.type = cursor_u16(cursor)};
		chunk.flags = cursor_u16(cursor);
		size_t size = cursor_u32(cursor);
		if (!chunk.type || chunk.flags & ~SNAPSHOT_CHUNK_FLAGS_KNOWN ||
		    size > cursor_left(cursor))
			cursor->failed = true;
		if (!cursor_ok(cursor))
			return false;
		if (chunk.type == SNAPSHOT_CHUNK_STEPS) {
			chunks->steps_end = cursor->position + size;
			chunks->step_pid = 0;
			continue;
		}
		chunk.payload = cursor_slice(cursor, size);
		*ret = chunk;
		return true;
	}
}

bool block_chunk_is_sample(const struct block_chunk *chunk)
{
	return chunk->type == SNAPSHOT_CHUNK_SAMPLE || chunk->type == SNAPSHOT_CHUNK_STEPS;
}

int32_t block_chunk_pid(struct block_chunk *chunk)
{
	struct cursor fields = chunk->payload;
	uint64_t key;
	struct cursor value;
	if (chunk->type == SNAPSHOT_CHUNK_STEPS)
		return chunk->step_pid;
	while (record_next(&fields, &key, &value)) {
		if (key != SNAPSHOT_KEY_PID)
			continue;
		int64_t pid = zigzag_decode(record_number(&value));
		if (!cursor_ok(&value) || pid != (int32_t)pid)
			break;
		return (int32_t)pid;
	}
	if (!cursor_ok(&fields))
		chunk->payload.failed = true;
	return 0;
}

struct memory_chunk memory_chunk_read(struct cursor payload)
{
	struct memory_chunk chunk = {.fields = payload};
	uint64_t key;
	struct cursor value;
	if (!record_next(&chunk.fields, &key, &value) || key != SNAPSHOT_KEY_PID) {
		chunk.fields.failed = true;
		return chunk;
	}
	int64_t pid = zigzag_decode(record_number(&value));
	chunk.pid = (int32_t)pid;
	if (!cursor_ok(&value) || chunk.pid != pid)
		chunk.fields.failed = true;
	return chunk;
}

/* The end of a PATCH is behind its last change. */
static uint64_t patch_size(struct cursor changes, bool *ret_failed)
{
	uint64_t size = 0;
	while (cursor_left(&changes)) {
		uint64_t skip = cursor_varint(&changes);
		uint64_t count = cursor_varint(&changes);
		cursor_skip(&changes, count);
		if (skip > UINT32_MAX)
			changes.failed = true;
		size += skip + count;
	}
	*ret_failed = !cursor_ok(&changes);
	return size;
}

bool memory_chunk_next(struct memory_chunk *chunk, struct memory_operation *ret)
{
	uint64_t key;
	struct cursor value;
	if (!record_next(&chunk->fields, &key, &value))
		return false;
	struct memory_operation operation = {.kind = key};
	bool failed = false;
	operation.address = chunk->position + (uint64_t)zigzag_decode(cursor_varint(&value));
	switch (key) {
	case SNAPSHOT_MEMORY_PUT:
		operation.size = cursor_left(&value);
		operation.bytes = cursor_bytes(&value, cursor_left(&value));
		break;
	case SNAPSHOT_MEMORY_PATCH:
		operation.changes = value;
		operation.size = patch_size(value, &failed);
		break;
	case SNAPSHOT_MEMORY_DROP:
		operation.size = cursor_varint(&value);
		break;
	case SNAPSHOT_MEMORY_COPY:
		operation.size = cursor_varint(&value);
		operation.source =
			operation.address + (uint64_t)zigzag_decode(cursor_varint(&value));
		failed = operation.source + (operation.size - 1) < operation.source;
		break;
	default:
		/* Not known: the caller decides. Nothing of it was read. */
		*ret = operation;
		return true;
	}
	/* Nothing is empty, and nothing wraps around the end of the address space. */
	if (failed || !cursor_ok(&value) || !operation.size ||
	    operation.address + (operation.size - 1) < operation.address) {
		chunk->fields.failed = true;
		return false;
	}
	chunk->position = operation.address + operation.size;
	*ret = operation;
	return true;
}

/* Bulk blocks are understood without what is before them: nothing but large PUTs. */
static bool bulk_chunk_ok(const struct block_chunk *chunk)
{
	if (chunk->type != SNAPSHOT_CHUNK_MEMORY)
		return false;
	struct memory_chunk memory = memory_chunk_read(chunk->payload);
	struct memory_operation operation;
	while (memory_chunk_next(&memory, &operation)) {
		if (operation.kind != SNAPSHOT_MEMORY_PUT || operation.size < SNAPSHOT_BULK_MIN)
			return false;
	}
	return cursor_ok(&memory.fields);
}

static struct error *check_header_chunk(const struct block_chunk *chunk, bool *ret_ok,
					uint64_t *ret_samples_before)
{
	struct snapshot_header header = {0};
	struct cursor payload = chunk->payload;
	struct error *error = record_decode(&payload, &snapshot_header_table, &header);
	*ret_ok = cursor_ok(&payload) && header.name && strcmp(header.name, SNAPSHOT_NAME) == 0;
	*ret_samples_before = header.samples_before;
	record_release(&snapshot_header_table, &header);
	return error;
}

static struct error *check_counts_chunk(const struct block_chunk *chunk, bool *ret_ok,
					struct block_summary *summary)
{
	struct cursor payload = chunk->payload;
	summary->has_counts = true;
	summary->has_end = chunk->type == SNAPSHOT_CHUNK_END;
	summary->counts = (struct sample_counts){0};
	struct error *error = record_decode(&payload, &snapshot_counts_table, &summary->counts);
	*ret_ok = cursor_ok(&payload);
	return error;
}

/* A step counts with the one to three bytes of its length nearly always. */
static void count_bytes(const struct block_chunk *chunk, struct block_summary *summary)
{
	size_t overhead = chunk->type == SNAPSHOT_CHUNK_STEPS ? 1 : SNAPSHOT_CHUNK_HEADER_SIZE;
	if (chunk->type < SNAPSHOT_CHUNK_COUNT)
		summary->chunk_bytes[chunk->type] += (uint32_t)(chunk->payload.size + overhead);
}

static struct error *check_chunk(const struct block_chunk *chunk, bool first,
				 struct block_summary *summary, enum block_status *status)
{
	bool is_header = chunk->type == SNAPSHOT_CHUNK_HEADER;
	bool ok = true;
	struct error *error = NULL;
	count_bytes(chunk, summary);
	/* A header is the first chunk of an epoch, and nowhere else. */
	if (is_header != (first && summary->header.frame == 0) || summary->has_end)
		ok = false;
	else if (summary->header.flags & SNAPSHOT_BLOCK_BULK)
		ok = bulk_chunk_ok(chunk);
	else if (is_header)
		error = check_header_chunk(chunk, &ok, &summary->samples_before);
	else if (block_chunk_is_sample(chunk))
		summary->samples++;
	else if (chunk->type == SNAPSHOT_CHUNK_END || chunk->type == SNAPSHOT_CHUNK_COUNTS)
		error = check_counts_chunk(chunk, &ok, summary);
	else if (chunk->type >= SNAPSHOT_CHUNK_COUNT) {
		summary->unknown_chunks++;
		if (chunk->flags & SNAPSHOT_CHUNK_CRITICAL)
			*status = BLOCK_UNSUPPORTED;
	}
	if (!error && !ok)
		*status = BLOCK_MALFORMED;
	return error;
}

struct error *block_check(const void *content, size_t size, enum block_status *ret_status,
			  struct block_summary *ret)
{
	struct cursor cursor = cursor_make(content, size);
	struct block_summary summary = {0};
	enum block_status status = block_header_read(&cursor, &summary.header);
	struct block_chunk chunk;
	size_t count = 0;
	struct block_cursor chunks = {.cursor = cursor};
	while (status == BLOCK_OK && block_next_chunk(&chunks, &chunk)) {
		struct error *error = check_chunk(&chunk, !count, &summary, &status);
		if (error)
			return error;
		count++;
	}
	/* The first frame of an epoch has its header, and is not bulk. */
	if (status == BLOCK_OK && (!cursor_ok(&chunks.cursor) || (!summary.header.frame && !count)))
		status = BLOCK_MALFORMED;
	*ret_status = status;
	*ret = summary;
	return NULL;
}
