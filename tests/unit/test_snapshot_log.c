/* Blocks built by hand: what the format allows, and what it does not. */
#include "snapshot_builder.h"

/* skip, count, bytes; skip, count, bytes */
static const uint8_t patch[] = {1, 2, 'X', 'Y', 3, 1, 'Z'};

static struct buffer varints(uint64_t first, uint64_t second, size_t count)
{
	struct buffer result = {0};
	check(buffer_append_varint(&result, first));
	if (count > 1)
		check(buffer_append_varint(&result, second));
	return result;
}

static void memory_drop(struct block_builder *builder, int64_t delta, uint64_t size)
{
	struct buffer rest = varints(size, 0, 1);
	memory_operation(builder, SNAPSHOT_MEMORY_DROP, delta, rest.data, rest.size);
	buffer_deinit(&rest);
}

static void memory_copy(struct block_builder *builder, int64_t delta, uint64_t size, int64_t source)
{
	struct buffer rest = varints(size, zigzag_encode(source), 2);
	memory_operation(builder, SNAPSHOT_MEMORY_COPY, delta, rest.data, rest.size);
	buffer_deinit(&rest);
}

static void test_memory_operations(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x1000, "0123456789", 10);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x1000, "second", 6);
	memory_end(&builder);
	builder_sample(&builder, 1);
	/* In a chunk of its own, addresses begin at 0 again. */
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PATCH, 0x1000, patch, sizeof(patch));
	/* The patch ends at 0x1007. */
	memory_drop(&builder, -5, 2);
	memory_copy(&builder, 0x3000 - 0x1004, 6, 0x200a - 0x3000);
	memory_end(&builder);
	builder_sample(&builder, 2);
	builder_finish(&builder, 2);

	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(loss_count(snapshot), 0);
	assert_memory(snapshot, 0x1000, "0X");
	assert_int_equal(byte_status(snapshot, 0x1002), MEMORY_NOT_CAPTURED);
	assert_int_equal(byte_status(snapshot, 0x1003), MEMORY_NOT_CAPTURED);
	assert_memory(snapshot, 0x1004, "45Z789");
	assert_memory(snapshot, 0x3000, "second");
	check(snapshot_select(snapshot, 0));
	assert_memory(snapshot, 0x1000, "0123456789");
	assert_int_equal(byte_status(snapshot, 0x3000), MEMORY_NOT_CAPTURED);
	check(snapshot_select(snapshot, 1));
	assert_memory(snapshot, 0x1004, "45Z789");
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void operation_on_nothing(struct block_builder *builder)
{
	memory_operation(builder, SNAPSHOT_MEMORY_PATCH, 0x1003, patch, sizeof(patch));
}

static void copy_of_nothing(struct block_builder *builder)
{
	memory_copy(builder, 0x1000, 8, -0x800);
}

static void copy_too_much(struct block_builder *builder)
{
	memory_copy(builder, 0x1000, SNAPSHOT_COPY_MAX + 1, 0);
}

static void wrapping_put(struct block_builder *builder)
{
	memory_operation(builder, SNAPSHOT_MEMORY_PUT, -2, "abcd", 4);
}

static void empty_drop(struct block_builder *builder)
{
	memory_drop(builder, 0, 0);
}

static void cut_patch(struct block_builder *builder)
{
	memory_operation(builder, SNAPSHOT_MEMORY_PATCH, 0x1000, patch, sizeof(patch) - 1);
}

static void test_bad_operations(void **state)
{
	(void)state;
	void (*const bad[])(struct block_builder *) = {operation_on_nothing, copy_of_nothing,
						       copy_too_much,	     wrapping_put,
						       empty_drop,	     cut_patch};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct block_builder builder;
		builder_init(&builder);
		builder_begin(&builder, 0);
		memory_begin(&builder);
		memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x1000, "0123456", 7);
		memory_end(&builder);
		builder_sample(&builder, 1);
		memory_begin(&builder);
		bad[i](&builder);
		memory_end(&builder);
		builder_sample(&builder, 2);
		builder_finish(&builder, 2);
		builder_assert_refused(&builder, ERROR_FORMAT);
		builder_deinit(&builder);
	}
}

static void test_unknown_operation(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, 77, 0x1000, "0123456", 7);
	memory_end(&builder);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	builder_assert_refused(&builder, ERROR_UNSUPPORTED);
	builder_deinit(&builder);
}

