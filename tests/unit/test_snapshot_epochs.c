/*
 * Long runs: samples read as what was given from one epoch to the next, where processes end, and
 * where their numbers are given to others.
 */
#include "snapshot_world.h"

#include "formats/snapshot_forward.h"
#include "formats/snapshot_parts.h"

enum {
	SAMPLES = 600,
	/* A process that fills epochs. */
	LARGE_PID = 5,
	LARGE_BYTES = 2 << 20,
	LARGE_PERIOD = 12,
	LIFE = 70, /* samples until a process ends */
};

/* What is changed of the large process, so that each sample says all of it. */
static void change_large(struct memory_image *image)
{
	static uint8_t bytes[LARGE_BYTES];
	memset(bytes, (int)random_below(256), sizeof(bytes));
	check(memory_image_put(image, 0x10000, bytes, sizeof(bytes)));
}

/* One of the processes ends, and another one begins under its number. */
static struct world *replace(struct world *worlds)
{
	struct world *world = &worlds[random_below(PROCESSES)];
	int32_t pid = world->pid;
	world_deinit(world);
	world_init(world, pid);
	return world;
}

static void fill(struct snapshot_writer *writer)
{
	struct world worlds[PROCESSES];
	struct memory_image *large;
	struct sample_facts sample = {.pid = LARGE_PID, .time_ns = 1, .monotonic_ns = 1};
	check(memory_image_create(&large));
	worlds_init(worlds);
	snapshot_writer_write_changes(writer);
	for (uint32_t i = 0; i < SAMPLES; i++) {
		if (i % LIFE == LIFE - 1) {
			const struct world *world = replace(worlds);
			const struct process_facts facts = {.pid = world->pid, .start_ticks = i};
			check(snapshot_writer_retire(writer, world->pid));
			check(snapshot_writer_process(writer, &facts));
		}
		if (i % LARGE_PERIOD == 0) {
			change_large(large);
			sample.monotonic_ns = sample.time_ns += 1000000;
			check(snapshot_writer_image(writer, LARGE_PID, large));
			check(snapshot_writer_sample(writer, &sample));
			continue;
		}
		struct world *world = next_world(worlds);
		check(snapshot_writer_threads(writer, world->pid, &world->threads));
		check(snapshot_writer_image(writer, world->pid, world->image));
		check(snapshot_writer_sample(writer, &world->sample));
	}
	worlds_deinit(worlds);
	memory_image_destroy(large);
}

/* The same processes again. */
static void assert_all(struct snapshot *snapshot)
{
	struct world worlds[PROCESSES];
	struct memory_image *large;
	check(memory_image_create(&large));
	worlds_init(worlds);
	for (uint32_t i = 0; i < SAMPLES; i++) {
		bool any = true;
		if (snapshot->forward.on)
			check(snapshot_next(snapshot, &any));
		else
			check(snapshot_select(snapshot, i));
		assert_true(any);
		if (i % LIFE == LIFE - 1)
			replace(worlds);
		if (i % LARGE_PERIOD) {
			assert_is(snapshot, next_world(worlds));
			continue;
		}
		change_large(large);
		assert_int_equal(snapshot_process(snapshot)->pid, LARGE_PID);
	}
	worlds_deinit(worlds);
	memory_image_destroy(large);
}

static void test_samples_of_many_epochs(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct snapshot_statistics statistics;
	struct snapshot *forward = NULL;
	build_with(fill, &file);
	struct snapshot *snapshot = must_open(&file);
	snapshot_statistics(snapshot, &statistics);
	assert_true(statistics.epochs > 4);
	assert_int_equal(statistics.counts.samples, SAMPLES);
	assert_all(snapshot);
	snapshot_destroy(snapshot);
	int fd = file_of(file.data, file.size);
	check(snapshot_open_forward(fd, "test.zst", NULL, &forward));
	assert_all(forward);
	snapshot_destroy(forward);
	close(fd);
	buffer_deinit(&file);
}

/* What is hidden does not bring to light what a bulk frame had there. */
static void test_hidden_above_bulk(void **state)
{
	(void)state;
	/* Length, head, process, times; HIDE of 8 bytes at 0x10. */
	static const uint8_t steps[] = {7, 9, 14, 0, 0, 0x86, 1, 32};
	struct block_builder builder;
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_end(&builder);
	builder_bulk(&builder, 0, 0, SNAPSHOT_BULK_MIN);
	builder_begin(&builder, 0);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x10, "abcdefgh", 8);
	memory_end(&builder);
	builder_sample(&builder, 77);
	builder_chunk(&builder, SNAPSHOT_CHUNK_STEPS, SNAPSHOT_CHUNK_CRITICAL, steps,
		      sizeof(steps));
	builder_finish(&builder, 2);
	struct snapshot *snapshot = must_open(&builder.file);
	assert_int_equal(snapshot_sample_count(snapshot), 2);
	assert_int_equal(byte_status(snapshot, 0xf), MEMORY_OK);
	assert_int_equal(byte_status(snapshot, 0x10), MEMORY_NOT_CAPTURED);
	assert_int_equal(byte_status(snapshot, 0x17), MEMORY_NOT_CAPTURED);
	assert_int_equal(byte_status(snapshot, 0x18), MEMORY_OK);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_of_many_epochs),
		cmocka_unit_test(test_hidden_above_bulk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
