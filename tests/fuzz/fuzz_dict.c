/*
 * Fuzz the reading of threads' names: every pointer leads somewhere into the input, so that dicts,
 * instances and strings of any shape, cycles and wild lengths come up. The first byte chooses the
 * version, the second whether what is found is kept, and read again from what was kept.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "common/memory_image.h"
#include "common/python_instance.h"
#include "common/thread_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wrapped_memory {
	struct memory memory;
	const uint8_t *data;
	size_t size;
	uint64_t budget; /* bytes that may still be read: bounds the time of one input */
};

static enum memory_status wrapped_read(struct memory *memory, uint64_t address, void *buffer,
				       size_t size)
{
	struct wrapped_memory *wrapped = (struct wrapped_memory *)memory;
	if (address < 4096 || address > INT64_MAX || wrapped->budget < size)
		return MEMORY_NOT_MAPPED;
	wrapped->budget -= size;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = wrapped->data[(address + i) % wrapped->size];
	return MEMORY_OK;
}

static void wrapped_destroy(struct memory *memory)
{
	(void)memory;
}

static void check_names(const struct thread_name_list *names)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct thread_name *name = &names->items[i];
		char *text;
		if (!thread_name_find(names, name->interpreter_id, name->thread_id))
			abort();
		if (python_text(&name->name, &text) == NULL)
			free(text);
	}
}

/* One search for one attribute: entries of any kind at once, where the whole chain is rarely hit.
 */
static void find_attribute(const struct python_reader *reader)
{
	struct raw_dict attributes;
	uint64_t type;
	uint64_t value;
	uint64_t budget = 1 << 12;
	struct python_reader bounded = *reader;
	bounded.budget = &budget;
	if (instance_attributes(&bounded, 4096, &type, &attributes) &&
	    raw_dict_find(&bounded, &attributes, "_name", &value) &&
	    !python_integer_read(&bounded, value, &value))
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct memory_operations operations = {
		.read = wrapped_read,
		.destroy = wrapped_destroy,
	};
	CLEANUP(memory_image_destroyp) struct memory_image *kept = NULL;
	CLEANUP(memory_destroyp) struct memory *keep = NULL;
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	if (size < 16)
		return 0;
	struct wrapped_memory memory = {
		.memory.operations = &operations,
		.data = data + 2,
		.size = size - 2,
		.budget = 1 << 20,
	};
	struct thread_names_request request = {
		.reader = {.memory = &memory.memory,
			   .layout = &python_layout_rows[data[0] % python_layout_row_count]},
		.runtime_address = 4096,
	};
	if (memory_image_create(&kept) || memory_recorder_create(&memory.memory, kept, &keep))
		return 0;
	if (data[1] & 1)
		request.reader.keep = keep;
	find_attribute(&request.reader);
	error_destroy(thread_names_read(&request, &names));
	check_names(&names);
	return 0;
}
