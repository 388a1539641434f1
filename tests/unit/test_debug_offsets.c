/*
 * _Py_DebugOffsets made from the generated rows and put into a fake memory. With --row or --offsets
 * prints a layout, for tests/e2e/test_layouts.py.
 */
#include "common/debug_offsets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/debug_offsets_schema.h"
#include "common/memory_image.h"
#include "tests/unit/cmocka_headers.h"
#include "tests/unit/layout_values.h"

enum { RUNTIME = 0x7000 };

static const char cookie[8] = {'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y'};

static void tell_states(const struct python_layout *row, uint64_t values[DEBUG_FIELD_COUNT])
{
	enum { GIL = 1000 };
	const uint64_t gc = (row->interpreter.gc_collecting - 64) / 8 * 8;
	values[DEBUG_FIELD_RUNTIME_SIZE] = row->runtime.size;
	values[DEBUG_FIELD_RUNTIME_FINALIZING] = row->runtime.finalizing;
	values[DEBUG_FIELD_RUNTIME_INTERPRETERS_HEAD] = row->runtime.interpreters_head;
	values[DEBUG_FIELD_INTERPRETER_SIZE] = row->interpreter.size;
	values[DEBUG_FIELD_INTERPRETER_ID] = row->interpreter.id;
	values[DEBUG_FIELD_INTERPRETER_NEXT] = row->interpreter.next;
	values[DEBUG_FIELD_INTERPRETER_THREADS_HEAD] = row->interpreter.threads_head;
	values[DEBUG_FIELD_INTERPRETER_GC] = gc;
	values[DEBUG_FIELD_INTERPRETER_MODULES] = row->interpreter.modules;
	values[DEBUG_FIELD_INTERPRETER_SYSDICT] = row->interpreter.sysdict;
	values[DEBUG_FIELD_INTERPRETER_CEVAL_GIL] = row->interpreter.gil;
	values[DEBUG_FIELD_INTERPRETER_GIL] = GIL;
	values[DEBUG_FIELD_INTERPRETER_GIL_LOCKED] = GIL + row->gil.locked;
	values[DEBUG_FIELD_INTERPRETER_GIL_HOLDER] = GIL + row->gil.last_holder;
	values[DEBUG_FIELD_INTERPRETER_CODE_GENERATION] = row->interpreter.code_object_generation;
	values[DEBUG_FIELD_THREAD_SIZE] = row->thread.size;
	values[DEBUG_FIELD_THREAD_PREV] = row->thread.prev;
	values[DEBUG_FIELD_THREAD_NEXT] = row->thread.next;
	values[DEBUG_FIELD_THREAD_INTERP] = row->thread.interp;
	values[DEBUG_FIELD_THREAD_CURRENT_FRAME] = row->thread.frame;
	values[DEBUG_FIELD_THREAD_BASE_FRAME] = row->thread.base_frame;
	values[DEBUG_FIELD_THREAD_THREAD_ID] = row->thread.thread_id;
	values[DEBUG_FIELD_THREAD_NATIVE_THREAD_ID] = row->thread.native_thread_id;
	values[DEBUG_FIELD_THREAD_DATASTACK_CHUNK] = row->thread.datastack_chunk;
	values[DEBUG_FIELD_THREAD_STATUS] = row->thread.active.offset;
	values[DEBUG_FIELD_THREAD_HOLDS_GIL] = row->thread.holds_gil.offset;
	values[DEBUG_FIELD_GC_SIZE] = 200;
	values[DEBUG_FIELD_GC_COLLECTING] = row->interpreter.gc_collecting - gc;
}

