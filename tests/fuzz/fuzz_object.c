/*
 * Fuzz the reading of objects and their texts. The first bytes choose the version, the kind of the
 * root and how many characters are wanted. The memory has a type of every kind, with a metatype and
 * a base that are whole, and a few objects of each; the rest of the input are the words that the
 * objects, and what is behind them, are made of: small numbers, pointers to objects, and anything.
 * What was read must be enough to read the same once more, as from a capture.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/python/object_text.h"
#include "common/cleanup.h"
#include "common/memory_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	IMAGE_BYTES = 1 << 18,
	TYPES = 0x1000, /* type i at + TYPE_BYTES * i */
	TYPE_BYTES = 0x600,

	OBJECTS = 0x20000,
	SPACE_BYTES = 0x200,
	SPACE_COUNT = 0x80,
	HEADER_BYTES = 4,
};

static const char *const names[] = {
	"object",
	"type",
	"NoneType",
	"bool",
	"int",
	"float",
	"complex",
	"bytearray",
	"set",
	"frozenset",
	"collections.deque",
	"collections.defaultdict",
	"collections.OrderedDict",
	"mappingproxy",
	"range",
	"slice",
	"function",
	"method",
	"builtin_function_or_method",
	"module",
	"code",
	"generator",
	"cell",
	"datetime.date",
	"datetime.datetime",
	"datetime.time",
	"datetime.timedelta",
	"datetime.timezone",
	"numpy.ndarray",
	"numpy.float64",
	"str",
	"bytes",
	"tuple",
	"list",
	"dict",
	"BaseException",
	/* Classes. */
	"Plain",
	"Data",
	"Pair",
	"Color",
	"Loud",
};
enum { TYPE_COUNT = sizeof(names) / sizeof(*names), FIRST_CLASS = 36 };

struct fuzz_memory {
	struct memory memory;
	uint64_t reads; /* that may still be done: bounds the time of one input */
	uint8_t image[IMAGE_BYTES];
};

static enum memory_status fuzz_read(struct memory *memory, uint64_t address, void *buffer,
				    size_t size)
{
	struct fuzz_memory *fuzz = (struct fuzz_memory *)memory;
	if (address < 0x800 || address > IMAGE_BYTES || size > IMAGE_BYTES - address)
		return MEMORY_NOT_MAPPED;
	/* No input may lead to more: that is what the bounds are for. */
	if (!fuzz->reads--)
		abort();
	memcpy(buffer, fuzz->image + address, size);
	return MEMORY_OK;
}

static void put(uint8_t *image, uint64_t base, layout_offset offset, uint64_t value, size_t size)
{
	if (offset != LAYOUT_ABSENT && base + offset + size <= IMAGE_BYTES)
		memcpy(image + base + offset, &value, size);
}

static uint64_t type_at(size_t i)
{
	return TYPES + (uint64_t)TYPE_BYTES * i;
}

static uint64_t object_at(size_t i)
{
	return OBJECTS + (uint64_t)SPACE_BYTES * (i % SPACE_COUNT);
}

/* tp_flags of the builtin types that have bits of their own. */
static uint64_t flags_of(const char *name)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} bits[] = {{"int", 24}, {"bool", 24}, {"list", 25}, {"tuple", 26},	   {"bytes", 27},
		    {"str", 28}, {"dict", 29}, {"type", 31}, {"BaseException", 30}};
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (strcmp(bits[i].name, name) == 0)
			return 1U << bits[i].bit;
	return 0;
}

