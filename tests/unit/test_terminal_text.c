#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/terminal_text.h"

static const struct {
	const char *text;
	const char *safe;
} texts[] = {
	{"", ""},
	{"plain (app.py:12)", "plain (app.py:12)"},
	{"C:\\folder", "C:\\folder"},
	{"gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x90\x8d",
	 "gr\xc3\xbc\xc3\x9f \xe6\xbc\xa2 \xf0\x9f\x90\x8d"},
	{"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
	{"a\nb\r\tc\x7f", "a\\nb\\r\\tc\\x7f"},
	/* C1: CSI as one character, and as the bare byte */
	{"\xc2\x9b"
	 "31m",
	 "\\x9b31m"},
	{"\x9b"
	 "31m",
	 "\\x9b31m"},
	/* right-to-left override, zero-width space, line separator, tag */
	{"\xe2\x80\xae"
	 "cod\xe2\x80\x8b\xe2\x80\xa8",
	 "\\u202ecod\\u200b\\u2028"},
	{"\xf3\xa0\x81\x81", "\\U000e0041"},
	/* cut, overlong, surrogate, beyond U+10FFFF, stray */
	{"x\xe2\x82", "x\\xe2\\x82"},
	{"\xc0\xaf", "\\xc0\\xaf"},
	{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	{"\xff\xfe", "\\xff\\xfe"},
	{"\x80z", "\\x80z"},
};

enum { TEXT_COUNT = sizeof(texts) / sizeof(texts[0]) };

static void test_append(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		CLEANUP(buffer_deinit) struct buffer buffer = {0};
		assert_null(buffer_append(&buffer, ">", 1));
		assert_null(terminal_text_append(&buffer, texts[i].text));
		assert_int_equal(buffer.size, strlen(texts[i].safe) + 1);
		assert_memory_equal(buffer.data + 1, texts[i].safe, buffer.size - 1);
	}
}

static void test_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		CLEANUP_FREE char *text = NULL;
		size_t size;
		FILE *stream = open_memstream(&text, &size);
		terminal_text_write(stream, texts[i].text);
		fclose(stream);
		assert_string_equal(text, texts[i].safe);
	}
}

/* Whatever the bytes are, what comes out is UTF-8 without controls. */
static void test_every_byte_pair(void **state)
{
	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		const char text[] = {'a', (char)(pair >> 8), (char)pair, 'z', '\0'};
		CLEANUP(buffer_deinit) struct buffer buffer = {0};
		assert_null(terminal_text_append(&buffer, text));
		const char *safe = (const char *)buffer.data;
		for (size_t i = 0; i < buffer.size;) {
			unsigned character;
			size_t length = utf8_decode(safe + i, buffer.size - i, &character);
			assert_true(length > 0);
			assert_false(terminal_text_is_unsafe(character));
			i += length;
		}
	}
}

static void test_decode(void **state)
{
	(void)state;
	unsigned character = 7;
	assert_int_equal(utf8_decode("", 0, &character), 0);
	assert_int_equal(utf8_decode("\xe2\x82\xac", 2, &character), 0);
	assert_int_equal(character, 7);
	assert_int_equal(utf8_decode("\xe2\x82\xac", 3, &character), 3);
	assert_int_equal(character, 0x20ac);
	assert_int_equal(utf8_decode("\xf4\x8f\xbf\xbf", 4, &character), 4);
	assert_int_equal(character, 0x10ffff);
	assert_int_equal(utf8_decode("\xc3\xbc", 2, &character), 2);
	assert_int_equal(character, 0xfc);
	assert_int_equal(utf8_decode("A", 1, &character), 1);
	assert_int_equal(character, 'A');
}

static void test_color(void **state)
{
	(void)state;
	CLEANUP_FCLOSE FILE *file = tmpfile();
	assert_non_null(file);
	unsetenv("NO_COLOR");
	unsetenv("CLICOLOR_FORCE");
	assert_false(terminal_color_wanted(false, file));
	setenv("CLICOLOR_FORCE", "0", 1);
	assert_false(terminal_color_wanted(false, file));
	setenv("CLICOLOR_FORCE", "1", 1);
	assert_true(terminal_color_wanted(false, file));
	assert_false(terminal_color_wanted(true, file));
	setenv("NO_COLOR", "", 1);
	assert_true(terminal_color_wanted(false, file));
	setenv("NO_COLOR", "1", 1);
	assert_false(terminal_color_wanted(false, file));
	assert_string_equal(terminal_style(false, STYLE_ID), "");
	assert_string_equal(terminal_style(true, STYLE_FUNCTION), "\x1b[32m");
	assert_string_equal(terminal_style_end(true), "\x1b[0m");
	assert_string_equal(terminal_style_end(false), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),		cmocka_unit_test(test_write),
		cmocka_unit_test(test_every_byte_pair), cmocka_unit_test(test_decode),
		cmocka_unit_test(test_color),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