static void tell_objects(const struct python_layout *row, uint64_t values[DEBUG_FIELD_COUNT])
{
	values[DEBUG_FIELD_FREE_THREADED] = row->free_threaded;
	values[DEBUG_FIELD_FRAME_SIZE] = row->frame.size + 8;
	values[DEBUG_FIELD_FRAME_PREVIOUS] = row->frame.previous;
	values[DEBUG_FIELD_FRAME_EXECUTABLE] = row->frame.code;
	values[DEBUG_FIELD_FRAME_INSTR_PTR] = row->frame.position;
	values[DEBUG_FIELD_FRAME_LOCALSPLUS] = row->frame.localsplus;
	values[DEBUG_FIELD_FRAME_OWNER] = row->frame.owner;
	values[DEBUG_FIELD_FRAME_STACKPOINTER] = row->frame.stackpointer;
	values[DEBUG_FIELD_FRAME_TLBC_INDEX] =
		row->frame.tlbc_index == LAYOUT_ABSENT ? 0 : row->frame.tlbc_index;
	values[DEBUG_FIELD_CODE_SIZE] = row->code.size + 8;
	values[DEBUG_FIELD_CODE_FILENAME] = row->code.filename;
	values[DEBUG_FIELD_CODE_NAME] = row->code.name;
	values[DEBUG_FIELD_CODE_QUALNAME] = row->code.qualname;
	values[DEBUG_FIELD_CODE_LINETABLE] = row->code.line_table;
	values[DEBUG_FIELD_CODE_FIRSTLINENO] = row->code.first_line;
	values[DEBUG_FIELD_CODE_ARGCOUNT] = row->code.argcount;
	values[DEBUG_FIELD_CODE_LOCALSPLUSNAMES] = row->code.localsplusnames;
	values[DEBUG_FIELD_CODE_LOCALSPLUSKINDS] = row->code.localspluskinds;
	values[DEBUG_FIELD_CODE_ADAPTIVE] = row->code.instructions;
	values[DEBUG_FIELD_CODE_TLBC] = row->code.tlbc == LAYOUT_ABSENT ? 0 : row->code.tlbc;
	values[DEBUG_FIELD_OBJECT_SIZE] = row->object.size;
	values[DEBUG_FIELD_OBJECT_TYPE] = row->object.type;
	values[DEBUG_FIELD_TYPE_SIZE] = row->type.size;
	values[DEBUG_FIELD_TYPE_NAME] = row->type.name;
	values[DEBUG_FIELD_TYPE_FLAGS] = row->type.flags;
	values[DEBUG_FIELD_TUPLE_SIZE] = row->tuple.items + 8;
	values[DEBUG_FIELD_TUPLE_ITEMS] = row->tuple.items;
	values[DEBUG_FIELD_TUPLE_LENGTH] = row->tuple.length;
	values[DEBUG_FIELD_BYTES_SIZE] = row->bytes.contents + 8;
	values[DEBUG_FIELD_BYTES_LENGTH] = row->bytes.length;
	values[DEBUG_FIELD_BYTES_CONTENTS] = row->bytes.contents;
	values[DEBUG_FIELD_UNICODE_SIZE] = row->unicode.any_data + 8;
	values[DEBUG_FIELD_UNICODE_STATE] = row->unicode.state;
	values[DEBUG_FIELD_UNICODE_LENGTH] = row->unicode.length;
	values[DEBUG_FIELD_UNICODE_ASCII_SIZE] = row->unicode.ascii_data;
	values[DEBUG_FIELD_UNICODE_COMPACT_SIZE] = row->unicode.compact_data;
}

/* What a CPython of this row would tell, by field. */
static void tell(const struct python_layout *row, uint64_t values[DEBUG_FIELD_COUNT])
{
	values[DEBUG_FIELD_VERSION] = (uint64_t)row->major << 24 | (uint64_t)row->minor << 16 |
				      (uint64_t)row->micro_first << 8 | 0xf0;
	tell_states(row, values);
	tell_objects(row, values);
}

static const struct debug_offsets_schema *schema_of(const struct python_layout *row)
{
	for (size_t i = 0; i < debug_offsets_schema_count; i++)
		if (debug_offsets_schemas[i].minor == row->minor)
			return &debug_offsets_schemas[i];
	return NULL;
}

/* Put a _Py_DebugOffsets of these values at RUNTIME. */
static void put(struct memory_image *image, const struct debug_offsets_schema *schema,
		const uint64_t values[DEBUG_FIELD_COUNT])
{
	uint8_t bytes[DEBUG_OFFSETS_MAX_BYTES] = {0};
	for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++)
		if (schema->positions[field])
			memcpy(bytes + schema->positions[field], &values[field], sizeof(values[0]));
	memcpy(bytes, cookie, sizeof(cookie));
	assert_null(memory_image_put(image, RUNTIME, bytes, schema->size));
}

/* Read what is told; the code of the error, 0 if it was read. */
static int read_told(const struct debug_offsets_schema *schema,
		     const uint64_t values[DEBUG_FIELD_COUNT], struct python_layout *ret)
{
	struct memory_image *image = NULL;
	struct python_version version = {0};
	assert_null(memory_image_create(&image));
	put(image, schema, values);
	struct error *error =
		debug_offsets_read(memory_image_memory(image), RUNTIME, &version, ret);
	int code = error ? (int)error->code : 0;
	error_destroy(error);
	memory_image_destroy(image);
	return code;
}

