/*
 * Fuzz the walk and the decoding of names and lines: every pointer leads somewhere into the input,
 * so that structures of any shape, cycles and wild lengths come up. The first byte chooses the
 * version.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/frame_module.h"
#include "analyze/python/frame_position.h"
#include "analyze/python/text.h"
#include "common/walk.h"
#include "tests/fuzz/wrapped_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct error *on_frame(void *context, const struct walk_frame *frame)
{
	const struct python_layout *layout = context;
	const struct raw_string *const strings[] = {
		&frame->code->name,
		&frame->code->qualname,
		&frame->code->filename,
	};
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		char *text;
		struct error *error = python_text(strings[i], &text);
		if (error)
			return error;
		free(text);
	}
	struct model_frame model = {.filename = strdup("/srv/package/module.py")};
	if (!model.filename)
		return &error_out_of_memory;
	frame_position_decode(layout, frame, &model);
	struct error *error = frame_module_decode(frame, &model);
	free(model.filename);
	free(model.python_module);
	free(model.short_filename);
	return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 16)
		return 0;
	struct python_location location = {
		.runtime_address = 4096,
		.layout = python_layout_rows[data[0] % python_layout_row_count],
		.layout_known = true,
	};
	if (location.layout.interpreter.id == LAYOUT_ABSENT)
		location.current_thread_address = 4096 + 64;
	struct wrapped_memory memory = wrapped_memory_make(data + 1, size - 1);
	const struct walk_visitor visitor = {.context = &location.layout, .frame = on_frame};
	error_destroy(walk_python(&memory.memory, &location, &visitor));
	return 0;
}
