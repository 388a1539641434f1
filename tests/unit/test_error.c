/* Errors as objects. */
#include <errno.h>

#include "common/error.h"
#include "tests/unit/cmocka_headers.h"

static void test_message_and_code(void **state)
{
	struct error *error = error_create(ERROR_USAGE, "option %s takes %d", "--pid", 1);
	(void)state;
	assert_int_equal(error->code, ERROR_USAGE);
	assert_string_equal(error->message, "option --pid takes 1");
	error_destroy(error);
}

static void test_errno_is_said_and_kept(void **state)
{
	struct error *error = error_errno(ERROR_IO, ENOSPC, "cannot write %s", "out.zst");
	(void)state;
	assert_int_equal(error->errnum, ENOSPC);
	assert_string_equal(error->message, "cannot write out.zst: No space left on device");
	error_destroy(error);
}

static void test_prefix_keeps_the_rest(void **state)
{
	struct error *error = error_at(ERROR_MEMORY_GAP, 0x1000, "cannot read %s", "frame");
	(void)state;
	error = error_prefix(error, "core.%d", 7);
	assert_int_equal(error->code, ERROR_MEMORY_GAP);
	assert_true(error->has_address);
	assert_int_equal(error->address, 0x1000);
	assert_string_equal(error->message, "core.7: cannot read frame at 0x1000");
	error_destroy(error);
	assert_null(error_prefix(NULL, "nothing"));
}

static void test_singletons(void **state)
{
	(void)state;
	assert_ptr_equal(error_prefix(&error_out_of_memory, "x"), &error_out_of_memory);
	error_destroy(&error_not_found);
	error_destroy(NULL);
	struct error *error = error_prefix(&error_not_found, "symbol");
	assert_int_equal(error->code, ERROR_NOT_FOUND);
	assert_string_equal(error->message, "symbol: not found");
	error_destroy(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_code),
		cmocka_unit_test(test_errno_is_said_and_kept),
		cmocka_unit_test(test_prefix_keeps_the_rest),
		cmocka_unit_test(test_singletons),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
