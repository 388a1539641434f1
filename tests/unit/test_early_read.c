/* Stacks that are read before the target is held: whose they are, in which part they are read, and
 * that nothing else may come from them. */
#include <stdlib.h>

#include "capture/plan_recorder.h"
#include "capture/stack_extents.h"
#include "tests/unit/cmocka_headers.h"
#include "tests/unit/fake_python.h"

enum {
	FIRST_STACK = 0x10000, /* of thread 1 */
	OTHER_STACK = 0x20000, /* of thread 2 */
	SHARED = 0x30000,
	FRAME_BYTES = 64,
	FRAMES = 4,
};

static const struct struct_span span = {.first = 16, .size = 40};

static void add_stack(struct buffer *extents, uint64_t stack, uint64_t owner)
{
	for (uint64_t i = FRAMES; i-- > 0;)
		assert_null(stack_extents_add(extents, stack + i * FRAME_BYTES, span, owner));
}

static struct buffer two_stacks(void)
{
	struct buffer extents = {0};
	add_stack(&extents, OTHER_STACK, 2);
	add_stack(&extents, FIRST_STACK, 1);
	stack_extents_sort(&extents);
	return extents;
}

static void test_owners(void **state)
{
	(void)state;
	struct buffer extents = two_stacks();
	uint64_t end = FIRST_STACK + (FRAMES - 1) * FRAME_BYTES + 56;
	/* The frames of one stack are one extent. */
	assert_int_equal(extents.size, 2 * sizeof(struct stack_extent));
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 16, 1), 1);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 16, end - FIRST_STACK - 16),
			 1);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 15, 1), 0);
	assert_int_equal(stack_extents_owner(&extents, end, 1), 0);
	assert_int_equal(stack_extents_owner(&extents, end - 8, 9), 0);
	assert_int_equal(stack_extents_owner(&extents, OTHER_STACK + 16, 8), 2);
	assert_int_equal(stack_extents_owner(&extents, SHARED, 8), 0);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 16, SIZE_MAX), 0);
	buffer_deinit(&extents);
}

static void test_wild_and_touching(void **state)
{
	(void)state;
	struct buffer extents = {0};
	assert_null(stack_extents_add(&extents, UINT64_MAX - 20, span, 1));
	assert_null(stack_extents_add(&extents, FIRST_STACK, span, 0));
	assert_int_equal(extents.size, 0);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK, 1), 0);
	/* However near: two threads' stay apart. */
	assert_null(stack_extents_add(&extents, FIRST_STACK, span, 1));
	assert_null(stack_extents_add(&extents, FIRST_STACK + 40, span, 2));
	stack_extents_sort(&extents);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 16, 40), 1);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 56, 40), 2);
	assert_int_equal(stack_extents_owner(&extents, FIRST_STACK + 16, 80), 0);
	buffer_deinit(&extents);
}

static struct memory_image *make_target(uint64_t value)
{
	struct memory_image *image;
	assert_null(memory_image_create(&image));
	for (uint64_t i = 0; i < FRAMES; i++) {
		fake_u64(image, FIRST_STACK + i * FRAME_BYTES + 16, value);
		fake_u64(image, OTHER_STACK + i * FRAME_BYTES + 16, value);
	}
	fake_u64(image, SHARED, value);
	return image;
}

/* A plan of all of it, read early with 1 and late with 2: thread 1 is the one that is held. */
static void make_plan(struct read_plan *ret)
{
	struct buffer extents = two_stacks();
	struct memory_image *before = make_target(1);
	struct memory_image *held = make_target(2);
	assert_null(read_plan_init_stacks(ret, before, READ_PLAN_JOIN_GAP, &extents));
	assert_int_equal(ret->count, 3);
	assert_int_equal(read_plan_count_stacks(ret), 2);
	/* The fake has nothing between the frames. */
	for (size_t i = 0; i < ret->count; i++) {
		static const uint8_t zeros[FRAMES * FRAME_BYTES];
		struct memory_request *request = &ret->requests[i];
		uint64_t value;
		for (int j = 0; j < 2; j++) {
			struct memory_image *image = j ? held : before;
			value = (uint64_t)j + 1;
			assert_null(
				memory_image_put(image, request->address, zeros, request->size));
			for (uint64_t at = 0; at < request->size; at += FRAME_BYTES)
				fake_u64(image, request->address + at, value);
		}
	}
	assert_null(read_plan_read_early(ret, memory_image_memory(before), 1));
	read_plan_read_late(ret, memory_image_memory(held));
	buffer_deinit(&extents);
	memory_image_destroy(before);
	memory_image_destroy(held);
}

static uint64_t recorded(struct plan_recorder *recorder, uint64_t address)
{
	uint64_t value = 0;
	assert_int_equal(memory_read_u64(plan_recorder_memory(recorder), address, &value),
			 MEMORY_OK);
	return value;
}

static void test_parts(void **state)
{
	(void)state;
	struct read_plan plan;
	struct plan_recorder *recorder;
	struct memory_image *nothing;
	assert_null(memory_image_create(&nothing));
	make_plan(&plan);
	assert_null(plan_recorder_create(&plan, memory_image_memory(nothing), &recorder));
	assert_int_equal(recorded(recorder, FIRST_STACK + 16), 2);
	assert_int_equal(recorded(recorder, SHARED), 2);
	assert_true(plan_recorder_early_is_allowed(recorder));
	assert_int_equal(recorded(recorder, OTHER_STACK + FRAME_BYTES + 16), 1);
	assert_false(plan_recorder_early_is_allowed(recorder));
	/* A frame beside it, and then a part of it, are not enough. */
	plan_recorder_allow_early(recorder, OTHER_STACK + 16, 40);
	assert_false(plan_recorder_early_is_allowed(recorder));
	plan_recorder_allow_early(recorder, OTHER_STACK + FRAME_BYTES + 16, 7);
	assert_false(plan_recorder_early_is_allowed(recorder));
	plan_recorder_allow_early(recorder, OTHER_STACK + FRAME_BYTES + 23, 40);
	assert_true(plan_recorder_early_is_allowed(recorder));
	plan_recorder_destroy(recorder);
	/* All at once: nothing is early. */
	read_plan_read(&plan, memory_image_memory(nothing));
	assert_false(read_plan_is_early(&plan, 1));
	read_plan_deinit(&plan);
	memory_image_destroy(nothing);
}

/* Words in any order, more than once, overlapping, and at the end of the address space. */
static void test_words(void **state)
{
	(void)state;
	const uint64_t words[] = {0x2000, 0x1000, 0x1004, 0x1000, UINT64_MAX - 3, 0x1010};
	struct buffer addresses = {0};
	struct read_plan plan;
	assert_null(buffer_append(&addresses, words, sizeof(words)));
	assert_null(read_plan_init_words(&plan, &addresses, 0));
	assert_int_equal(plan.count, 4);
	assert_int_equal(plan.requests[0].address, 0x1000);
	assert_int_equal(plan.requests[1].address, 0x1008);
	assert_int_equal(plan.requests[1].size, 4);
	assert_int_equal(plan.requests[3].address, 0x2000);
	read_plan_deinit(&plan);
	assert_null(read_plan_init_words(&plan, &addresses, READ_PLAN_JOIN_GAP));
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.requests[0].size, 0x18);
	read_plan_deinit(&plan);
	buffer_deinit(&addresses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_wild_and_touching),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
