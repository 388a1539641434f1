/* Whether an interpreter collects: where each version has it, and what is not believed. */
#include "common/gc_state.h"
#include "tests/unit/fake_python.h"

enum { IN_RUNTIME = 0x200, IN_INTERPRETER = 0x300 };

static enum gc_state state_of(uint32_t runtime, uint32_t interpreter, bool in_runtime,
			      bool in_interpreter)
{
	struct memory_image *image;
	struct python_location location = fake_location();
	if (in_runtime)
		location.layout.runtime.gc_collecting = IN_RUNTIME;
	if (in_interpreter)
		location.layout.interpreter.gc_collecting = IN_INTERPRETER;
	assert_null(memory_image_create(&image));
	fake_u32(image, FAKE_RUNTIME + IN_RUNTIME, runtime);
	fake_u32(image, FAKE_INTERPRETER + IN_INTERPRETER, interpreter);
	enum gc_state state =
		gc_state_read(memory_image_memory(image), &location, FAKE_INTERPRETER);
	memory_image_destroy(image);
	return state;
}

static void test_places(void **state)
{
	(void)state;
	assert_int_equal(state_of(1, 0, true, false), GC_COLLECTS);
	assert_int_equal(state_of(0, 1, true, false), GC_RESTS);
	assert_int_equal(state_of(1, 0, false, true), GC_RESTS);
	assert_int_equal(state_of(0, 1, false, true), GC_COLLECTS);
	assert_int_equal(state_of(1, 1, false, false), GC_UNKNOWN);
}

static void test_wild_values(void **state)
{
	static const uint32_t wild[] = {2, 0x100, 0x80000000, UINT32_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		assert_int_equal(state_of(wild[i], 1, true, false), GC_UNKNOWN);
		assert_int_equal(state_of(1, wild[i], false, true), GC_UNKNOWN);
	}
}

/* As of a snapshot that was made before it was captured. */
static void test_not_there(void **state)
{
	struct memory_image *image;
	struct python_location location = fake_location();
	(void)state;
	location.layout.interpreter.gc_collecting = IN_INTERPRETER;
	assert_null(memory_image_create(&image));
	struct memory *memory = memory_image_memory(image);
	assert_int_equal(gc_state_read(memory, &location, FAKE_INTERPRETER), GC_UNKNOWN);
	assert_int_equal(gc_state_read(memory, &location, UINT64_MAX - 8), GC_UNKNOWN);
	memory_image_destroy(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_wild_values),
		cmocka_unit_test(test_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
