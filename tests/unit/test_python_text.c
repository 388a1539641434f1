/* Names as people read them: text of str objects, short file names, functions that wait. */
#include <stdlib.h>

#include "analyze/python/idle.h"
#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "tests/unit/cmocka_headers.h"

static void assert_text(const void *data, size_t length, uint8_t width, const char *expected)
{
	const struct raw_string string = {
		.width = width,
		.ascii = false,
		.length = length,
		.data = (uint8_t *)data,
	};
	CLEANUP_FREE char *text = NULL;
	assert_null(python_text(&string, &text));
	assert_string_equal(text, expected);
}

static void test_widths(void **state)
{
	static const uint16_t two[] = {0x20ac, 'x', 0x7ff};
	static const uint32_t four[] = {0x1f40d, 0x41, 0xffff};
	(void)state;
	assert_text("na\xefve", 5, 1, "na\xc3\xafve");
	assert_text(two, 3, 2, "\xe2\x82\xacx\xdf\xbf");
	assert_text(four, 3, 4, "\xf0\x9f\x90\x8d\x41\xef\xbf\xbf");
	assert_text("", 0, 1, "");
}

static void test_what_utf8_cannot_say(void **state)
{
	static const uint16_t surrogate[] = {'a', 0xdc80, 'b'};
	static const uint32_t beyond[] = {0x110000};
	(void)state;
	assert_text(surrogate, 3, 2, "a\\udc80b");
	assert_text(beyond, 1, 4, "\\U00110000");
	assert_text("a\0b", 3, 1, "a\\x00b");
}

static void test_cut_and_unreadable(void **state)
{
	struct raw_string string = {
		.width = 1, .ascii = true, .length = 2, .cut = true, .data = (uint8_t *)"ab"};
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *unreadable = NULL;
	(void)state;
	assert_null(python_text(&string, &text));
	assert_string_equal(text, "ab…");
	string.status = MEMORY_NOT_CAPTURED;
	assert_null(python_text(&string, &unreadable));
	assert_string_equal(unreadable, "<unreadable>");
}

static void test_waiting_functions(void **state)
{
	(void)state;
	assert_true(is_waiting_frame("wait", "/usr/lib/python3.11/threading.py"));
	assert_true(is_waiting_frame("select", "/usr/lib/python3.11/selectors.py"));
	assert_false(is_waiting_frame("wait", "/srv/mythreading.py"));
	assert_false(is_waiting_frame("run", "/usr/lib/python3.11/threading.py"));
	assert_false(is_waiting_frame(NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_what_utf8_cannot_say),
		cmocka_unit_test(test_cut_and_unreadable),
		cmocka_unit_test(test_waiting_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
