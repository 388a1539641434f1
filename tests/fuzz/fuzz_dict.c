/*
 * Fuzz the reading of threads' names. The first byte chooses the version, the second whether what
 * is found is kept, and what the rest is: memory, in which every pointer leads somewhere into the
 * input, so that dicts, instances and strings of any shape, cycles and wild lengths come up; or
 * words to be put into a small interpreter that is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/text.h"
#include "common/cleanup.h"
#include "common/memory_image.h"
#include "common/python_instance.h"
#include "common/thread_names.h"
#include "tests/fuzz/wrapped_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The interpreter that is whole, and where in its memory things are. */
enum {
	RUNTIME = 4096,
	INTERPRETER = 0x2000,
	MODULES = 0xa000,
	MODULE = 0xa800,
	GLOBALS = 0xb000,
	ACTIVE = 0xb800,
	THREAD_TYPE = 0xc000,
	THREAD = 0xc800,
	ATTRIBUTES = 0xd000,
	IDENT = 0xd800,
	TEXTS = 0xe000, /* text i at + 0x100 * i */
	IMAGE_BYTES = 0x10000,
	KEYS = 0x200, /* from a dict to its table */
	PATCH_BYTES = 10,
};

/* What a version has no such field for goes nowhere. */
static void put(uint8_t *image, uint64_t base, layout_offset offset, uint64_t value, size_t size)
{
	if (offset != LAYOUT_ABSENT && base + offset + size <= IMAGE_BYTES)
		memcpy(image + base + offset, &value, size);
}

static uint64_t put_text(const struct python_layout *layout, uint8_t *image, unsigned i,
			 const char *text)
{
	uint64_t address = TEXTS + 0x100 * i;
	put(image, address, layout->unicode.length, strlen(text), 8);
	if (layout->name_kind == NAME_KIND_BYTES) {
		memcpy(image + address + layout->bytes.contents, text, strlen(text));
		return address;
	}
	put(image, address, layout->unicode.state,
	    1U << layout->unicode.kind_shift | layout->unicode.compact_mask |
		    layout->unicode.ascii_mask,
	    4);
	memcpy(image + address + layout->unicode.ascii_data, text, strlen(text));
	return address;
}

/* Where the entries of a table are: before 3.6 they are its places. */
static uint64_t table_of(const struct python_layout *layout, uint64_t keys)
{
	if (layout->dict.table != LAYOUT_ABSENT)
		return keys;
	if (layout->dict_keys.entries != LAYOUT_ABSENT)
		return keys + layout->dict_keys.entries;
	return keys + layout->dict_keys.indices + 8;
}

/* A combined table of 8 places, with entries that have a hash. */
static void put_dict(const struct python_layout *layout, uint8_t *image, uint64_t address,
		     const uint64_t (*entries)[2], size_t count)
{
	uint64_t keys = address + KEYS;
	put(image, address, layout->dict.keys, keys, 8);
	put(image, address, layout->dict.table, keys, 8);
	put(image, address, layout->dict.mask, 7, 8);
	put(image, keys, layout->dict_keys.size, 8, 8);
	put(image, keys, layout->dict_keys.log2_index_bytes, 3, 1);
	put(image, keys, layout->dict_keys.kind, layout->dict_keys.general_kind, 1);
	put(image, keys, layout->dict_keys.entry_count, count, 8);
	for (size_t i = 0; i < count; i++) {
		uint64_t entry = table_of(layout, keys) + 24 * i;
		put(image, entry, 8, entries[i][0], 8);
		put(image, entry, 16, entries[i][1], 8);
	}
}

