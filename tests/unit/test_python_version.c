#include <string.h>

#include "common/python_version.h"
#include "tests/unit/cmocka_headers.h"

static size_t parse(const char *text, struct python_version *ret)
{
	return python_version_parse(text, strlen(text), ret);
}

static void assert_parsed(const char *text, size_t length, uint32_t hex)
{
	struct python_version version = {0};
	assert_int_equal(parse(text, &version), length);
	assert_int_equal(python_version_hex(version), hex);
}

/* Texts as Py_GetVersion() gives them; PY_VERSION_HEX of the same release. */
static void test_parse_releases(void **state)
{
	(void)state;
	assert_parsed("3.12.1 (main, Jan  2 2024, 03:04:05) [GCC 12.2.0]", 6, 0x030c01f0);
	assert_parsed("3.10.13 (main, ", 7, 0x030a0df0);
	assert_parsed("2.7.18 (default, ", 6, 0x020712f0);
	assert_parsed("3.15.0b2 (main, ", 8, 0x030f00b2);
	assert_parsed("3.13.0rc3", 9, 0x030d00c3);
	assert_parsed("3.14.0a7+ (heads/main:1234567, ", 8, 0x030e00a7);
	assert_parsed("3.11.2+ (main, ", 6, 0x030b02f0);
	assert_parsed("3.13.0 experimental free-threading build (main, ", 6, 0x030d00f0);
}

static void test_parse_refuses(void **state)
{
	static const char *const texts[] = {
		"",	     "3",	   "3.",	"3.12",	      "3.12.",	  "x3.12.1",
		" 3.12.1",   "3.12.1.1",   "3.12.1x",	"3.12.1b",    "3.12.1rc", "256.1.1",
		"3.12.9999", "3.12.1rc16", "3..1",	"3.12.1b2.3", "3,12,1",	  "3.12.1_4",
		"3.-1.0",    "\xff.12.1",  "3.12.1a1a",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct python_version version = {.major = 77};
		assert_int_equal(parse(texts[i], &version), 0);
		assert_int_equal(version.major, 77);
	}
}

/* The text ends where it is said to end, not at a NUL. */
static void test_parse_bounds(void **state)
{
	static const char text[] = {'3', '.', '1', '2', '.', '1', '0'};
	struct python_version version = {0};
	(void)state;
	assert_int_equal(python_version_parse(text, 6, &version), 6);
	assert_int_equal(version.micro, 1);
	assert_int_equal(python_version_parse(text, 7, &version), 7);
	assert_int_equal(version.micro, 10);
	assert_int_equal(python_version_parse(text, 5, &version), 0);
	assert_int_equal(python_version_parse(NULL, 0, &version), 0);
}

static void test_hex_and_format(void **state)
{
	static const struct {
		uint32_t hex;
		const char *text;
	} rows[] = {
		{0x030c01f0, "3.12.1"},		{0x030f00b2, "3.15.0b2"},
		{0x030d00c3, "3.13.0rc3"},	{0x030e00a7, "3.14.0a7"},
		{0x02071200, "2.7.18?0"},	{0xffffffff, "255.255.255"},
		{0xffffffaf, "255.255.255a15"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[PYTHON_VERSION_TEXT_SIZE];
		struct python_version version = python_version_from_hex(rows[i].hex);
		assert_int_equal(python_version_hex(version), rows[i].hex);
		python_version_format(version, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_releases),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_parse_bounds),
		cmocka_unit_test(test_hex_and_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
