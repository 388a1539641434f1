/* Logs of many samples: only changes are written, and each sample reads as what was given. */
#include "snapshot_builder.h"

#include "formats/snapshot_changes.h"
#include "tests/unit/random_image.h"

enum { PID = 1234, SAMPLES = 300, SPACE = 3 * MEMORY_IMAGE_WINDOW };

/* The next image. */
static void mutate(struct memory_image *image)
{
	mutate_image(image, SPACE, 12, 500);
}

static void write_one(struct snapshot_writer *writer, const struct memory_image *image, uint64_t at)
{
	struct sample_facts sample = {.pid = PID, .time_ns = at, .monotonic_ns = at};
	check(snapshot_writer_image(writer, PID, image));
	check(snapshot_writer_sample(writer, &sample));
}

static void fill_random(struct snapshot_writer *writer)
{
	struct process_facts facts = {.pid = PID, .machine = MACHINE_X86_64};
	struct memory_image *image;
	check(memory_image_create(&image));
	check(snapshot_writer_process(writer, &facts));
	snapshot_writer_write_changes(writer);
	random_state = 1;
	for (uint64_t i = 1; i <= SAMPLES; i++) {
		mutate(image);
		write_one(writer, image, i);
	}
	memory_image_destroy(image);
}

/* Byte by byte, what is not there included. */
static void assert_same_memory(struct snapshot *snapshot, struct memory_image *image)
{
	struct memory *wanted = memory_image_memory(image);
	struct memory *found = snapshot_memory(snapshot);
	for (uint64_t address = base; address < base + SPACE; address++) {
		uint8_t a = 0;
		uint8_t b = 0;
		assert_int_equal(memory_read(wanted, address, &a, 1),
				 memory_read(found, address, &b, 1));
		assert_int_equal(a, b);
	}
}

static void test_every_sample_is_what_was_given(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct memory_image *image;
	build_with(fill_random, &file);
	struct snapshot *snapshot = must_open(&file);
	check(memory_image_create(&image));
	assert_int_equal(snapshot_sample_count(snapshot), SAMPLES);
	random_state = 1;
	for (uint64_t i = 0; i < SAMPLES; i++) {
		mutate(image);
		check(snapshot_select(snapshot, (size_t)i));
		assert_same_memory(snapshot, image);
	}
	memory_image_destroy(image);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

struct seen {
	size_t count[8];
	size_t bytes;
};

static struct error *see(void *context, const struct memory_operation *operation)
{
	struct seen *seen = context;
	assert_true(operation->kind < 8 && operation->size);
	seen->count[operation->kind]++;
	seen->bytes += operation->bytes ? operation->size : 0;
	return NULL;
}

static void test_only_what_changed(void **state)
{
	(void)state;
	struct memory_image *held;
	struct memory_image *image;
	struct seen seen = {0};
	check(memory_image_create(&held));
	check(memory_image_create(&image));
	check(memory_image_put(image, 0x1000, "0123456789abcdef", 16));
	check(snapshot_changes(held, image, see, &seen));
	assert_int_equal(seen.count[SNAPSHOT_MEMORY_PUT], 1);
	seen = (struct seen){0};
	check(snapshot_changes(held, image, see, &seen));
	assert_int_equal(seen.bytes, 0);
	check(memory_image_put(image, 0x1002, "X", 1));
	check(memory_image_put(image, 0x100c, "Y", 1));
	check(snapshot_changes(held, image, see, &seen));
	assert_int_equal(seen.count[SNAPSHOT_MEMORY_PATCH], 2);
	assert_int_equal(seen.bytes, 2);
	seen = (struct seen){0};
	check(memory_image_drop(image, 0x1004, 4));
	check(snapshot_changes(held, image, see, &seen));
	assert_int_equal(seen.count[SNAPSHOT_MEMORY_DROP], 1);
	assert_int_equal(seen.count[SNAPSHOT_MEMORY_PUT] + seen.count[SNAPSHOT_MEMORY_PATCH], 0);
	memory_image_destroy(held);
	memory_image_destroy(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sample_is_what_was_given),
		cmocka_unit_test(test_only_what_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
