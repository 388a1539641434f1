/* Reading and writing bytes within bounds. */
#include "common/buffer.h"
#include "common/cursor.h"
#include "tests/unit/cmocka_headers.h"

static void test_integers(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	(void)state;
	assert_int_equal(cursor_u8(&cursor), 1);
	assert_int_equal(cursor_u16(&cursor), 0x0302);
	assert_int_equal(cursor_u32(&cursor), 0x07060504);
	assert_true(cursor_u64(&cursor) == 0x0f0e0d0c0b0a0908);
	assert_true(cursor_ok(&cursor));
	assert_int_equal(cursor_left(&cursor), 0);
}

static void test_past_the_end_fails_for_good(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	(void)state;
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_false(cursor_ok(&cursor));
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_int_equal(cursor_left(&cursor), 0);
	assert_null(cursor_bytes(&cursor, 0));
}

static void test_sizes_that_wrap(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	uint64_t value = 77;
	(void)state;
	cursor_u8(&cursor);
	assert_null(cursor_bytes(&cursor, SIZE_MAX));
	assert_false(bytes_field(bytes, sizeof(bytes), SIZE_MAX, 1, &value));
	assert_false(bytes_field(bytes, sizeof(bytes), 2, 2, &value));
	assert_false(bytes_field(bytes, sizeof(bytes), 0, 9, &value));
	assert_int_equal(value, 77);
	assert_true(bytes_field(bytes, sizeof(bytes), 1, 2, &value));
	assert_int_equal(value, 0x0302);
}

static void test_slice_and_seek(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4};
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	(void)state;
	struct cursor slice = cursor_slice(&cursor, 3);
	assert_int_equal(cursor_left(&slice), 3);
	assert_int_equal(cursor_u8(&cursor), 4);
	slice = cursor_slice(&cursor, 1);
	assert_false(cursor_ok(&slice));
	cursor = cursor_make(bytes, sizeof(bytes));
	cursor_seek(&cursor, 4);
	assert_true(cursor_ok(&cursor));
	cursor_seek(&cursor, 5);
	assert_false(cursor_ok(&cursor));
}

static void test_varints_round_trip(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, INT64_MAX, UINT64_MAX};
	struct buffer buffer = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		assert_null(buffer_append_varint(&buffer, values[i]));
	struct cursor cursor = cursor_make(buffer.data, buffer.size);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		assert_true(cursor_varint(&cursor) == values[i]);
	assert_true(cursor_ok(&cursor));
	buffer_deinit(&buffer);
}

static void test_varint_of_too_many_bits(void **state)
{
	static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0x02, 0};
	struct cursor cursor = cursor_make(bytes, sizeof(bytes));
	(void)state;
	assert_int_equal(cursor_varint(&cursor), 0);
	assert_false(cursor_ok(&cursor));
}

static void test_buffer_integers(void **state)
{
	struct buffer buffer = {0};
	(void)state;
	assert_null(buffer_append_u8(&buffer, 1));
	assert_null(buffer_append_u16(&buffer, 2));
	assert_null(buffer_append_u32(&buffer, 3));
	assert_null(buffer_append_u64(&buffer, 4));
	assert_int_equal(buffer.size, 15);
	assert_memory_equal(buffer.data, "\1\2\0\3\0\0\0\4\0\0\0\0\0\0\0", 15);
	assert_ptr_equal(buffer_reserve(&buffer, SIZE_MAX), &error_out_of_memory);
	buffer_clear(&buffer);
	assert_int_equal(buffer.size, 0);
	buffer_deinit(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_past_the_end_fails_for_good),
		cmocka_unit_test(test_sizes_that_wrap),
		cmocka_unit_test(test_slice_and_seek),
		cmocka_unit_test(test_varints_round_trip),
		cmocka_unit_test(test_varint_of_too_many_bits),
		cmocka_unit_test(test_buffer_integers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
