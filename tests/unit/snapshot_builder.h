/* For the tests of the snapshot container: files in memory, and blocks built by hand. */
#ifndef PYSPY_TESTS_SNAPSHOT_BUILDER_H
#define PYSPY_TESTS_SNAPSHOT_BUILDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/output_file.h"
#include "formats/snapshot_block.h"
#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"
#include "formats/snapshot_frame.h"
#include "formats/snapshot_reader.h"
#include "formats/snapshot_writer.h"
#include "tests/unit/error_checks.h"

/* Write with the writer into a buffer. */
static inline void build_with(void (*fill)(struct snapshot_writer *writer), struct buffer *ret)
{
	char folder[] = "/tmp/test-snapshot-XXXXXX";
	assert_non_null(mkdtemp(folder));
	char path[64];
	snprintf(path, sizeof(path), "%s/file", folder);
	struct output_file *output;
	check(output_file_create(path, &output));
	struct snapshot_writer *writer;
	check(snapshot_writer_create(output, &writer));
	fill(writer);
	check(snapshot_writer_finish(writer));
	check(output_file_commit(output));
	size_t size = (size_t)output_file_size_bytes(output);
	snapshot_writer_destroy(writer);
	output_file_destroy(output);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	buffer_clear(ret);
	check(buffer_reserve(ret, size));
	assert_int_equal(read(fd, ret->data, size), size);
	ret->size = size;
	close(fd);
	unlink(path);
	rmdir(folder);
}

static inline int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static inline struct error *open_bytes(const void *bytes, size_t size, struct snapshot **ret)
{
	int fd = file_of(bytes, size);
	struct error *error = snapshot_open(fd, "test.zst", ret);
	close(fd);
	return error;
}

static inline struct snapshot *must_open(const struct buffer *file)
{
	struct snapshot *snapshot = NULL;
	check(open_bytes(file->data, file->size, &snapshot));
	return snapshot;
}

static inline size_t loss_count(const struct snapshot *snapshot)
{
	size_t count = 0;
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++)
		count++;
	return count;
}

static inline bool has_loss(const struct snapshot *snapshot, const char *text)
{
	for (const char *const *loss = snapshot_losses(snapshot); *loss; loss++) {
		if (strstr(*loss, text))
			return true;
	}
	return false;
}

/* A block by hand: begin, chunks, end. */
struct block_builder {
	struct frame_encoder *encoder;
	struct buffer file;
	struct buffer block;
	struct buffer memory; /* payload of a MEMORY chunk that is being built */
	struct block_header header;
};

static inline void builder_init(struct block_builder *builder)
{
	*builder = (struct block_builder){
		.header = {.version = SNAPSHOT_VERSION, .log_number = 0x12345678}};
	check(frame_encoder_create(&builder->encoder));
}

static inline void builder_deinit(struct block_builder *builder)
{
	frame_encoder_destroy(builder->encoder);
	buffer_deinit(&builder->file);
	buffer_deinit(&builder->block);
	buffer_deinit(&builder->memory);
}

static inline void builder_chunk(struct block_builder *builder, uint16_t type, uint16_t flags,
				 const void *payload, size_t size)
{
	check(block_chunk_append(&builder->block, type, flags, payload, size));
}

static inline void builder_record(struct block_builder *builder, uint16_t type,
				  const struct record_table *table, const void *object)
{
	struct buffer payload = {0};
	check(record_encode(&payload, table, object));
	builder_chunk(builder, type, 0, payload.data, payload.size);
	buffer_deinit(&payload);
}

static inline void builder_begin(struct block_builder *builder, uint64_t samples_before)
{
	buffer_clear(&builder->block);
	check(block_header_append(&builder->block, &builder->header));
	if (builder->header.frame)
		return;
	char name[] = SNAPSHOT_NAME;
	struct snapshot_header header = {.name = name, .samples_before = samples_before};
	builder_record(builder, SNAPSHOT_CHUNK_HEADER, &snapshot_header_table, &header);
}

static inline void builder_end(struct block_builder *builder)
{
	const void *frame;
	size_t size;
	check(frame_encode(builder->encoder, builder->block.data, builder->block.size, &frame,
			   &size));
	check(buffer_append(&builder->file, frame, size));
	builder->header.frame++;
	builder->header.ordinary += !(builder->header.flags & SNAPSHOT_BLOCK_BULK);
}

/* What is written next begins the next epoch. */
static inline void builder_next_epoch(struct block_builder *builder)
{
	builder->header.epoch++;
	builder->header.frame = builder->header.ordinary = 0;
}

static inline void builder_sample(struct block_builder *builder, uint64_t time_ns)
{
	struct sample_facts sample = {.pid = 7, .time_ns = time_ns, .monotonic_ns = time_ns};
	builder_record(builder, SNAPSHOT_CHUNK_SAMPLE, &snapshot_sample_table, &sample);
}

static inline void builder_finish(struct block_builder *builder, uint64_t samples)
{
	struct sample_counts end = {.samples = samples};
	builder_record(builder, SNAPSHOT_CHUNK_END, &snapshot_counts_table, &end);
	builder_end(builder);
}

static inline void memory_begin(struct block_builder *builder)
{
	buffer_clear(&builder->memory);
	check(record_append_number(&builder->memory, SNAPSHOT_KEY_PID, zigzag_encode(7)));
}

/* `delta` is the address, relative to the end of the operation before. */
static inline void memory_operation(struct block_builder *builder, uint32_t kind, int64_t delta,
				    const void *rest, size_t size)
{
	struct buffer value = {0};
	check(buffer_append_varint(&value, zigzag_encode(delta)));
	check(buffer_append(&value, rest, size));
	check(record_append(&builder->memory, kind, value.data, value.size));
	buffer_deinit(&value);
}

static inline void memory_end(struct block_builder *builder)
{
	builder_chunk(builder, SNAPSHOT_CHUNK_MEMORY, 0, builder->memory.data,
		      builder->memory.size);
}

/* A bulk frame with `size` bytes of `byte`. */
static inline void builder_bulk(struct block_builder *builder, uint64_t address, char byte,
				size_t size)
{
	char *bytes = malloc(size);
	assert_non_null(bytes);
	memset(bytes, byte, size);
	builder->header.flags = SNAPSHOT_BLOCK_BULK;
	builder_begin(builder, 0);
	memory_begin(builder);
	memory_operation(builder, SNAPSHOT_MEMORY_PUT, (int64_t)address, bytes, size);
	memory_end(builder);
	builder_end(builder);
	builder->header.flags = 0;
	free(bytes);
}

/* What was built is not opened. */
static inline void builder_assert_refused(const struct block_builder *builder, enum error_code code)
{
	struct snapshot *snapshot = NULL;
	assert_error_code(open_bytes(builder->file.data, builder->file.size, &snapshot), code);
}

static inline void assert_memory(struct snapshot *snapshot, uint64_t address, const char *text)
{
	char bytes[256] = {0};
	size_t size = strlen(text);
	assert_int_equal(memory_read(snapshot_memory(snapshot), address, bytes, size), MEMORY_OK);
	assert_memory_equal(bytes, text, size);
}

static inline enum memory_status byte_status(struct snapshot *snapshot, uint64_t address)
{
	char byte;
	return memory_read(snapshot_memory(snapshot), address, &byte, 1);
}

#endif