static void test_unknown_chunks_and_keys(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_chunk(&builder, 4711, 0, "whatever", 8);
	builder_chunk(&builder, SNAPSHOT_CHUNK_MODULE_IMAGE, 0, "later", 5);
	struct buffer payload = {0};
	check(record_append_number(&payload, SNAPSHOT_KEY_PID, zigzag_encode(7)));
	check(record_append(&payload, 1000, "unknown", 7));
	check(record_append(&payload, 7, "name\0hidden", 11));
	builder_chunk(&builder, SNAPSHOT_CHUNK_PROCESS, 0, payload.data, payload.size);
	buffer_deinit(&payload);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(loss_count(snapshot), 0);
	assert_int_equal(snapshot_process(snapshot)->pid, 7);
	assert_string_equal(snapshot_process(snapshot)->command_name, "name");
	assert_int_equal(snapshot_process(snapshot)->uid, UINT32_MAX);
	struct snapshot_statistics statistics;
	snapshot_statistics(snapshot, &statistics);
	assert_int_equal(statistics.unknown_chunks, 1);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void test_critical_chunk(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_end(&builder);
	builder_begin(&builder, 0);
	builder_chunk(&builder, 4711, SNAPSHOT_CHUNK_CRITICAL, "whatever", 8);
	builder_sample(&builder, 2);
	builder_end(&builder);
	builder_next_epoch(&builder);
	builder_begin(&builder, 2);
	builder_sample(&builder, 3);
	builder_finish(&builder, 3);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(snapshot_sample_count(snapshot), 2);
	assert_int_equal(snapshot_sample(snapshot)->time_ns, 3);
	assert_int_equal(loss_count(snapshot), 1);
	assert_true(has_loss(snapshot, "must not skip"));
	assert_true(has_loss(snapshot, "samples lost: 1"));
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void test_newer_version(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder.header.version = SNAPSHOT_VERSION + 4;
	builder.header.flags = 0x8000;
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	struct snapshot *snapshot;
	struct error *error = open_bytes(builder.file.data, builder.file.size, &snapshot);
	if (error) {
		assert_non_null(strstr(error->message, "version 5"));
		assert_non_null(strstr(error->message, "up to 1"));
	}
	assert_error_code(error, ERROR_UNSUPPORTED);
	int fd = file_of(builder.file.data, builder.file.size);
	assert_true(snapshot_recognize(fd));
	close(fd);
	builder_deinit(&builder);
}

static void test_reserved_bits(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct block_builder builder;
		builder_init(&builder);
		builder.header.flags = i == 0 ? 2 : 0;
		builder_begin(&builder, 0);
		builder_sample(&builder, 1);
		builder_chunk(&builder, i == 1 ? 0 : 4711, i == 2 ? 2 : 0, "x", 1);
		builder_finish(&builder, 1);
		builder_assert_refused(&builder, ERROR_FORMAT);
		builder_deinit(&builder);
	}
}

static void test_elapsed(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_sample(&builder, 1000);
	struct buffer payload = {0};
	check(record_append_number(&payload, SNAPSHOT_KEY_PID, zigzag_encode(7)));
	check(record_append_number(&payload, 11, 234));
	builder_chunk(&builder, SNAPSHOT_CHUNK_SAMPLE, 0, payload.data, payload.size);
	builder_chunk(&builder, SNAPSHOT_CHUNK_SAMPLE, 0, payload.data, payload.size);
	buffer_deinit(&payload);
	builder_finish(&builder, 3);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(snapshot_sample(snapshot)->time_ns, 1468);
	assert_int_equal(snapshot_sample(snapshot)->monotonic_ns, 1468);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void test_bulk_order(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x11000, "below", 5);
	memory_end(&builder);
	builder_end(&builder);
	builder_bulk(&builder, 0x10000, 'a', 0x4000);
	builder_bulk(&builder, 0x11800, 'b', 0x1000);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x11fff, "above", 5);
	memory_drop(&builder, 0x13000 - 0x12004, 0x800);
	memory_end(&builder);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_memory(snapshot, 0x10fff, "aaaaaaa");
	assert_memory(snapshot, 0x117ff, "abb");
	assert_memory(snapshot, 0x11ffe, "babovebb");
	assert_memory(snapshot, 0x127ff, "baa");
	assert_int_equal(byte_status(snapshot, 0x13000), MEMORY_NOT_CAPTURED);
	assert_int_equal(byte_status(snapshot, 0x137ff), MEMORY_NOT_CAPTURED);
	assert_memory(snapshot, 0x13800, "aa");
	assert_int_equal(byte_status(snapshot, 0x14000), MEMORY_NOT_CAPTURED);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

/* Bulk blocks hold nothing but large PUTs. */
static void test_bad_bulk(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_end(&builder);
	builder_bulk(&builder, 0x10000, 'a', SNAPSHOT_BULK_MIN - 1);
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(byte_status(snapshot, 0x10000), MEMORY_NOT_CAPTURED);
	assert_true(has_loss(snapshot, "pieces of memory lost: 1"));
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void test_skippable_frames(void **state)
{
	(void)state;
	static const uint8_t skippable[] = {0x5b, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_end(&builder);
	check(buffer_append(&builder.file, skippable, sizeof(skippable)));
	builder_begin(&builder, 0);
	builder_finish(&builder, 1);
	check(buffer_append(&builder.file, skippable, sizeof(skippable)));
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(loss_count(snapshot), 0);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

/* Two snapshots, one after the other, are one with the samples of both. */
static void test_concatenated(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	for (uint32_t i = 0; i < 2; i++) {
		builder.header.log_number = i;
		builder.header.frame = builder.header.ordinary = 0;
		builder_begin(&builder, 0);
		builder_sample(&builder, i + 1);
		builder_finish(&builder, 1);
	}
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(loss_count(snapshot), 0);
	assert_int_equal(snapshot_sample_count(snapshot), 2);
	assert_int_equal(snapshot_sample(snapshot)->time_ns, 2);
	check(snapshot_select(snapshot, 0));
	assert_int_equal(snapshot_sample(snapshot)->time_ns, 1);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

static void test_image_bound(void **state)
{
	(void)state;
	/* A few bytes that copying would make into more memory than an epoch may hold. */
	struct block_builder builder;
	builder_init(&builder);
	uint64_t done = 1 << 20;
	char *bytes = calloc(1, done);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0, bytes, done);
	memory_end(&builder);
	builder_end(&builder);
	while (done <= SNAPSHOT_EPOCH_IMAGE_MAX) {
		uint64_t size = done < SNAPSHOT_COPY_MAX ? done : SNAPSHOT_COPY_MAX;
		builder_begin(&builder, 0);
		memory_begin(&builder);
		memory_copy(&builder, (int64_t)done, size, -(int64_t)done);
		memory_end(&builder);
		builder_end(&builder);
		done += size;
	}
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	builder_assert_refused(&builder, ERROR_FORMAT);
	free(bytes);
	builder_deinit(&builder);
}

/* Few bytes again, that texts would make into more than an epoch may say. */
static void test_facts_bound(void **state)
{
	(void)state;
	enum { PER_BLOCK = 20 };
	struct block_builder builder;
	builder_init(&builder);
	char *text = calloc(1, SNAPSHOT_TEXT_MAX + 1);
	memset(text, 'x', SNAPSHOT_TEXT_MAX);
	struct process_facts facts = {.command_line = text,
				      .command_name = text,
				      .executable = text,
				      .root = text,
				      .host = text,
				      .kernel = text};
	uint64_t pids = SNAPSHOT_EPOCH_FACTS_MAX / (6 * SNAPSHOT_TEXT_MAX) + 1;
	struct buffer payload = {0};
	for (uint64_t pid = 1; pid <= pids; pid++) {
		if (pid % PER_BLOCK == 1)
			builder_begin(&builder, 0);
		buffer_clear(&payload);
		check(record_append_number(&payload, SNAPSHOT_KEY_PID,
					   zigzag_encode((int64_t)pid)));
		check(record_encode(&payload, &snapshot_process_table, &facts));
		builder_chunk(&builder, SNAPSHOT_CHUNK_PROCESS, 0, payload.data, payload.size);
		if (pid % PER_BLOCK == 0 || pid == pids)
			builder_end(&builder);
	}
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	builder_assert_refused(&builder, ERROR_FORMAT);
	buffer_deinit(&payload);
	free(text);
	builder_deinit(&builder);
}

/* Replacing is not adding: a list that is said again and again stays within the bounds. */
static void test_facts_replaced(void **state)
{
	(void)state;
	struct block_builder builder;
	builder_init(&builder);
	struct buffer payload = {0};
	check(record_append_number(&payload, SNAPSHOT_KEY_PID, zigzag_encode(7)));
	for (int i = 0; i < 20000; i++)
		check(record_append(&payload, SNAPSHOT_KEY_ENTRY, NULL, 0));
	for (int i = 0; i < 300; i++) {
		builder_begin(&builder, 0);
		builder_chunk(&builder, SNAPSHOT_CHUNK_THREADS, 0, payload.data, payload.size);
		builder_end(&builder);
	}
	buffer_deinit(&payload);
	builder_begin(&builder, 0);
	builder_sample(&builder, 1);
	builder_finish(&builder, 1);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(snapshot_threads(snapshot)->count, 20000);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_operations),
		cmocka_unit_test(test_bad_operations),
		cmocka_unit_test(test_unknown_operation),
		cmocka_unit_test(test_unknown_chunks_and_keys),
		cmocka_unit_test(test_critical_chunk),
		cmocka_unit_test(test_newer_version),
		cmocka_unit_test(test_reserved_bits),
		cmocka_unit_test(test_elapsed),
		cmocka_unit_test(test_bulk_order),
		cmocka_unit_test(test_bad_bulk),
		cmocka_unit_test(test_skippable_frames),
		cmocka_unit_test(test_concatenated),
		cmocka_unit_test(test_image_bound),
		cmocka_unit_test(test_facts_bound),
		cmocka_unit_test(test_facts_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
