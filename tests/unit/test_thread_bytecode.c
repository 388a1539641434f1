/* Free-threaded 3.14 and later: frames that run their thread's own copy of the bytecode. */
#include "common/walk.h"
#include "tests/unit/fake_python.h"

enum { COPIES = 0xd0000, COPY_1 = 0xd1000 };

/* What the walk said of the one frame there is. */
static int64_t seen_offset;

static struct error *see_frame(void *context, const struct walk_frame *frame)
{
	(void)context;
	seen_offset = frame->instruction_offset;
	return NULL;
}

static struct python_location location_with_copies(void)
{
	struct python_location location = fake_location();
	location.layout.free_threaded = true;
	location.layout.frame.tlbc_index = 28;
	location.layout.code.tlbc = 56;
	return location;
}

/* One thread in function_0, whose frame is at this address in copy `index`. */
static void put_frame(struct memory_image *image, int32_t index, uint64_t position)
{
	fake_put_frame(image, 0, fake_frame(1), fake_code(0), 0);
	fake_put_frame(image, 1, 0, 0, 3);
	/* Between the owner and the index there are bytes, too. */
	fake_u32(image, fake_frame(0) + 24, 0);
	fake_u32(image, fake_frame(1) + 24, 3);
	fake_u32(image, fake_frame(0) + 28, (uint32_t)index);
	fake_u32(image, fake_frame(1) + 28, 0);
	fake_u64(image, fake_frame(0) + 16, position);
}

static int setup(void **state)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	fake_put_code(image, 0, 1);
	fake_put_interpreter(image, fake_thread(0));
	fake_put_thread(image, 0, 0, fake_frame(0));
	fake_u32(image, fake_code(0) + 52, 0);
	fake_u64(image, fake_code(0) + 56, COPIES);
	fake_u64(image, COPIES, 3);
	fake_u64(image, COPIES + 8, fake_code(0) + 64);
	fake_u64(image, COPIES + 16, COPY_1);
	fake_u64(image, COPIES + 24, 0);
	*state = image;
	return 0;
}

static int teardown(void **state)
{
	memory_image_destroy(*state);
	return 0;
}

static int64_t walked_offset(struct memory_image *image, const struct python_location *location)
{
	const struct walk_visitor visitor = {.frame = see_frame};
	seen_offset = -1;
	assert_null(walk_python(memory_image_memory(image), location, &visitor));
	return seen_offset;
}

static void test_the_copy_in_place(void **state)
{
	struct python_location location = location_with_copies();
	put_frame(*state, 0, fake_code(0) + 64 + 6);
	assert_int_equal(walked_offset(*state, &location), 6);
}

static void test_a_copy(void **state)
{
	struct python_location location = location_with_copies();
	put_frame(*state, 1, COPY_1 + 10);
	assert_int_equal(walked_offset(*state, &location), 10);
}

static void test_copies_that_cannot_be(void **state)
{
	static const int32_t indices[] = {2, 3, -1, INT32_MAX, INT32_MIN};
	struct python_location location = location_with_copies();
	for (size_t i = 0; i < sizeof(indices) / sizeof(*indices); i++) {
		put_frame(*state, indices[i], COPY_1 + 10);
		assert_int_equal(walked_offset(*state, &location), WALK_POSITION_UNKNOWN);
	}
}

/* A wild number of copies does not lead beyond what can be read. */
static void test_copies_that_are_not_there(void **state)
{
	struct python_location location = location_with_copies();
	put_frame(*state, INT32_MAX, COPY_1 + 10);
	fake_u64(*state, COPIES, UINT64_MAX);
	assert_int_equal(walked_offset(*state, &location), WALK_POSITION_UNKNOWN);
	put_frame(*state, 1, COPY_1 + 10);
	fake_u64(*state, fake_code(0) + 56, 0xdead0000);
	assert_int_equal(walked_offset(*state, &location), WALK_POSITION_UNKNOWN);
}

/* Builds with a GIL have no copies: nothing is read for them. */
static void test_a_build_without_copies(void **state)
{
	struct python_location location = fake_location();
	put_frame(*state, 1, fake_code(0) + 64 + 4);
	assert_int_equal(walked_offset(*state, &location), 4);
}

/* The capture set is the decode set. */
static void test_recorded_is_enough(void **state)
{
	struct memory_image *recorded;
	struct memory *recorder;
	const struct walk_visitor silent = {0};
	struct python_location location = location_with_copies();
	put_frame(*state, 1, COPY_1 + 10);
	assert_null(memory_image_create(&recorded));
	assert_null(memory_recorder_create(memory_image_memory(*state), recorded, &recorder));
	assert_null(walk_python(recorder, &location, &silent));
	assert_int_equal(walked_offset(recorded, &location), 10);
	memory_destroy(recorder);
	memory_image_destroy(recorded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_copy_in_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies_that_cannot_be, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_build_without_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recorded_is_enough, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
