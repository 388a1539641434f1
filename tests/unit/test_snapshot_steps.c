/*
 * Runs: each sample of each process reads as what was given, in whatever order they are read, and
 * from a file that is cut or damaged none reads as something else.
 */
#include "snapshot_world.h"

#include "common/cleanup.h"
#include "formats/snapshot_forward.h"

enum { SAMPLES = 400 };

static void fill(struct snapshot_writer *writer)
{
	struct world worlds[PROCESSES];
	worlds_init(worlds);
	snapshot_writer_write_changes(writer);
	for (size_t i = 0; i < SAMPLES; i++) {
		struct world *world = next_world(worlds);
		struct process_facts facts = {.pid = world->pid, .machine = MACHINE_X86_64};
		if (i % 50 < PROCESSES)
			check(snapshot_writer_process(writer, &facts));
		check(snapshot_writer_threads(writer, world->pid, &world->threads));
		/* Said twice: the last one counts. */
		if (i % 30 == 0)
			check(snapshot_writer_threads(writer, world->pid, &world->threads));
		check(snapshot_writer_image(writer, world->pid, world->image));
		check(snapshot_writer_sample(writer, &world->sample));
		if (i % 20 == 19)
			check(snapshot_writer_flush(writer));
	}
	worlds_deinit(worlds);
}

/* The first samples of a file, as many as it has, are the first that were given. */
static size_t assert_begins_right(const void *bytes, size_t size)
{
	struct world worlds[PROCESSES];
	struct snapshot *snapshot = NULL;
	struct error *error = open_bytes(bytes, size, &snapshot);
	if (error) {
		error_destroy(error);
		return 0;
	}
	worlds_init(worlds);
	size_t count = snapshot_sample_count(snapshot);
	for (size_t i = 0; i < count; i++) {
		struct world *world = next_world(worlds);
		check(snapshot_select(snapshot, i));
		assert_is(snapshot, world);
	}
	worlds_deinit(worlds);
	snapshot_destroy(snapshot);
	return count;
}

static void test_every_sample_is_what_was_given(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill, &file);
	assert_int_equal(assert_begins_right(file.data, file.size), SAMPLES);
	buffer_deinit(&file);
}

static void test_forward(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct world worlds[PROCESSES];
	struct snapshot *snapshot = NULL;
	size_t count = 0;
	build_with(fill, &file);
	int fd = file_of(file.data, file.size);
	check(snapshot_open_forward(fd, "test.zst", NULL, &snapshot));
	worlds_init(worlds);
	for (;; count++) {
		bool any = false;
		check(snapshot_next(snapshot, &any));
		if (!any)
			break;
		assert_is(snapshot, next_world(worlds));
	}
	assert_int_equal(count, SAMPLES);
	worlds_deinit(worlds);
	snapshot_destroy(snapshot);
	close(fd);
	buffer_deinit(&file);
}

static void test_backwards_and_by_process(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill, &file);
	struct snapshot *snapshot = must_open(&file);
	for (size_t last = SAMPLES; last > 0; last -= 57 < last ? 57 : last) {
		struct world worlds[PROCESSES];
		struct world *world = NULL;
		worlds_init(worlds);
		for (size_t i = 0; i < last; i++)
			world = next_world(worlds);
		check(snapshot_select(snapshot, last - 1));
		assert_is(snapshot, world);
		worlds_deinit(worlds);
	}
	assert_int_equal(snapshot_process_count(snapshot), PROCESSES);
	uint64_t count = 0;
	for (size_t i = 0; i < PROCESSES; i++) {
		uint64_t samples = snapshot_process_entry(snapshot, i)->samples;
		check(snapshot_select_of(snapshot, i, samples / 2));
		assert_int_equal(snapshot_process(snapshot)->pid,
				 snapshot_process_entry(snapshot, i)->pid);
		count += samples;
	}
	assert_int_equal(count, SAMPLES);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

static void test_cut_anywhere(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill, &file);
	size_t before = 0;
	for (size_t size = 0; size < file.size; size += 1 + file.size / 60) {
		size_t count = assert_begins_right(file.data, size);
		assert_true(count >= before);
		before = count;
	}
	assert_true(before > SAMPLES / 2);
	buffer_deinit(&file);
}

/* One epoch: what is behind the damage is lost, and nothing before it. */
static void test_a_damaged_frame(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill, &file);
	for (size_t at = 0; at < file.size; at += 1 + file.size / 60) {
		file.data[at] ^= 0x10;
		assert_begins_right(file.data, file.size);
		file.data[at] ^= 0x10;
	}
	buffer_deinit(&file);
}

