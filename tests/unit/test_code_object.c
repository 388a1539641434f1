/* Code objects that were freed, overwritten or never were: what is read of them, and what is not
 * taken for one. */
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/code_object.h"
#include "tests/unit/fake_python.h"

enum {
	CODE_TYPE = 0x5000,
	STR_TYPE = 0x6000,
	OTHER_TYPE = 0x7000,
	NAME = FAKE_STRINGS, /* as fake_put_code() has them, for code 0 */
	FILENAME = FAKE_STRINGS + 0x80,
	LINE_TABLE = FAKE_STRINGS + 0x100,
};

struct fake_code {
	struct memory_image *image;
	struct python_layout layout;
};

static int setup(void **state)
{
	static struct fake_code fake;
	fake.layout = fake_location().layout;
	fake.layout.object.type = 8;
	assert_null(memory_image_create(&fake.image));
	fake_put_code(fake.image, 0, 10);
	fake_u64(fake.image, fake_code(0) + 8, CODE_TYPE);
	fake_u64(fake.image, NAME + 8, STR_TYPE);
	fake_u64(fake.image, FILENAME + 8, STR_TYPE);
	*state = &fake;
	return 0;
}

static int teardown(void **state)
{
	struct fake_code *fake = *state;
	memory_image_destroy(fake->image);
	return 0;
}

static void assert_code(struct fake_code *fake, bool complete, bool malformed)
{
	CLEANUP(raw_code_deinit) struct raw_code code = {0};
	assert_null(raw_code_read(memory_image_memory(fake->image), &fake->layout, fake_code(0),
				  &code));
	assert_int_equal(raw_code_is_complete(&code), complete);
	assert_int_equal(code.malformed, malformed);
}

static void test_whole(void **state)
{
	assert_code(*state, true, false);
}

/* Freed memory that something else has taken since: its fields are objects of other kinds. */
static void test_wrong_types(void **state)
{
	struct fake_code *fake = *state;
	fake_u64(fake->image, fake_code(0) + 8, STR_TYPE);
	assert_code(fake, true, true);
	fake_u64(fake->image, fake_code(0) + 8, 0);
	assert_code(fake, true, true);
	fake_u64(fake->image, fake_code(0) + 8, CODE_TYPE);
	fake_u64(fake->image, FILENAME + 8, OTHER_TYPE);
	assert_code(fake, true, true);
	fake_u64(fake->image, FILENAME + 8, STR_TYPE);
	fake_u64(fake->image, NAME + 8, OTHER_TYPE);
	assert_code(fake, true, true);
	fake_u64(fake->image, NAME + 8, STR_TYPE);
	assert_code(fake, true, false);
}

static void test_wild_fields(void **state)
{
	struct fake_code *fake = *state;
	/* A str of a width that there is not. */
	fake_u32(fake->image, NAME + 24, 3 << 2 | 0x20 | 0x40);
	assert_code(fake, true, true);
	fake_u32(fake->image, NAME + 24, 1 << 2 | 0x20 | 0x40);
	/* A negative length, and one that no memory has. */
	fake_u64(fake->image, FILENAME + 16, UINT64_MAX);
	assert_code(fake, true, true);
	fake_u64(fake->image, FILENAME + 16, 1ULL << 40);
	assert_code(fake, false, false);
	fake_u64(fake->image, FILENAME + 16, 7);
	/* A line table that is too long, and one that is gone. */
	fake_u64(fake->image, LINE_TABLE + 16, LINE_TABLE_MAX_BYTES + 1ULL);
	assert_code(fake, true, true);
	fake_u64(fake->image, LINE_TABLE + 16, LINE_TABLE_MAX_BYTES);
	assert_code(fake, false, false);
	fake_u64(fake->image, fake_code(0) + 40, 0xdead0000);
	assert_code(fake, false, false);
}

/* All code objects of a walk are of one type. */
static void test_cache_type(void **state)
{
	struct fake_code *fake = *state;
	CLEANUP(code_cache_destroyp) struct code_cache *cache = NULL;
	const struct raw_code *code;
	fake_put_code(fake->image, 1, 20);
	fake_u64(fake->image, fake_code(1) + 8, OTHER_TYPE);
	fake_u64(fake->image, NAME + 0x200 + 8, STR_TYPE);
	fake_u64(fake->image, FILENAME + 0x200 + 8, STR_TYPE);
	assert_null(code_cache_create(memory_image_memory(fake->image), &fake->layout, &cache));
	assert_null(code_cache_get(cache, fake_code(0), &code));
	assert_false(code->malformed);
	assert_null(code_cache_get(cache, fake_code(1), &code));
	assert_true(code->malformed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wild_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cache_type, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
