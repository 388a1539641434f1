/* Whether a thread state carries the owner's mark, where _PyRuntime names the owner. */
#include "common/gil.h"

#include "tests/unit/fake_python.h"

enum { PLACE = 0x100, WIDE_PLACE = 0x110, OWNER = FAKE_THREADS, OTHER = FAKE_THREADS + 0x100 };

/* An interpreter whose runtime has `narrow` and `wide` at the two places. */
static struct python_location put_runtime(struct memory_image *image, uint64_t narrow,
					  uint64_t wide)
{
	struct python_location location = fake_location();
	location.layout.thread.holds_gil.offset = LAYOUT_ABSENT;
	location.layout.runtime.tstate_current = PLACE;
	location.layout.runtime.tstate_current_wide = WIDE_PLACE;
	fake_u64(image, FAKE_RUNTIME + PLACE, narrow);
	fake_u64(image, FAKE_RUNTIME + WIDE_PLACE, wide);
	return location;
}

static bool is_owner(struct memory_image *image, const struct python_location *location,
		     uint64_t thread)
{
	bool owner = false;
	assert_true(gil_has_owner_mark(location));
	assert_int_equal(gil_is_owner(memory_image_memory(image), location, thread, &owner),
			 MEMORY_OK);
	return owner;
}

static int make_image(void **state)
{
	struct memory_image *image = NULL;
	assert_null(memory_image_create(&image));
	*state = image;
	return 0;
}

static int destroy_image(void **state)
{
	memory_image_destroy(*state);
	return 0;
}

static void test_wide_mutexes(void **state)
{
	struct python_location location = put_runtime(*state, 0, OWNER);
	assert_true(is_owner(*state, &location, OWNER));
	assert_false(is_owner(*state, &location, OTHER));
}

static void test_narrow_mutexes(void **state)
{
	/* Behind it is autoInterpreterState. */
	struct python_location location = put_runtime(*state, OWNER, FAKE_INTERPRETER);
	assert_true(is_owner(*state, &location, OWNER));
	assert_false(is_owner(*state, &location, OTHER));
}

static void test_one_place(void **state)
{
	struct python_location location = put_runtime(*state, OWNER, OTHER);
	location.layout.runtime.tstate_current_wide = LAYOUT_ABSENT;
	assert_true(is_owner(*state, &location, OWNER));
	assert_false(is_owner(*state, &location, OTHER));
}

static void test_nobody(void **state)
{
	struct python_location location = put_runtime(*state, 0, 0);
	assert_false(is_owner(*state, &location, OWNER));
}

static void test_unreadable(void **state)
{
	bool owner = true;
	struct python_location location = put_runtime(*state, OWNER, 0);
	location.layout.runtime.tstate_current_wide = 0x8000;
	assert_int_not_equal(gil_is_owner(memory_image_memory(*state), &location, OWNER, &owner),
			     MEMORY_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wide_mutexes, make_image, destroy_image),
		cmocka_unit_test_setup_teardown(test_narrow_mutexes, make_image, destroy_image),
		cmocka_unit_test_setup_teardown(test_one_place, make_image, destroy_image),
		cmocka_unit_test_setup_teardown(test_nobody, make_image, destroy_image),
		cmocka_unit_test_setup_teardown(test_unreadable, make_image, destroy_image),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