/* Two stacks take turns. */
static void fill_by_turns(struct snapshot_writer *writer)
{
	enum { STACK_BYTES = 3000, TURNS = 300 };
	uint8_t bytes[STACK_BYTES];
	struct sample_facts sample = {.pid = 5, .time_ns = 1, .monotonic_ns = 1};
	struct memory_image *image;
	random_state = 3;
	check(memory_image_create(&image));
	snapshot_writer_write_changes(writer);
	for (size_t i = 0; i < STACK_BYTES; i++)
		bytes[i] = (uint8_t)random_below(256);
	for (uint32_t i = 0; i < TURNS; i++) {
		memory_image_clear(image);
		/* In pieces, as code objects are read. */
		for (size_t at = i % 2; at + 40 < STACK_BYTES; at += 100)
			check(memory_image_put(image, base + at + (i % 2 ? 50 : 0), bytes + at,
					       40));
		sample.monotonic_ns = sample.time_ns += 10000000;
		check(snapshot_writer_image(writer, 5, image));
		check(snapshot_writer_sample(writer, &sample));
		if (i % 50 == 49)
			check(snapshot_writer_flush(writer));
	}
	memory_image_destroy(image);
}

static void test_what_comes_back_is_not_said_again(void **state)
{
	(void)state;
	struct buffer file = {0};
	build_with(fill_by_turns, &file);
	/* 2400 bytes that do not compress, once, and their addresses. */
	assert_true(file.size < 5000);
	buffer_deinit(&file);
}

static void fill_and_miss(struct snapshot_writer *writer)
{
	const struct snapshot_missed missed = {.late = 3, .failed = 2, .dropped = 1};
	fill(writer);
	snapshot_writer_count_missed(writer, &missed);
}

static void test_what_became_of_the_samples(void **state)
{
	(void)state;
	struct buffer file = {0};
	struct world worlds[PROCESSES];
	struct sample_counts wanted = {.samples = SAMPLES, .late = 3, .failed = 2, .dropped = 1};
	struct snapshot_statistics statistics;
	build_with(fill_and_miss, &file);
	struct snapshot *snapshot = must_open(&file);
	worlds_init(worlds);
	for (size_t i = 0; i < SAMPLES; i++) {
		const struct sample_facts *sample = &next_world(worlds)->sample;
		wanted.ways[sample->way]++;
		wanted.incomplete += sample->partial;
	}
	worlds_deinit(worlds);
	snapshot_statistics(snapshot, &statistics);
	assert_true(statistics.has_counts && statistics.ended);
	assert_memory_equal(&statistics.counts, &wanted, sizeof(wanted));
	assert_true(statistics.chunk_bytes[SNAPSHOT_CHUNK_STEPS] > 0);
	snapshot_destroy(snapshot);
	buffer_deinit(&file);
}

/* What was told last, where there is no end; what an END says of another log is added to it. */
static void test_counts_without_an_end(void **state)
{
	(void)state;
	struct block_builder builder;
	struct snapshot *snapshot = NULL;
	struct snapshot_statistics statistics;
	struct sample_counts counts = {.samples = 1, .late = 5, .ways = {[FREEZE_HOLDER] = 1}};
	builder_init(&builder);
	builder_begin(&builder, 0);
	builder_sample(&builder, 77);
	builder_record(&builder, SNAPSHOT_CHUNK_COUNTS, &snapshot_counts_table, &counts);
	counts.late = 6;
	builder_record(&builder, SNAPSHOT_CHUNK_COUNTS, &snapshot_counts_table, &counts);
	builder_end(&builder);
	builder.header = (struct block_header){.version = SNAPSHOT_VERSION, .log_number = 2};
	builder_begin(&builder, 0);
	builder_sample(&builder, 77);
	counts.late = 10;
	builder_record(&builder, SNAPSHOT_CHUNK_END, &snapshot_counts_table, &counts);
	builder_end(&builder);
	check(open_bytes(builder.file.data, builder.file.size, &snapshot));
	snapshot_statistics(snapshot, &statistics);
	assert_true(statistics.has_counts);
	assert_int_equal(statistics.counts.samples, 2);
	assert_int_equal(statistics.counts.late, 16);
	assert_int_equal(statistics.counts.ways[FREEZE_HOLDER], 2);
	snapshot_destroy(snapshot);
	builder_deinit(&builder);
}

