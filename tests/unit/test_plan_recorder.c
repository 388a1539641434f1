/* What a pass over a plan's copy recorded: the same as a recorder over the memory itself. */
#include <stdlib.h>

#include "capture/plan_recorder.h"
#include "tests/unit/cmocka_headers.h"

enum { BASE = 0x10000, SIZE = 0x8000, READS = 4000 };

static struct memory_image *make_target(void)
{
	struct memory_image *image;
	static uint8_t bytes[SIZE];
	assert_null(memory_image_create(&image));
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8));
	assert_null(memory_image_put(image, BASE, bytes, SIZE));
	return image;
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void assert_same_image(const struct memory_image *a, const struct memory_image *b)
{
	struct memory_range left;
	struct memory_range right;
	uint64_t at = 0;
	assert_int_equal(memory_image_range_count(a), memory_image_range_count(b));
	while (memory_image_next(a, at, &left)) {
		assert_true(memory_image_next(b, at, &right));
		assert_int_equal(left.address, right.address);
		assert_int_equal(left.size, right.size);
		assert_memory_equal(left.bytes, right.bytes, left.size);
		at = left.address + left.size;
	}
}

/* A plan that has about half of the memory. */
static void make_plan(struct memory *memory, uint64_t *seed, struct read_plan *ret)
{
	struct memory_image *places;
	static const uint8_t zeros[256];
	assert_null(memory_image_create(&places));
	for (int i = 0; i < 100; i++) {
		uint64_t address = BASE + draw(seed) % (SIZE - sizeof(zeros));
		assert_null(memory_image_put(places, address, zeros, 1 + draw(seed) % 255));
	}
	assert_null(read_plan_init(ret, places, 64));
	read_plan_read(ret, memory);
	memory_image_destroy(places);
}

static void test_as_a_recorder(void **state)
{
	(void)state;
	uint64_t seed = 88172645463325252ULL;
	for (int round = 0; round < 20; round++) {
		struct memory_image *target = make_target();
		struct memory_image *expected;
		struct memory_image *found;
		struct memory *recorder;
		struct plan_recorder *planned;
		struct read_plan plan;
		assert_null(memory_image_create(&expected));
		assert_null(memory_image_create(&found));
		make_plan(memory_image_memory(target), &seed, &plan);
		assert_null(
			memory_recorder_create(memory_image_memory(target), expected, &recorder));
		assert_null(plan_recorder_create(&plan, memory_image_memory(target), &planned));
		for (int i = 0; i < READS / (1 + round); i++) {
			uint8_t one[200];
			uint8_t other[200];
			/* Some lie outside, in part or whole. */
			uint64_t address = BASE - 100 + draw(&seed) % (SIZE + 200);
			size_t size = 1 + draw(&seed) % (i % 10 ? 24 : 199);
			enum memory_status status = memory_read(recorder, address, one, size);
			assert_int_equal(
				memory_read(plan_recorder_memory(planned), address, other, size),
				status);
			if (status == MEMORY_OK)
				assert_memory_equal(one, other, size);
		}
		assert_null(plan_recorder_put(planned, found));
		assert_same_image(expected, found);
		plan_recorder_destroy(planned);
		memory_destroy(recorder);
		read_plan_deinit(&plan);
		memory_image_destroy(found);
		memory_image_destroy(expected);
		memory_image_destroy(target);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_a_recorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
