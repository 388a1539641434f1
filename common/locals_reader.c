#include "common/locals_reader.h"

#include <stdlib.h>

struct locals_reader {
	struct frame_locals *frames;
	struct object_reader *objects;
	struct object_tree tree; /* of the value that was read last */
};

struct error *locals_reader_create(const struct python_reader *reader, struct locals_reader **ret)
{
	struct locals_reader *locals = calloc(1, sizeof(*locals));
	if (!locals)
		return &error_out_of_memory;
	struct error *error =
		frame_locals_create(python_reader_memory(reader), reader->layout, &locals->frames);
	if (!error)
		error = object_reader_create(reader, &locals->objects);
	if (error) {
		locals_reader_destroy(locals);
		return error;
	}
	*ret = locals;
	return NULL;
}

void locals_reader_destroy(struct locals_reader *locals)
{
	if (!locals)
		return;
	object_tree_deinit(&locals->tree);
	object_reader_destroy(locals->objects);
	frame_locals_destroy(locals->frames);
	free(locals);
}

void locals_reader_destroyp(struct locals_reader **locals)
{
	locals_reader_destroy(*locals);
}

struct error *locals_reader_frame(struct locals_reader *locals, const struct walk_frame *frame,
				  struct frame_local_list *ret)
{
	if (!frame->code->malformed && raw_code_is_complete(frame->code))
		return frame_locals_read(locals->frames, frame, ret);
	*ret = (struct frame_local_list){0};
	return NULL;
}

struct error *locals_reader_value(struct locals_reader *locals, uint64_t address, unsigned times,
				  const struct object_tree **ret)
{
	struct object_bounds bounds =
		object_bounds_for_text((size_t)LOCALS_TEXT_CHARACTERS * times);
	struct error *error = object_tree_read(locals->objects, address, &bounds, &locals->tree);
	if (!error)
		*ret = &locals->tree;
	return error;
}
