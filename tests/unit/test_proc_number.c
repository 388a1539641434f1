#include "tests/unit/cmocka_headers.h"

#include "capture/proc_number.h"

static void numbers_and_blanks(void **state)
{
	(void)state;
	const char *at = " 12\t-7 0x1f\n18446744073709551615";
	uint64_t value;
	int64_t number;
	assert_true(proc_number_decimal(&at, &value));
	assert_int_equal(value, 12);
	assert_false(proc_number_decimal(&at, &value));
	assert_true(proc_number_signed(&at, &number));
	assert_int_equal(number, -7);
	assert_true(proc_number_hexadecimal(&at, &value));
	assert_int_equal(value, 0x1f);
	assert_true(proc_number_decimal(&at, &value));
	assert_true(value == UINT64_MAX);
	assert_false(proc_number_decimal(&at, &value));
	assert_int_equal(*at, '\0');
}

static void nothing_moves_without_a_number(void **state)
{
	(void)state;
	const char *text = "running";
	const char *at = text;
	uint64_t value;
	int64_t number;
	assert_false(proc_number_decimal(&at, &value));
	assert_false(proc_number_signed(&at, &number));
	assert_false(proc_number_hexadecimal(&at, &value));
	assert_ptr_equal(at, text);
}

static void skipped_fields(void **state)
{
	(void)state;
	const char *text = " a -1  (b 4";
	const char *at = text;
	uint64_t value;
	assert_false(proc_number_skip(&at, 5));
	assert_ptr_equal(at, text);
	assert_true(proc_number_skip(&at, 3));
	assert_true(proc_number_decimal(&at, &value));
	assert_int_equal(value, 4);
	assert_true(proc_number_skip(&at, 0));
	assert_false(proc_number_skip(&at, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_blanks),
		cmocka_unit_test(nothing_moves_without_a_number),
		cmocka_unit_test(skipped_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
