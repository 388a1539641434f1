/*
 * The texts of objects in a core or snapshot: `object_texts FILE < addresses`. Each line of input
 * is an address and how many characters the text may have, each line of output a text. Every object
 * is read twice, the second time from nothing but what the first one read, as a capture would keep
 * it: both must give the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/python/object_text.h"
#include "analyze/target.h"
#include "common/cleanup.h"
#include "common/locate.h"
#include "common/memory_image.h"

static struct error *read_text(struct object_reader *objects, uint64_t address, size_t characters,
			       char **ret)
{
	const struct object_text_options options = {.max_characters = characters};
	struct object_bounds bounds = object_bounds_for_text(characters);
	CLEANUP(object_tree_deinit) struct object_tree tree = {0};
	struct error *error = object_tree_read(objects, address, &bounds, &tree);
	return error ? error : object_text(&tree, &options, ret);
}

static struct error *read_with(struct memory *memory, struct memory *keep,
			       const struct python_layout *layout, uint64_t address,
			       size_t characters, char **ret)
{
	const struct python_reader reader = {.memory = memory, .keep = keep, .layout = layout};
	CLEANUP(object_reader_destroyp) struct object_reader *objects = NULL;
	struct error *error = object_reader_create(&reader, &objects);
	return error ? error : read_text(objects, address, characters, ret);
}

static struct error *print_text(struct memory *memory, const struct python_layout *layout,
				uint64_t address, size_t characters)
{
	CLEANUP(memory_image_destroyp) struct memory_image *image = NULL;
	CLEANUP(memory_destroyp) struct memory *recorder = NULL;
	CLEANUP_FREE char *whole = NULL;
	CLEANUP_FREE char *kept = NULL;
	struct error *error = memory_image_create(&image);
	if (!error)
		error = memory_recorder_create(memory, image, &recorder);
	if (!error)
		error = read_with(memory, recorder, layout, address, characters, &whole);
	if (!error)
		error = read_with(memory_image_memory(image), NULL, layout, address, characters,
				  &kept);
	if (!error && strcmp(whole, kept) != 0)
		error = error_create(ERROR_FAILED, "from all memory: %s, from what was read: %s",
				     whole, kept);
	if (!error)
		printf("%s\n", whole);
	return error;
}

static struct error *run(const char *path)
{
	const struct target_options target_options = {0};
	CLEANUP(target_destroyp) struct target *target = NULL;
	CLEANUP(python_location_deinit) struct python_location location = {0};
	uint64_t address;
	size_t characters;
	struct error *error = target_open(path, &target_options, &target);
	if (error)
		return error;
	const struct locate_options options = {
		.machine = target_process(target)->machine,
		.memory = target_memory(target),
		.modules = target_modules(target),
		.mappings = target_mappings(target),
		.files = target_files(target),
		.hint = target_python_hint(target),
	};
	error = locate_python(&options, &location);
	while (!error && scanf("%" SCNx64 " %zu", &address, &characters) == 2)
		error = print_text(target_memory(target), &location.layout, address, characters);
	return error;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: object_texts FILE < addresses\n");
		return 2;
	}
	struct error *error = run(argv[1]);
	if (!error)
		return 0;
	fprintf(stderr, "object_texts: %s\n", error->message);
	error_destroy(error);
	return 1;
}