/* The rows that have a schema; the test runs over each. */
static const struct python_layout *next_row(size_t *position)
{
	while (*position < python_layout_row_count) {
		const struct python_layout *row = &python_layout_rows[(*position)++];
		if (row->minor >= 13)
			return row;
	}
	return NULL;
}

static void test_every_schema_has_rows(void **state)
{
	(void)state;
	assert_int_equal(debug_offsets_schema_count, 3);
	for (size_t i = 0; i < debug_offsets_schema_count; i++) {
		const struct debug_offsets_schema *schema = &debug_offsets_schemas[i];
		struct python_version version = {.major = schema->major,
						 .minor = schema->minor,
						 .micro = schema->micro_first};
		assert_true(schema->size <= DEBUG_OFFSETS_MAX_BYTES);
		for (size_t field = 0; field < DEBUG_FIELD_COUNT; field++)
			assert_true(schema->positions[field] + 8 <= schema->size);
		assert_non_null(python_layout_find(version, false, false));
		assert_non_null(python_layout_find(version, false, true));
	}
}

/* What the row's own CPython tells gives the row again. */
static void test_gives_the_row(void **state)
{
	size_t position = 0;
	(void)state;
	for (const struct python_layout *row; (row = next_row(&position));) {
		uint64_t values[DEBUG_FIELD_COUNT];
		struct python_layout layout;
		tell(row, values);
		assert_int_equal(read_told(schema_of(row), values, &layout), 0);
		assert_int_equal(layout.free_threaded, row->free_threaded);
		assert_int_equal(layout.frame.owner_interpreter, row->frame.owner_interpreter);
		assert_int_equal(layout.frame.reference_tag_mask, row->frame.reference_tag_mask);
		for (size_t i = 0; i < LAYOUT_VALUES; i++)
			if (layout_value(&layout, i) != layout_value(row, i))
				fail_msg("3.%u: %s is %u, in the row %u", row->minor,
					 layout_values[i].name, layout_value(&layout, i),
					 layout_value(row, i));
	}
}

/* A target whose structures grew at their beginning: what is not told moves with its neighbour. */
static void test_completion_follows_what_is_told(void **state)
{
	size_t position = 0;
	(void)state;
	for (const struct python_layout *row; (row = next_row(&position));) {
		uint64_t values[DEBUG_FIELD_COUNT];
		struct python_layout layout;
		tell(row, values);
		values[DEBUG_FIELD_THREAD_SIZE] += 64;
		values[DEBUG_FIELD_THREAD_DATASTACK_CHUNK] += 64;
		values[DEBUG_FIELD_THREAD_STATUS] += 32;
		values[DEBUG_FIELD_CODE_ARGCOUNT] -= 8;
		assert_int_equal(read_told(schema_of(row), values, &layout), 0);
		assert_int_equal(layout.thread.datastack_top, row->thread.datastack_top + 64);
		assert_int_equal(layout.thread.active.offset, row->thread.active.offset + 32);
		assert_int_equal(layout.thread.holds_gil.offset,
				 row->thread.holds_gil.offset + (row->minor < 15 ? 32 : 0));
		assert_int_equal(layout.code.flags, row->code.flags - 8);
		assert_int_equal(layout.thread.size, row->thread.size + 64);
	}
}

static void test_absurd_offsets(void **state)
{
	static const uint64_t absurd[] = {UINT64_MAX, UINT32_MAX, 1ull << 40, 64u << 20, INT64_MIN};
	size_t position = 0;
	(void)state;
	for (const struct python_layout *row; (row = next_row(&position));) {
		const struct debug_offsets_schema *schema = schema_of(row);
		for (size_t field = DEBUG_FIELD_RUNTIME_SIZE; field < DEBUG_FIELD_COUNT; field++) {
			for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
				uint64_t values[DEBUG_FIELD_COUNT];
				struct python_layout layout = {.major = 77};
				if (!schema->positions[field])
					continue;
				tell(row, values);
				values[field] = absurd[i];
				assert_int_equal(read_told(schema, values, &layout), ERROR_FORMAT);
				assert_int_equal(layout.major, 77);
			}
		}
	}
}

