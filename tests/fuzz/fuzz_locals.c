/*
 * Fuzz the local variables of frames and their values: every pointer leads somewhere into the
 * input. The first byte chooses the version; the bytes behind it are the frame, its code object,
 * and all that they lead to.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode_locals.h"
#include "tests/fuzz/wrapped_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct model_frame *model)
{
	for (size_t i = 0; i < model->local_count; i++) {
		const struct model_local *local = &model->locals[i];
		if (!local->name || !local->repr == !local->gap)
			abort();
	}
}

/* The variables of a frame, whose code object need not be what it must be: twice, because the
 * second time all of it is in the caches. */
static struct error *decode(struct memory *memory, const struct python_layout *layout,
			    struct walk_frame *frame)
{
	struct locals_decoder *decoder;
	struct model_thread thread = {0};
	struct model_frame *model;
	struct raw_code code;
	struct error *error = raw_code_read(memory, layout, frame->code_address, &code);
	if (error)
		return error;
	code.malformed = false;
	frame->code = &code;
	error = locals_decoder_create(memory, layout, 1, &decoder);
	if (error) {
		raw_code_deinit(&code);
		frame->code = NULL;
		return error;
	}
	for (int i = 0; !error && i < 2; i++) {
		error = model_thread_add_frame(&thread, &model);
		if (!error)
			error = locals_decoder_frame(decoder, frame, model);
		if (!error)
			check(model);
	}
	locals_decoder_destroy(decoder);
	model_thread_deinit(&thread);
	raw_code_deinit(&code);
	frame->code = NULL;
	return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 16)
		return 0;
	const struct python_layout *layout = &python_layout_rows[data[0] % python_layout_row_count];
	struct wrapped_memory memory = wrapped_memory_make(data + 1, size - 1);
	struct walk_frame frame = {
		.address = 4096,
		.code_address = 4096 + 512,
		.instruction_offset = (int8_t)data[1],
	};
	error_destroy(decode(&memory.memory, layout, &frame));
	return 0;
}