static void put_type(const struct python_layout *layout, uint8_t *image, size_t i, uint64_t word)
{
	uint64_t address = type_at(i);
	uint64_t name = address + 0x580;
	bool is_class = i >= FIRST_CLASS;
	put(image, address, layout->object.type, type_at(1), 8);
	put(image, address, layout->type.name, name, 8);
	put(image, address, layout->type.flags,
	    1U << 12 | flags_of(names[i]) |
		    (is_class ? 1U << 9 | layout->instance.managed_dict_flag : 0),
	    8);
	put(image, address, layout->type.basic_size, layout->object.size + 16, 8);
	put(image, address, layout->type.dict_offset, layout->object.size + 8, 8);
	put(image, address, layout->type.base, type_at(is_class ? word % FIRST_CLASS : 0), 8);
	put(image, address, layout->type.dict, object_at(word >> 8), 8);
	put(image, address, layout->type.repr, word & 1, 8);
	put(image, address, layout->type.qualname, object_at(word >> 16), 8);
	memcpy(image + name, names[i], strlen(names[i]) + 1);
	if (!i)
		put(image, address, layout->type.base, 0, 8);
}

static void put_object(const struct python_layout *layout, uint8_t *image, size_t i,
		       const uint8_t *words, size_t size)
{
	uint64_t address = object_at(i);
	for (size_t offset = 0; offset + 8 <= SPACE_BYTES && size >= 8; offset += 8) {
		uint64_t word;
		memcpy(&word, words + (i * 24 + offset) % (size - 7), 8);
		if (word & 1)
			word = object_at(word >> 1) + (word & 2 ? 0 : (word >> 8 & 0x3f) * 8);
		else if (word & 2)
			word = word >> 8 & 0x3f;
		put(image, address + offset, 0, word, 8);
	}
	put(image, address, layout->object.type, type_at(i % TYPE_COUNT), 8);
}

static char *read_text(struct memory *memory, struct memory *keep,
		       const struct python_layout *layout, uint64_t address, size_t characters)
{
	const struct python_reader reader = {.memory = memory, .keep = keep, .layout = layout};
	const struct object_text_options options = {.max_characters = characters};
	const struct object_bounds bounds = object_bounds_for_text(characters);
	CLEANUP(object_reader_destroyp) struct object_reader *objects = NULL;
	CLEANUP(object_tree_deinit) struct object_tree tree = {0};
	char *text = NULL;
	if (object_reader_create(&reader, &objects))
		abort();
	if (object_tree_read(objects, address, &bounds, &tree) ||
	    object_text(&tree, &options, &text))
		abort();
	return text;
}

static size_t count_characters(const char *text)
{
	size_t count = 0;
	for (; *text; text++) {
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			abort();
		count += (*text & 0xc0) != 0x80;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct memory_operations operations = {.read = fuzz_read};
	static struct fuzz_memory fuzz;
	CLEANUP(memory_image_destroyp) struct memory_image *kept = NULL;
	CLEANUP(memory_destroyp) struct memory *keep = NULL;
	if (size < HEADER_BYTES + 16)
		return 0;
	const struct python_layout *layout = &python_layout_rows[data[0] % python_layout_row_count];
	size_t characters = 16 + (size_t)data[2];
	fuzz.memory.operations = &operations;
	fuzz.reads = 1 << 17;
	memset(fuzz.image, 0, sizeof(fuzz.image));
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		uint64_t word = 0;
		memcpy(&word, data + HEADER_BYTES + i % (size - HEADER_BYTES - 7), 8);
		put_type(layout, fuzz.image, i, word);
	}
	for (size_t i = 0; i < SPACE_COUNT; i++)
		put_object(layout, fuzz.image, i, data + HEADER_BYTES, size - HEADER_BYTES);
	if (memory_image_create(&kept) || memory_recorder_create(&fuzz.memory, kept, &keep))
		abort();
	CLEANUP_FREE char *whole = read_text(&fuzz.memory, data[3] & 1 ? keep : NULL, layout,
					     object_at(data[1]), characters);
	if (count_characters(whole) > characters)
		abort();
	if (!(data[3] & 1))
		return 0;
	CLEANUP_FREE char *again =
		read_text(memory_image_memory(kept), NULL, layout, object_at(data[1]), characters);
	if (strcmp(whole, again) != 0)
		abort();
	return 0;
}