/* A log of a SAMPLE, memory at 0x10 and one step, by hand. */
static struct error *open_step(const uint8_t *step, size_t size, uint16_t flags, bool with_sample)
{
	struct block_builder builder;
	struct snapshot *snapshot = NULL;
	const struct thread_facts thread = {.tid = 1, .system_call = -1};
	struct buffer threads = {0};
	struct buffer entry = {0};
	builder_init(&builder);
	builder_begin(&builder, 0);
	check(record_append_number(&threads, SNAPSHOT_KEY_PID, zigzag_encode(7)));
	check(record_encode(&entry, &snapshot_thread_table, &thread));
	check(record_append(&threads, SNAPSHOT_KEY_ENTRY, entry.data, entry.size));
	builder_chunk(&builder, SNAPSHOT_CHUNK_THREADS, 0, threads.data, threads.size);
	memory_begin(&builder);
	memory_operation(&builder, SNAPSHOT_MEMORY_PUT, 0x10, "abcdefgh", 8);
	memory_end(&builder);
	if (with_sample)
		builder_sample(&builder, 77);
	builder_chunk(&builder, SNAPSHOT_CHUNK_STEPS, flags, step, size);
	builder_end(&builder);
	struct error *error = open_bytes(builder.file.data, builder.file.size, &snapshot);
	if (!error)
		error = snapshot_select(snapshot, snapshot_sample_count(snapshot) - 1);
	snapshot_destroy(snapshot);
	buffer_deinit(&threads);
	buffer_deinit(&entry);
	builder_deinit(&builder);
	return error;
}

/* Head, process 7, time, freeze; then what is behind them. */
enum { PID = 14 };

static void test_steps_by_hand(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		size_t size;
		uint8_t bytes[24];
		bool good;
	} steps[] = {
		{"nothing but a sample", 5, {4, 1, PID, 0, 0}, true},
		{"no process", 4, {3, 0, 0, 0}, false},
		{"longer than its chunk", 5, {5, 1, PID, 0, 0}, false},
		{"shorter than its head", 3, {2, 1, PID}, false},
		{"bytes behind it", 6, {5, 1, PID, 0, 0, 0}, false},
		{"an unknown bit", 5, {4, 17, PID, 0, 0}, false},
		{"unknown facts", 8, {7, 3, PID, 0, 0, 128, 1, 0}, false},
		{"a PATCH", 8, {7, 9, PID, 0, 0, 16, 32, 'x'}, true},
		{"a PATCH of what is not there", 8, {7, 9, PID, 0, 0, 16, 64, 'x'}, false},
		{"an empty PATCH", 7, {6, 9, PID, 0, 0, 0, 32}, false},
		{"a place that is none", 7, {6, 9, PID, 0, 0, 1, 'x'}, false},
		{"a place", 10, {9, 9, PID, 0, 0, 16, 32, 'x', 1, 'y'}, true},
		{"a value of what has none", 10, {9, 9, PID, 0, 0, 16, 32, 'x', 3, 0}, false},
		{"a value", 11, {10, 9, PID, 0, 0, 32, 32, 'x', 'y', 3, 0}, true},
		{"a value that is none", 11, {10, 9, PID, 0, 0, 32, 32, 'x', 'y', 3, 1}, false},
		{"HIDE and SHOW", 9, {8, 9, PID, 0, 0, 38, 32, 26, 0}, true},
		{"SHOW of what is not hidden", 7, {6, 9, PID, 0, 0, 26, 0}, false},
		{"SHOW twice", 11, {10, 9, PID, 0, 0, 38, 32, 26, 0, 26, 1}, false},
		{"HIDE of what is not there", 8, {7, 9, PID, 0, 0, 38, 128, 1}, false},
		{"HIDE again", 11, {10, 9, PID, 0, 0, 38, 32, 26, 0, 24, 1}, true},
		{"HIDE twice", 9, {8, 9, PID, 0, 0, 38, 32, 24, 0}, false},
		{"a kind that is none", 7, {6, 9, PID, 0, 0, 28, 32}, false},
		{"the thread's time", 8, {7, 5, PID, 0, 0, 2, 2, 50}, true},
		{"time of a thread that is none", 8, {7, 5, PID, 0, 0, 2, 10, 50}, false},
		{"a removed thread", 8, {7, 5, PID, 0, 0, 2, 4, 0}, true},
		{"two removed threads", 10, {9, 5, PID, 0, 0, 4, 4, 0, 4, 0}, false},
		{"a situation that is none", 8, {7, 5, PID, 0, 0, 2, 1, 1}, false},
		{"an edit of nothing", 7, {6, 5, PID, 0, 0, 1, 0}, false},
		{"registers of what has none", 11, {10, 5, PID, 0, 0, 5, 4, 3, 3, 0, 1}, false},
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (int plain = 0; plain < 2; plain++) {
			struct error *error = open_step(steps[i].bytes, steps[i].size,
							SNAPSHOT_CHUNK_CRITICAL, !plain);
			/* Without a SAMPLE there is nothing to go on from. */
			if (!error != (steps[i].good && !plain))
				fail_msg("%s: %s", steps[i].what, error ? error->message : "read");
			error_destroy(error);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_sample_is_what_was_given),
		cmocka_unit_test(test_forward),
		cmocka_unit_test(test_backwards_and_by_process),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_a_damaged_frame),
		cmocka_unit_test(test_what_comes_back_is_not_said_again),
		cmocka_unit_test(test_steps_by_hand),
		cmocka_unit_test(test_what_became_of_the_samples),
		cmocka_unit_test(test_counts_without_an_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