static void put_interpreter(const struct python_layout *layout, uint8_t *image)
{
	const uint64_t modules[][2] = {{put_text(layout, image, 0, "threading"), MODULE}};
	const uint64_t globals[][2] = {{put_text(layout, image, 1, "_active"), ACTIVE}};
	const uint64_t active[][2] = {{IDENT, THREAD}, {IDENT, THREAD}};
	bool is_mangled = layout->major == 2;
	const uint64_t attributes[][2] = {
		{put_text(layout, image, 2, is_mangled ? "_Thread__ident" : "_ident"), IDENT},
		{put_text(layout, image, 3, is_mangled ? "_Thread__name" : "_name"),
		 put_text(layout, image, 4, "MainThread")},
		{put_text(layout, image, 5, "_native_id"), IDENT},
	};
	put(image, RUNTIME, layout->runtime.interpreters_head, INTERPRETER, 8);
	put(image, INTERPRETER, layout->interpreter.modules, MODULES, 8);
	put_dict(layout, image, MODULES, modules, 1);
	put(image, MODULE, layout->module.dict, GLOBALS, 8);
	put_dict(layout, image, GLOBALS, globals, 1);
	put_dict(layout, image, ACTIVE, active, 2);
	put_dict(layout, image, ATTRIBUTES, attributes, 3);
	put(image, THREAD, layout->object.type, THREAD_TYPE, 8);
	put(image, THREAD_TYPE, layout->type.flags, layout->instance.managed_dict_flag, 8);
	put(image, THREAD_TYPE, layout->type.basic_size, 32, 8);
	put(image, THREAD_TYPE, layout->type.dict_offset, 32, 8);
	put(image, THREAD_TYPE, layout->type.cached_keys, ATTRIBUTES + KEYS, 8);
	put(image, THREAD - layout->instance.managed_dict_before,
	    layout->instance.managed_dict_flag ? 0 : 32, ATTRIBUTES, 8);
	put(image, IDENT, layout->integer.length, 1ULL << layout->integer.length_shift, 8);
	put(image, IDENT, layout->integer.digits, 77, 4);
	put(image, IDENT, layout->integer.plain, 77, 8);
}

/* The input as {where, word} pairs over the whole interpreter. */
static void patch_interpreter(const struct python_layout *layout, const uint8_t *data, size_t size,
			      uint8_t image[IMAGE_BYTES])
{
	memset(image, 0, IMAGE_BYTES);
	put_interpreter(layout, image);
	for (; size >= PATCH_BYTES; data += PATCH_BYTES, size -= PATCH_BYTES) {
		size_t where = data[0] | (size_t)data[1] << 8;
		if (where <= IMAGE_BYTES - 8)
			memcpy(image + where, data + 2, 8);
	}
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
	if (instance_attributes(&bounded, THREAD, &type, &attributes) &&
	    raw_dict_find(&bounded, &attributes, "_name", &value) &&
	    !python_integer_read(&bounded, value, &value))
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(memory_image_destroyp) struct memory_image *kept = NULL;
	CLEANUP(memory_destroyp) struct memory *keep = NULL;
	CLEANUP(thread_name_list_deinit) struct thread_name_list names = {0};
	if (size < 3)
		return 0;
	struct wrapped_memory memory = wrapped_memory_make(data + 2, size - 2);
	memory.last = INT64_MAX;
	struct thread_names_request request = {
		.reader = {.memory = &memory.memory,
			   .layout = &python_layout_rows[data[0] % python_layout_row_count]},
		.runtime_address = RUNTIME,
	};
	if (data[1] & 2) {
		static uint8_t image[IMAGE_BYTES];
		patch_interpreter(request.reader.layout, data + 2, size - 2, image);
		memory.data = image;
		memory.size = sizeof(image);
	}
	if (memory_image_create(&kept) || memory_recorder_create(&memory.memory, kept, &keep))
		return 0;
	if (data[1] & 1)
		request.reader.keep = keep;
	find_attribute(&request.reader);
	error_destroy(thread_names_read(&request, &names));
	check_names(&names);
	/* Without a patch all versions must give the name. */
	if (data[1] & 2 && size < 2 + PATCH_BYTES && !names.count)
		abort();
	return 0;
}
