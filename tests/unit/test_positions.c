/*
 * Lines and columns of frames; and with --oracle, the positions of real code objects as the
 * interpreters themselves give them (tests/e2e/test_positions.py writes those to standard input).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/frame_position.h"
#include "analyze/python/line_table.h"
#include "common/cleanup.h"
#include "tests/unit/cmocka_headers.h"

enum { ENTRY = 0x80, NO_COLUMNS = 13 << 3, LONG = 14 << 3, NOWHERE = 15 << 3 };

static struct source_position position_at(const uint8_t *table, size_t size, int64_t offset)
{
	return line_table_lookup(LINE_TABLE_LOCATIONS, table, size, 10, offset);
}

static void assert_position(struct source_position position, int32_t line, int32_t end_line,
			    int32_t column, int32_t end_column)
{
	assert_int_equal(position.line, line);
	assert_int_equal(position.end_line, end_line);
	assert_int_equal(position.column, column);
	assert_int_equal(position.end_column, end_column);
}

static void test_forms(void **state)
{
	/* clang-format off */
	static const uint8_t table[] = {
		ENTRY | 3 << 3, 0x2f, /* columns 26-41 of line 10 */
		ENTRY | 11 << 3, 7, 200, /* columns 7-200 of line 11 */
		ENTRY | NO_COLUMNS, 2, /* line 12 */
		ENTRY | LONG, 0, 0x40, 0x40, 1, 5, 0x41, 4, /* 4096 lines on, columns 4-256 */
		ENTRY | LONG, 2, 0, 0, 0, /* line 13, no columns */
	};
	/* clang-format on */
	(void)state;
	assert_position(position_at(table, sizeof(table), 0), 10, 10, 26, 41);
	assert_position(position_at(table, sizeof(table), 2), 11, 11, 7, 200);
	assert_position(position_at(table, sizeof(table), 4), 12, 12, -1, -1);
	assert_position(position_at(table, sizeof(table), 6), 12, 12 + 4096, 4, 256);
	assert_position(position_at(table, sizeof(table), 8), 13, 13, -1, -1);
	assert_position(position_at(table, sizeof(table), 10), 0, 0, -1, -1);
	/* Cut in the middle of an entry. */
	assert_position(position_at(table, 4, 2), 0, 0, -1, -1);
}

/* Numbers that fit nothing are unknown, and do not make a known line unknown. */
static void test_absurd_numbers(void **state)
{
	/* clang-format off */
	static const uint8_t table[] = {
		ENTRY | LONG, 0, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 3, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 3, 1,
	};
	/* clang-format on */
	(void)state;
	assert_position(position_at(table, sizeof(table), 0), 10, 0, -1, -1);
	assert_position(line_table_lookup(LINE_TABLE_LOCATIONS, table, sizeof(table), -3, 0), 0, 0,
			-1, -1);
}

static struct model_frame decode(const uint8_t *table, size_t size, int64_t offset, int32_t traced)
{
	const struct python_layout layout = {.line_table_kind = LINE_TABLE_LOCATIONS};
	uint8_t copy[16];
	assert_true(size <= sizeof(copy));
	memcpy(copy, table, size);
	const struct raw_code code = {
		.first_line = 10,
		.line_table = copy,
		.line_table_size = size,
	};
	const struct walk_frame walked = {
		.code = &code, .instruction_offset = offset, .traced_line = traced};
	struct model_frame frame = {0};
	frame_position_decode(&layout, &walked, &frame);
	return frame;
}

/* Before the first instruction that has a line, a frame is at its function's first line; behind
 * that, no line is no line. */
static void test_before_first_line(void **state)
{
	static const uint8_t table[] = {
		ENTRY | NOWHERE | 1,
		ENTRY | NO_COLUMNS,
		4,
		ENTRY | NOWHERE,
	};
	(void)state;
	assert_int_equal(decode(table, sizeof(table), -2, 0).line, 10);
	assert_int_equal(decode(table, sizeof(table), 2, 0).line, 10);
	assert_int_equal(decode(table, sizeof(table), 4, 0).line, 12);
	assert_int_equal(decode(table, sizeof(table), 6, 0).line, 0);
	assert_int_equal(decode(table, sizeof(table), 8, 0).line, 0);
	assert_int_equal(decode(table, sizeof(table), 6, 0).first_line, 10);
}