static void assert_refused(size_t field, uint64_t value, const char *part)
{
	const struct python_layout *row = NULL;
	size_t position = 0;
	struct memory_image *image = NULL;
	struct python_version version = {.major = 77};
	struct python_layout layout;
	uint64_t values[DEBUG_FIELD_COUNT];
	row = next_row(&position);
	assert_null(memory_image_create(&image));
	tell(row, values);
	values[field] = value;
	put(image, schema_of(row), values);
	struct error *error =
		debug_offsets_read(memory_image_memory(image), RUNTIME, &version, &layout);
	assert_non_null(error);
	assert_int_equal(error->code, ERROR_FORMAT);
	assert_int_equal(error->address, RUNTIME);
	assert_non_null(strstr(error->message, part));
	assert_int_equal(version.major, 77);
	error_destroy(error);
	memory_image_destroy(image);
}

/* The message names the field. */
static void test_what_is_refused(void **state)
{
	(void)state;
	assert_refused(DEBUG_FIELD_THREAD_NEXT, 13, "thread_state.next is 13, not a multiple of 8");
	assert_refused(DEBUG_FIELD_THREAD_NEXT, 4096, "thread_state.next is 4096, beyond");
	assert_refused(DEBUG_FIELD_THREAD_SIZE, 0, "thread_state.size is 0");
	assert_refused(DEBUG_FIELD_CODE_SIZE, 2 << 20, "code_object.size is 2097152");
	assert_refused(DEBUG_FIELD_BYTES_LENGTH, 24, "contradict");
	assert_refused(DEBUG_FIELD_INTERPRETER_GIL, 8000, "contradict");
	assert_refused(DEBUG_FIELD_FREE_THREADED, 2, "free_threaded 2");
	assert_refused(DEBUG_FIELD_VERSION, 0x020712f0, "version 0x20712f0");
	assert_refused(DEBUG_FIELD_VERSION, 0x1030d00f0, "version 0x1030d00f0");
}

static int read_bytes(const void *bytes, size_t size, struct python_version *ret_version)
{
	struct memory_image *image = NULL;
	struct python_layout layout;
	assert_null(memory_image_create(&image));
	assert_null(memory_image_put(image, RUNTIME, bytes, size));
	struct error *error =
		debug_offsets_read(memory_image_memory(image), RUNTIME, ret_version, &layout);
	int code = error ? (int)error->code : 0;
	error_destroy(error);
	memory_image_destroy(image);
	return code;
}

static void test_other_memory(void **state)
{
	struct python_version version = {.major = 77};
	uint64_t words[3] = {0, 0x030d00f0, 0};
	(void)state;
	assert_int_equal(read_bytes(words, sizeof(words), &version), ERROR_NOT_FOUND);
	memcpy(words, "xdebugpz", 8);
	assert_int_equal(read_bytes(words, sizeof(words), &version), ERROR_NOT_FOUND);
	memcpy(words, cookie, sizeof(cookie));
	assert_int_equal(read_bytes(words, sizeof(words), &version), ERROR_MEMORY_GAP);
	assert_int_equal(read_bytes(words, 20, &version), ERROR_MEMORY_GAP);
	assert_int_equal(version.major, 77);
	/* A version that has no schema: said, and which it is. */
	words[1] = 0x031001a2;
	assert_int_equal(read_bytes(words, sizeof(words), &version), ERROR_UNSUPPORTED);
	assert_int_equal(python_version_hex(version), 0x031001a2);
}

static int print_layout(const struct python_layout *layout)
{
	for (size_t i = 0; i < LAYOUT_VALUES; i++)
		printf("%s %" PRId64 "\n", layout_values[i].name,
		       layout_value(layout, i) == LAYOUT_ABSENT ? INT64_C(-1)
								: (int64_t)layout_value(layout, i));
	printf("frame.owner_thread %u\nframe.owner_generator %u\nframe.owner_frame_object %u\n"
	       "frame.owner_cstack %u\nframe.owner_interpreter %u\nframe.reference_tag_mask %u\n",
	       layout->frame.owner_thread, layout->frame.owner_generator,
	       layout->frame.owner_frame_object, layout->frame.owner_cstack,
	       layout->frame.owner_interpreter, layout->frame.reference_tag_mask);
	return 0;
}

