/* perf maps, whole and hostile. */
#include "formats/perf_map.h"

#include <string.h>

#include "tests/unit/cmocka_headers.h"

static struct perf_map parse(const char *text)
{
	struct perf_map map;
	assert_null(perf_map_parse(text, strlen(text), &map));
	return map;
}

static void assert_found(const struct perf_map *map, uint64_t address, const char *name)
{
	const struct perf_map_entry *entry = perf_map_find(map, address);
	if (!name) {
		assert_null(entry);
		return;
	}
	assert_non_null(entry);
	assert_int_equal(entry->name_size, strlen(name));
	assert_memory_equal(entry->name, name, strlen(name));
}

static void finds_by_address(void **state)
{
	struct perf_map map = parse("2000 10 two\n1000 20 one with blanks\n0x3000 0x8 Three\n");
	(void)state;
	assert_int_equal(map.count, 3);
	assert_found(&map, 0xfff, NULL);
	assert_found(&map, 0x1000, "one with blanks");
	assert_found(&map, 0x101f, "one with blanks");
	assert_found(&map, 0x1020, NULL);
	assert_found(&map, 0x200f, "two");
	assert_found(&map, 0x3007, "Three");
	assert_found(&map, UINT64_MAX, NULL);
	perf_map_deinit(&map);
}

static void last_line_counts(void **state)
{
	struct perf_map map = parse("1000 100 old\n1010 10 inside\n1000 100 new\n1040 8 newer\n");
	(void)state;
	assert_found(&map, 0x1000, "new");
	assert_found(&map, 0x1018, "new");
	assert_found(&map, 0x1047, "newer");
	assert_found(&map, 0x1048, "new");
	perf_map_deinit(&map);
}

static void leaves_out_what_is_no_line(void **state)
{
	struct perf_map map =
		parse("\n1000\n1000 \n1000 10\n1000 10 \nx 10 bad\n1000 y bad\n1000 0 empty\n"
		      "ffffffffffffffff 10 wraps\n11111111111111111 10 long\n 1000 10 blank\n"
		      "2000 10 good\n3000 10 not ended");
	(void)state;
	assert_int_equal(map.count, 1);
	assert_found(&map, 0x2000, "good");
	perf_map_deinit(&map);
	map = parse("");
	assert_int_equal(map.count, 0);
	assert_found(&map, 0, NULL);
	perf_map_deinit(&map);
}

static void cuts_names(void **state)
{
	char text[2 * PERF_MAP_NAME_MAX];
	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "10 10 ", 6);
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = 0;
	struct perf_map map = parse(text);
	assert_int_equal(map.count, 1);
	assert_int_equal(map.entries[0].name_size, PERF_MAP_NAME_MAX);
	perf_map_deinit(&map);
}

static void names_files(void **state)
{
	char path[PERF_MAP_PATH_SIZE];
	(void)state;
	perf_map_path(INT32_MAX, path);
	assert_string_equal(path, "/tmp/perf-2147483647.map");
	perf_map_image_name(12, path);
	assert_string_equal(path, "[perf-12.map]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_address),
		cmocka_unit_test(last_line_counts),
		cmocka_unit_test(leaves_out_what_is_no_line),
		cmocka_unit_test(cuts_names),
		cmocka_unit_test(names_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
