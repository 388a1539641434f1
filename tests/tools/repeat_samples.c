/*
 * A run of many samples, made of the samples that a file has: `repeat_samples FILE TIMES OUTPUT`.
 * They are 10 ms apart, in one log. For measuring what a report of a long run costs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/target.h"
#include "common/cleanup.h"
#include "common/memory_image.h"
#include "common/output_file.h"
#include "common/thread_names.h"
#include "common/walk.h"
#include "formats/snapshot_writer.h"

enum { INTERVAL_NS = 10000000, SAMPLES_MAX = 2000 };

static void check(struct error *error)
{
	if (!error)
		return;
	fprintf(stderr, "repeat_samples: %s\n", error->message);
	exit(1);
}

/* Add what decoding the selected sample reads. */
static void record(struct target *target, struct memory_image *image,
		   struct python_location *location)
{
	struct memory *recorder;
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	check(memory_recorder_create(target_memory(target), image, &recorder));
	const struct locate_options options = {
		.machine = target_process(target)->machine,
		.memory = recorder,
		.modules = target_modules(target),
		.mappings = target_mappings(target),
		.files = target_files(target),
		.hint = target_python_hint(target),
	};
	check(locate_python(&options, location));
	const struct walk_visitor visitor = {0};
	check(walk_python(recorder, location, &visitor));
	const struct thread_names_request request = {
		.reader = {.memory = recorder, .layout = &location->layout},
		.runtime_address = location->runtime_address,
	};
	check(thread_names_read(&request, &names));
	memory_destroy(recorder);
}

/* What of a range the selected sample has. */
static void copy_range(struct target *target, struct memory_image *image, uint64_t address,
		       size_t size)
{
	static uint8_t bytes[MEMORY_IMAGE_WINDOW];
	if (memory_read(target_memory(target), address, bytes, size) == MEMORY_OK) {
		check(memory_image_put(image, address, bytes, size));
	} else if (size > 1) {
		copy_range(target, image, address, size / 2);
		copy_range(target, image, address + size / 2, size - size / 2);
	}
}

/* As a capture of many samples has it: also what only other samples need. */
static struct memory_image *copy_memory(struct target *target, const struct memory_image *all)
{
	struct memory_image *image;
	struct memory_range range;
	check(memory_image_create(&image));
	for (uint64_t at = 0; memory_image_next(all, at, &range); at = range.address + range.size)
		copy_range(target, image, range.address, range.size);
	return image;
}

/* Facts of the first sample, and the memory of all. */
static void read_all(struct target *target, struct snapshot_writer *writer,
		     struct memory_image **images)
{
	struct snapshot *snapshot = target_snapshot(target);
	int32_t pid = target_process(target)->pid;
	struct memory_image *all;
	check(memory_image_create(&all));
	for (size_t i = 0; i < snapshot_sample_count(snapshot); i++) {
		struct python_location location = {0};
		struct memory_image *image;
		check(memory_image_create(&image));
		check(snapshot_select(snapshot, i));
		record(target, image, &location);
		struct memory_range range;
		for (uint64_t at = 0; memory_image_next(image, at, &range);
		     at = range.address + range.size)
			check(memory_image_put(all, range.address, range.bytes, range.size));
		if (i == 0) {
			check(snapshot_writer_process(writer, target_process(target)));
			check(snapshot_writer_mappings(writer, pid, target_mappings(target)));
			check(snapshot_writer_modules(writer, pid, target_modules(target)));
			check(snapshot_writer_python(writer, pid, &location));
		}
		python_location_deinit(&location);
		memory_image_destroy(image);
	}
	for (size_t i = 0; i < snapshot_sample_count(snapshot); i++) {
		check(snapshot_select(snapshot, i));
		images[i] = copy_memory(target, all);
	}
	memory_image_destroy(all);
}

static void write_sample(struct snapshot_writer *writer, struct target *target,
			 const struct memory_image *image, uint64_t number)
{
	struct snapshot *snapshot = target_snapshot(target);
	struct sample_facts sample = *snapshot_sample(snapshot);
	sample.time_ns = UINT64_C(1782000000000000000) + number * INTERVAL_NS;
	sample.monotonic_ns = UINT64_C(1000000000) + number * INTERVAL_NS;
	check(snapshot_writer_threads(writer, sample.pid, target_threads(target)));
	check(snapshot_writer_image(writer, sample.pid, image));
	check(snapshot_writer_sample(writer, &sample));
}

int main(int argc, char **argv)
{
	static struct memory_image *images[SAMPLES_MAX];
	const struct target_options options = {0};
	struct target *target;
	struct output_file *output;
	struct snapshot_writer *writer;
	if (argc != 4)
		check(error_create(ERROR_USAGE, "FILE TIMES OUTPUT"));
	check(target_open(argv[1], &options, &target));
	struct snapshot *snapshot = target_snapshot(target);
	if (!snapshot || snapshot_sample_count(snapshot) > SAMPLES_MAX)
		check(error_create(ERROR_USAGE, "no snapshot, or too many samples"));
	check(output_file_create(argv[3], &output));
	check(snapshot_writer_create(output, &writer));
	size_t count = snapshot_sample_count(snapshot);
	uint64_t number = 0;
	snapshot_writer_write_changes(writer);
	read_all(target, writer, images);
	for (long time = strtol(argv[2], NULL, 10); time > 0; time--) {
		for (size_t i = 0; i < count; i++) {
			check(snapshot_select(snapshot, i));
			write_sample(writer, target, images[i], number++);
		}
	}
	check(snapshot_writer_finish(writer));
	check(output_file_commit(output));
	for (size_t i = 0; i < count; i++)
		memory_image_destroy(images[i]);
	snapshot_writer_destroy(writer);
	output_file_destroy(output);
	target_destroy(target);
	return 0;
}
