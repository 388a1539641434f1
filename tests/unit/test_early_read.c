/* Stacks that are read before the target is held: whose they are, in which part they are read, and
 * that nothing else may come from them. */
#include <stdlib.h>

#include "capture/early_read.h"
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

/* A target of many threads, which counts what is read at once. */
struct many_threads {
	struct memory memory;
	struct memory_image *image;
	size_t batches;
};

enum {
	STATE = 0x50000, /* thread state of the GIL's owner */
	STACKS = 0x100000,
	STACK_BYTES = 0x1000,
	THREADS = 70,
};

static enum memory_status many_read(struct memory *memory, uint64_t address, void *buffer,
				    size_t size)
{
	struct many_threads *many = (struct many_threads *)memory;
	return memory_read(memory_image_memory(many->image), address, buffer, size);
}

static void many_read_many(struct memory *memory, struct memory_request *requests, size_t count)
{
	struct many_threads *many = (struct many_threads *)memory;
	many->batches++;
	for (size_t i = 0; i < count; i++)
		requests[i].status = many_read(memory, requests[i].address, requests[i].buffer,
					       requests[i].size);
}

static void many_destroy(struct memory *memory)
{
	(void)memory;
}

/* How often stacks are read early, where `live` is the id of the thread state that had id 1. */
static size_t count_early_reads(uint64_t live)
{
	static const struct memory_operations operations = {
		.read = many_read,
		.read_many = many_read_many,
		.destroy = many_destroy,
	};
	struct many_threads many = {.memory.operations = &operations};
	struct python_location location = fake_location();
	struct sampler sampler = {
		.options = {.location = &location, .memory = &many.memory, .level = LEVEL_STACKS},
		.facts.attempts = 1,
	};
	struct gil_set gils = {.count = 1, .held_count = 1};
	struct attempt attempt = {0};
	uint64_t interpreter = FAKE_INTERPRETER;
	uint64_t id_at = STATE + location.layout.thread.thread_id;
	assert_null(memory_image_create(&many.image));
	fake_u64(many.image, id_at, live);
	fake_u64(many.image, STATE + location.layout.thread.next, 0);
	gils.items[0].gil.last_holder = STATE;
	assert_null(stack_extents_add(&sampler.prediction.extents, STATE,
				      (struct struct_span){.size = 0x100}, 1));
	for (uint64_t i = 0; i < THREADS; i++) {
		uint64_t stack = STACKS + i * STACK_BYTES;
		fake_u64(many.image, stack, i);
		assert_null(stack_extents_add(&sampler.prediction.extents, stack,
					      (struct struct_span){.size = 8}, i + 2));
	}
	stack_extents_sort(&sampler.prediction.extents);
	assert_null(buffer_append(&sampler.prediction.interpreters, &interpreter, 8));
	assert_null(
		read_plan_init_stacks(&attempt.ranges, many.image, 0, &sampler.prediction.extents));
	/* What follows, a look at the GIL, finds none here. */
	error_destroy(early_read(&sampler, &gils, &attempt));
	read_plan_deinit(&attempt.ranges);
	buffer_deinit(&sampler.prediction.extents);
	buffer_deinit(&sampler.prediction.interpreters);
	memory_image_destroy(many.image);
	return many.batches;
}

/* Another thread has the thread state by now: what is held back would be that of the one before. */
static void test_owner_is_another(void **state)
{
	(void)state;
	assert_int_equal(count_early_reads(1), 1);
	assert_int_equal(count_early_reads(7), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_wild_and_touching),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_owner_is_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
