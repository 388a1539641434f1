/*
 * Any bytes where _PyRuntime is said to be: debug_offsets_read gives an error or a layout within
 * bounds. The first byte chooses the version, so that most inputs come past the cookie.
 */
#include <stdlib.h>
#include <string.h>

#include "common/debug_offsets.h"

enum { RUNTIME = 0x7000, LARGEST = 16 << 20 };

struct input {
	struct memory memory;
	const uint8_t *bytes;
	size_t size;
};

static enum memory_status input_read(struct memory *memory, uint64_t address, void *buffer,
				     size_t size)
{
	const struct input *input = (const struct input *)memory;
	if (address < RUNTIME || address - RUNTIME > input->size ||
	    size > input->size - (address - RUNTIME))
		return MEMORY_NOT_MAPPED;
	memcpy(buffer, input->bytes + (address - RUNTIME), size);
	return MEMORY_OK;
}

static const struct memory_operations input_operations = {.read = input_read};

static const char cookie[8] = {'x', 'd', 'e', 'b', 'u', 'g', 'p', 'y'};

/* Versions are tried with a right cookie and version in place; the last way takes all as it is. */
static void set_header(uint8_t *bytes, size_t size, uint8_t choice)
{
	uint64_t version = 0x030000f0 | (uint64_t)(13 + choice % 4) << 16;
	uint64_t free_threaded = choice >> 2 & 1;
	if (size < 24 || choice % 8 == 7)
		return;
	memcpy(bytes, cookie, sizeof(cookie));
	memcpy(bytes + 8, &version, sizeof(version));
	memcpy(bytes + 16, &free_threaded, sizeof(free_threaded));
}

static void check(layout_offset offset)
{
	if (offset != LAYOUT_ABSENT && offset > LARGEST)
		abort();
}

static void check_layout(const struct python_layout *layout)
{
	check(layout->runtime.interpreters_main);
	check(layout->interpreter.gc_collecting);
	check(layout->thread.datastack_top);
	check(layout->thread.holds_gil.offset);
	check(layout->gil.switch_number);
	check(layout->frame.globals);
	check(layout->code.flags);
	check(layout->unicode.any_data);
	if (layout->code.name == layout->code.filename ||
	    layout->thread.next == layout->thread.prev)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct python_version version;
	struct python_layout layout;
	if (size < 1)
		return 0;
	uint8_t *bytes = malloc(size);
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	set_header(bytes, size - 1, data[0]);
	struct input input = {
		.memory.operations = &input_operations, .bytes = bytes, .size = size - 1};
	struct error *error = debug_offsets_read(&input.memory, RUNTIME, &version, &layout);
	if (!error)
		check_layout(&layout);
	error_destroy(error);
	/* The same bytes as those of a version that nobody knows. */
	error = debug_offsets_assume(&input.memory, RUNTIME, &version, &layout);
	if (!error)
		check_layout(&layout);
	error_destroy(error);
	free(bytes);
	return 0;
}
