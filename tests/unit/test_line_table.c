/*
 * Line tables: encodings made by hand, and with --oracle the lines of real code objects as the
 * interpreters themselves give them (tests/e2e/test_line_tables.py writes those to standard input).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/line_table.h"
#include "common/cleanup.h"
#include "tests/unit/cmocka_headers.h"

static int32_t line_at(enum line_table_kind kind, const char *table, size_t size, int64_t offset)
{
	return line_table_lookup(kind, (const uint8_t *)table, size, 10, offset).line;
}

static void test_lnotab(void **state)
{
	/* Line 10 for 4 bytes, then line 12 for 6 bytes, then back to line 11. */
	static const char table[] = {4, 2, 6, -1};
	(void)state;
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 0), 10);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 3), 10);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 4), 12);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 9), 12);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 10), 11);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), 9999), 11);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, table, sizeof(table), -2), 10);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB, NULL, 0, 6), 10);
	/* Up to 3.5 the same byte means 255 lines forward. */
	assert_int_equal(line_at(LINE_TABLE_LNOTAB_UNSIGNED, table, sizeof(table), 9), 12);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB_UNSIGNED, table, sizeof(table), 10), 267);
	assert_int_equal(line_at(LINE_TABLE_LNOTAB_UNSIGNED, table, 3, 10), 12);
}

static void test_pep626(void **state)
{
	/* 4 bytes of line 10, 2 bytes without a line, 6 bytes of line 13. */
	static const char table[] = {4, 0, 2, -128, 6, 3};
	(void)state;
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), 0), 10);
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), 4), 0);
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), 6), 13);
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), 11), 13);
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), 12), 0);
	assert_int_equal(line_at(LINE_TABLE_PEP626, table, sizeof(table), -2), 10);
}

static void test_locations(void **state)
{
	static const char table[] = {
		(char)(0x80 | 0 << 3 | 0),
		0x35, /* 1 unit: same line, columns 3-8 */
		(char)(0x80 | 12 << 3 | 1),
		4,
		9,			    /* 2 units: 2 lines on, columns 4-9 */
		(char)(0x80 | 15 << 3 | 0), /* 1 unit: no location */
		(char)(0x80 | 13 << 3 | 0),
		0x03, /* 1 unit: 1 line back */
		(char)(0x80 | 14 << 3 | 7),
		0x42,
		2, /* 8 units: 65 lines on… */
		1,
		6,
		7, /* …ends 1 line further, columns 5-6 */
	};
	const uint8_t *bytes = (const uint8_t *)table;
	(void)state;
	struct source_position position =
		line_table_lookup(LINE_TABLE_LOCATIONS, bytes, sizeof(table), 10, 0);
	assert_int_equal(position.line, 10);
	assert_int_equal(position.column, 3);
	assert_int_equal(position.end_column, 8);
	position = line_table_lookup(LINE_TABLE_LOCATIONS, bytes, sizeof(table), 10, 5);
	assert_int_equal(position.line, 12);
	assert_int_equal(position.column, 4);
	assert_int_equal(position.end_column, 9);
	assert_int_equal(line_at(LINE_TABLE_LOCATIONS, table, sizeof(table), 6), 0);
	position = line_table_lookup(LINE_TABLE_LOCATIONS, bytes, sizeof(table), 10, 8);
	assert_int_equal(position.line, 11);
	assert_int_equal(position.column, -1);
	position = line_table_lookup(LINE_TABLE_LOCATIONS, bytes, sizeof(table), 10, 10);
	assert_int_equal(position.line, 11 + 65);
	assert_int_equal(position.end_line, 11 + 66);
	assert_int_equal(position.column, 5);
	assert_int_equal(position.end_column, 6);
	assert_int_equal(line_at(LINE_TABLE_LOCATIONS, table, sizeof(table), 1000), 0);
	assert_int_equal(line_at(LINE_TABLE_LOCATIONS, table, sizeof(table), -2), 10);
}

/* Whatever the bytes, the answer is a line or 0, and nothing is read behind the table's end. */
static void test_hostile_tables(void **state)
{
	unsigned seed = 1;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)rand_r(&seed) % 24;
		CLEANUP_FREE uint8_t *table = malloc(size + 1);
		assert_non_null(table);
		for (size_t i = 0; i < size; i++)
			table[i] = (uint8_t)rand_r(&seed);
		for (int kind = LINE_TABLE_LNOTAB; kind <= LINE_TABLE_LOCATIONS; kind++) {
			struct source_position position =
				line_table_lookup((enum line_table_kind)kind, table, size,
						  INT32_MAX - 5, rand_r(&seed) % 64);
			assert_true(position.line >= 0);
		}
	}
}

/* "KIND FIRST_LINE OFFSET EXPECTED HEX-TABLE" on each line; prints each that differs. */
static int oracle(void)
{
	CLEANUP_FREE char *text = NULL;
	size_t capacity = 0;
	unsigned long checked = 0;
	unsigned long wrong = 0;
	while (getline(&text, &capacity, stdin) > 0) {
		int kind;
		int first_line;
		int offset;
		int expected;
		int begin = 0;
		if (sscanf(text, "%d %d %d %d %n", &kind, &first_line, &offset, &expected,
			   &begin) != 4)
			return 2;
		size_t size = strspn(text + begin, "0123456789abcdef") / 2;
		CLEANUP_FREE uint8_t *table = malloc(size + 1);
		for (size_t i = 0; table && i < size; i++) {
			unsigned byte;
			sscanf(text + begin + 2 * i, "%2x", &byte);
			table[i] = (uint8_t)byte;
		}
		int32_t line = line_table_lookup((enum line_table_kind)kind, table, size,
						 first_line, offset)
				       .line;
		checked++;
		if (line != expected) {
			wrong++;
			printf("offset %d: line %d, expected %d: %s", offset, line, expected, text);
		}
	}
	printf("%lu checked, %lu wrong\n", checked, wrong);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lnotab),
		cmocka_unit_test(test_pep626),
		cmocka_unit_test(test_locations),
		cmocka_unit_test(test_hostile_tables),
	};
	if (argc > 1 && strcmp(argv[1], "--oracle") == 0)
		return oracle();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