static void test_traced_line(void **state)
{
	static const uint8_t table[] = {ENTRY | 0 << 3, 0x35};
	(void)state;
	struct model_frame frame = decode(table, sizeof(table), 0, 0);
	assert_int_equal(frame.line, 10);
	assert_true(frame.has_columns);
	assert_int_equal(frame.column, 3);
	assert_int_equal(frame.end_column, 8);
	frame = decode(table, sizeof(table), 0, 99);
	assert_int_equal(frame.line, 99);
	assert_int_equal(frame.end_line, 0);
	assert_false(frame.has_columns);
}

static bool is_internal(const char *name, uint64_t filename, int32_t first_line)
{
	uint8_t text[16];
	size_t length = strlen(name);
	assert_true(length <= sizeof(text));
	memcpy(text, name, length);
	const struct raw_code code = {
		.first_line = first_line,
		.name = {.address = 1, .width = 1, .length = length, .data = text},
		.filename = {.address = filename, .width = 1, .length = length, .data = text},
	};
	return frame_is_internal(&(struct walk_frame){.code = &code});
}

static void test_internal_frame(void **state)
{
	(void)state;
	assert_true(is_internal("__init__", 1, 0));
	assert_false(is_internal("__init__", 2, 0));
	assert_false(is_internal("__init__", 1, 1));
	assert_false(is_internal("__main__", 1, 0));
	assert_false(is_internal("__init__x", 1, 0));
}

/* The table of the line, from hexadecimal. */
static uint8_t *read_table(const char *text, size_t *ret_size)
{
	size_t size = strspn(text, "0123456789abcdef") / 2;
	uint8_t *table = malloc(size + 1);
	for (size_t i = 0; table && i < size; i++) {
		const char digits[] = {text[2 * i], text[2 * i + 1], 0};
		table[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	*ret_size = size;
	return table;
}

/*
 * "code FIRST_LINE HEX-TABLE" begins a code object, "LINE END_LINE COLUMN END_COLUMN" is its next
 * instruction: unknown lines are 0, unknown columns -1. Prints each that differs.
 */
static int oracle(void)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE uint8_t *table = NULL;
	size_t table_size = 0;
	size_t capacity = 0;
	unsigned long checked = 0;
	unsigned long wrong = 0;
	int64_t offset = 0;
	int32_t first_line = 0;
	while (getline(&text, &capacity, stdin) > 0) {
		int begin = 0;
		struct source_position want;
		if (sscanf(text, "code %d %n", &first_line, &begin) == 1 && begin) {
			free(table);
			table = read_table(text + begin, &table_size);
			offset = 0;
			continue;
		}
		if (sscanf(text, "%d %d %d %d", &want.line, &want.end_line, &want.column,
			   &want.end_column) != 4)
			return 2;
		struct source_position got = line_table_lookup(LINE_TABLE_LOCATIONS, table,
							       table_size, first_line, offset);
		checked++;
		if (got.line != want.line || got.end_line != want.end_line ||
		    got.column != want.column || got.end_column != want.end_column) {
			wrong++;
			printf("first line %d, offset %lld: %d %d %d %d, expected %s", first_line,
			       (long long)offset, got.line, got.end_line, got.column,
			       got.end_column, text);
		}
		offset += 2;
	}
	printf("%lu checked, %lu wrong\n", checked, wrong);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_absurd_numbers),
		cmocka_unit_test(test_before_first_line),
		cmocka_unit_test(test_traced_line),
		cmocka_unit_test(test_internal_frame),
	};
	if (argc > 1 && strcmp(argv[1], "--oracle") == 0)
		return oracle();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