/* --row HEX FREE-THREADED: the generated row. */
static int print_row(const char *hex, const char *free_threaded)
{
	struct python_version version = python_version_from_hex((uint32_t)strtoul(hex, NULL, 16));
	const struct python_layout *row = python_layout_find(version, false, *free_threaded == '1');
	return row ? print_layout(row) : 1;
}

/* --offsets: the layout that a _Py_DebugOffsets on standard input gives. */
static int print_offsets(void)
{
	uint8_t bytes[DEBUG_OFFSETS_MAX_BYTES];
	size_t size = fread(bytes, 1, sizeof(bytes), stdin);
	struct memory_image *image = NULL;
	struct python_version version;
	struct python_layout layout;
	struct error *error = memory_image_create(&image);
	if (!error)
		error = memory_image_put(image, RUNTIME, bytes, size);
	if (!error)
		error = debug_offsets_read(memory_image_memory(image), RUNTIME, &version, &layout);
	memory_image_destroy(image);
	if (!error)
		return print_layout(&layout);
	puts(error->message);
	error_destroy(error);
	return 1;
}

/* Read by the newest schema what says that it is of `minor`; the code of the error, 0 if it was
 * read.
 */
static int assume(const struct python_layout *row, uint64_t minor, struct python_layout *ret)
{
	uint64_t values[DEBUG_FIELD_COUNT] = {0};
	struct memory_image *image = NULL;
	struct python_version version = {0};
	tell(row, values);
	values[DEBUG_FIELD_VERSION] = 3 << 24 | minor << 16 | 0xf0;
	assert_null(memory_image_create(&image));
	put(image, schema_of(row), values);
	struct error *error =
		debug_offsets_assume(memory_image_memory(image), RUNTIME, &version, ret);
	int code = error ? (int)error->code : 0;
	if (!error)
		assert_int_equal(version.minor, minor);
	error_destroy(error);
	memory_image_destroy(image);
	return code;
}

static void test_unknown_version(void **state)
{
	(void)state;
	const uint8_t newest = debug_offsets_schemas[debug_offsets_schema_count - 1].minor;
	const struct python_layout *row = NULL;
	struct python_layout layout;
	size_t position = 0;
	while ((row = next_row(&position))) {
		if (row->debug_build)
			continue;
		/* Only what is newer is assumed; an older schema's values are not taken for it. */
		assert_int_equal(assume(row, newest, &layout), ERROR_UNSUPPORTED);
		if (row->minor != newest) {
			assert_int_not_equal(assume(row, newest + 1, &layout), 0);
			continue;
		}
		assert_int_equal(assume(row, newest + 1, &layout), 0);
		assert_int_equal(layout.minor, newest);
		assert_int_equal(layout.code.filename, row->code.filename);
		assert_int_equal(layout.free_threaded, row->free_threaded);
	}
}

static void test_overlapping_fields(void **state)
{
	(void)state;
	static const struct {
		enum debug_field field;
		enum debug_field other;
	} pairs[] = {
		{DEBUG_FIELD_CODE_NAME, DEBUG_FIELD_CODE_FILENAME},
		{DEBUG_FIELD_THREAD_NEXT, DEBUG_FIELD_THREAD_PREV},
		{DEBUG_FIELD_FRAME_PREVIOUS, DEBUG_FIELD_FRAME_EXECUTABLE},
		{DEBUG_FIELD_UNICODE_LENGTH, DEBUG_FIELD_UNICODE_STATE},
		{DEBUG_FIELD_INTERPRETER_NEXT, DEBUG_FIELD_INTERPRETER_THREADS_HEAD},
	};
	size_t position = 0;
	const struct python_layout *row = next_row(&position);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct python_layout layout;
		uint64_t values[DEBUG_FIELD_COUNT] = {0};
		tell(row, values);
		assert_int_equal(read_told(schema_of(row), values, &layout), 0);
		values[pairs[i].field] = values[pairs[i].other];
		assert_int_equal(read_told(schema_of(row), values, &layout), ERROR_FORMAT);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_schema_has_rows),
		cmocka_unit_test(test_gives_the_row),
		cmocka_unit_test(test_unknown_version),
		cmocka_unit_test(test_overlapping_fields),
		cmocka_unit_test(test_completion_follows_what_is_told),
		cmocka_unit_test(test_absurd_offsets),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_other_memory),
	};
	if (argc == 4 && !strcmp(argv[1], "--row"))
		return print_row(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "--offsets"))
		return print_offsets();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
