/* What a snapshot tells of what its log touched: nothing that is another one may be left out. */
#include "snapshot_builder.h"

#include "tests/unit/random_image.h"

enum { PID = 1234, SAMPLES = 200, SPACE = 2 * MEMORY_IMAGE_WINDOW };

static void fill_random(struct snapshot_writer *writer)
{
	struct process_facts facts = {.pid = PID, .machine = MACHINE_X86_64};
	struct memory_image *image;
	check(memory_image_create(&image));
	check(snapshot_writer_process(writer, &facts));
	snapshot_writer_write_changes(writer);
	random_state = 1;
	for (uint64_t i = 1; i <= SAMPLES; i++) {
		struct sample_facts sample = {.pid = PID, .time_ns = i, .monotonic_ns = i};
		mutate_image(image, SPACE, 6, 300); /* some samples are as the one before */
		/* Told again in the middle. */
		if (i == SAMPLES / 2)
			check(snapshot_writer_process(writer, &facts));
		check(snapshot_writer_image(writer, PID, image));
		check(snapshot_writer_sample(writer, &sample));
	}
	memory_image_destroy(image);
}

/* What one look at all bytes finds: a byte, or 256 for none. */
static void look(struct snapshot *snapshot, uint16_t *bytes)
{
	for (size_t i = 0; i < SPACE; i++) {
		uint8_t byte = 0;
		bool any = memory_read(snapshot_memory(snapshot), base + i, &byte, 1) == MEMORY_OK;
		bytes[i] = any ? byte : 256;
	}
}

static bool is_touched(const struct snapshot_touched *touched, uint64_t address)
{
	for (size_t i = 0; i < touched->count; i++) {
		if (address - touched->ranges[i].address < touched->ranges[i].size)
			return true;
	}
	return touched->everything;
}

static void test_all_changes_are_told(void **state)
{
	(void)state;
	static uint16_t before[SPACE];
	static uint16_t now[SPACE];
	struct buffer file = {0};
	struct snapshot_touched touched;
	uint64_t told = 0;
	build_with(fill_random, &file);
	struct snapshot *snapshot = must_open(&file);
	check(snapshot_select(snapshot, 0));
	snapshot_take_touched(snapshot, &touched);
	assert_true(touched.everything && touched.process);
	look(snapshot, before);
	for (size_t i = 1; i < SAMPLES; i += 1 + i % 3) {
		check(snapshot_select(snapshot, i));
		snapshot_take_touched(snapshot, &touched);
		assert_false(touched.everything);
		look(snapshot, now);
		for (size_t j = 0; j < SPACE; j++) {
			if (before[j] != now[j])
				assert_true(is_touched(&touched, base + j));
		}
		for (size_t j = 0; j < touched.count; j++)
			told += touched.ranges[j].size;
		memcpy(before, now, sizeof(now));
	}
	/* And not much more than that. */
	assert_true(told && told < SAMPLES * 2000);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_only_once(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct snapshot_touched touched;
	build_with(fill_random, &file);
	struct snapshot *snapshot = must_open(&file);
	check(snapshot_select(snapshot, SAMPLES - 10));
	snapshot_take_touched(snapshot, &touched);
	snapshot_take_touched(snapshot, &touched);
	assert_false(touched.everything || touched.process || touched.count);
	/* Back: the log is read again from the beginning of the epoch. */
	check(snapshot_select(snapshot, SAMPLES - 11));
	snapshot_take_touched(snapshot, &touched);
	assert_true(touched.everything && touched.process && touched.maps && touched.modules &&
		    touched.python);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_facts_that_are_told_again(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct snapshot_touched touched;
	build_with(fill_random, &file);
	struct snapshot *snapshot = must_open(&file);
	check(snapshot_select(snapshot, 0));
	snapshot_take_touched(snapshot, &touched);
	check(snapshot_select(snapshot, SAMPLES / 2 - 2));
	snapshot_take_touched(snapshot, &touched);
	assert_false(touched.process || touched.maps || touched.modules || touched.python);
	check(snapshot_select(snapshot, SAMPLES / 2 - 1));
	snapshot_take_touched(snapshot, &touched);
	assert_true(touched.process);
	assert_false(touched.maps || touched.modules || touched.python);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_more_than_is_noted(void **state)
{
	(void)state;
	struct touched_ranges ranges = {0};
	touched_ranges_add(&ranges, 16, 4);
	touched_ranges_add(&ranges, 20, 4);
	assert_int_equal(ranges.count, 1);
	assert_int_equal(ranges.items[0].size, 8);
	/* Nothing goes around the end of the address space. */
	touched_ranges_add(&ranges, UINT64_MAX, 1);
	touched_ranges_add(&ranges, 0, 1);
	assert_int_equal(ranges.count, 3);
	touched_ranges_add(&ranges, 0, UINT64_MAX);
	touched_ranges_add(&ranges, UINT64_MAX, 1);
	assert_int_equal(ranges.items[ranges.count - 1].size, 1);
	for (uint64_t i = 1; i < 100000; i++)
		touched_ranges_add(&ranges, i * 1000, 1);
	assert_true(ranges.everything);
	touched_ranges_take(&ranges);
	assert_true(ranges.everything);
	touched_ranges_add(&ranges, 7, 1);
	touched_ranges_take(&ranges);
	assert_false(ranges.everything);
	assert_int_equal(ranges.count, 1);
	touched_ranges_deinit(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_changes_are_told),
		cmocka_unit_test(test_only_once),
		cmocka_unit_test(test_facts_that_are_told_again),
		cmocka_unit_test(test_more_than_is_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
