#include "tests/unit/cmocka_headers.h"

#include <stdlib.h>
#include <string.h>

#include "common/mappings.h"
#include "tests/unit/elf_builder.h"

static struct mappings parse(const char *text)
{
	struct mappings mappings = {0};
	assert_null(mappings_parse(text, strlen(text), &mappings));
	return mappings;
}

static void test_fields(void **state)
{
	(void)state;
	struct mappings mappings = parse(
		"00400000-00452000 r-xp 00001000 fe:02 173521      /usr/bin/a b\n"
		"35b1800000-35b1820000 rw-s 00000000 08:02 135522  /dev/shm/x (deleted)\n"
		"7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
		"7f0000002000-7f0000003000 r--p 00000000 00:00 0                  [vdso]\n"
		"7f0000003000-7f0000004000 r--p 00000000 00:00 5   /a\\012b\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]");
	assert_int_equal(mappings.count, 6);
	const struct mapping *item = mappings.items;
	assert_int_equal(item[0].start, 0x400000);
	assert_int_equal(item[0].end, 0x452000);
	assert_int_equal(item[0].flags, MAPPING_READ | MAPPING_EXECUTE);
	assert_int_equal(item[0].offset, 0x1000);
	assert_int_equal(item[0].device_major, 0xfe);
	assert_int_equal(item[0].device_minor, 2);
	assert_int_equal(item[0].inode, 173521);
	assert_string_equal(item[0].path, "/usr/bin/a b");
	assert_int_equal(item[1].flags,
			 MAPPING_READ | MAPPING_WRITE | MAPPING_SHARED | MAPPING_DELETED);
	assert_string_equal(item[1].path, "/dev/shm/x");
	assert_int_equal(item[2].flags, 0);
	assert_string_equal(item[2].path, "");
	assert_string_equal(item[3].path, "[vdso]");
	assert_string_equal(item[4].path, "/a\nb");
	assert_int_equal(item[5].end, 0xffffffffff601000);
	mappings_deinit(&mappings);
}

static void test_find(void **state)
{
	(void)state;
	struct mappings mappings = parse("1000-2000 r--p 00000000 00:00 0\n"
					 "2000-3000 rw-p 00000000 00:00 0\n"
					 "5000-6000 rw-p 00000000 00:00 0\n");
	assert_null(mappings_find(&mappings, 0));
	assert_null(mappings_find(&mappings, 0xfff));
	assert_ptr_equal(mappings_find(&mappings, 0x1000), &mappings.items[0]);
	assert_ptr_equal(mappings_find(&mappings, 0x2000), &mappings.items[1]);
	assert_null(mappings_find(&mappings, 0x3000));
	assert_ptr_equal(mappings_find(&mappings, 0x5fff), &mappings.items[2]);
	assert_null(mappings_find(&mappings, 0x6000));
	assert_null(mappings_find(&mappings, UINT64_MAX));
	mappings_deinit(&mappings);
}

/* A mapping that grew while /proc was being read. */
static void test_joined_while_reading(void **state)
{
	(void)state;
	struct mappings mappings = parse("1000-2000 r--p 00000000 00:00 9 /a\n"
					 "1000-4000 r--p 00000000 00:00 9 /a\n"
					 "3000-4000 r--p 00000000 00:00 9 /a\n");
	assert_int_equal(mappings.count, 2);
	assert_int_equal(mappings.items[1].start, 0x2000);
	assert_int_equal(mappings.items[1].end, 0x4000);
	assert_int_equal(mappings.items[1].offset, 0x1000);
	mappings_deinit(&mappings);
}

static void test_refused(void **state)
{
	static const char *const lines[] = {
		"\n",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 r--",
		"1000-2000 r--p",
		"1000-2000 r--p ",
		"1000-2000 q--p 00000000 00:00 0",
		"1000-2000 r--p 00000000 00:00",
		"1000-2000 r--p 00000000 00:0x 0",
		"1000-2000 r--p 00000000 00:00 0x",
		"2000-1000 r--p 00000000 00:00 0",
		"1000-1000 r--p 00000000 00:00 0",
		"1000-fffffffffffffffff r--p 00000000 00:00 0",
		"1000-2000 r--p 00000000 fffffffff:00 0",
		"-2000 r--p 00000000 00:00 0",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct mappings mappings = {0};
		struct error *error = mappings_parse(lines[i], strlen(lines[i]), &mappings);
		assert_non_null(error);
		assert_int_equal(error->code, ERROR_FORMAT);
		assert_null(mappings.items);
		error_destroy(error);
	}
	struct mappings empty = parse("");
	assert_int_equal(empty.count, 0);
	mappings_deinit(&empty);
}

static void test_own(void **state)
{
	(void)state;
	size_t size;
	char *text = read_file("/proc/self/maps", &size);
	struct mappings mappings = {0};
	assert_null(mappings_parse(text, size, &mappings));
	const struct mapping *own = mappings_find(&mappings, (uint64_t)(uintptr_t)&test_own);
	assert_non_null(own);
	assert_true(own->flags & MAPPING_EXECUTE);
	for (size_t i = 1; i < mappings.count; i++)
		assert_true(mappings.items[i].start >= mappings.items[i - 1].end);
	mappings_deinit(&mappings);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_joined_while_reading),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
