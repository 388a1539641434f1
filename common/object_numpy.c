/* Numbers and arrays of NumPy (numpy/arrayscalars.h, numpy/ndarraytypes.h): the value of a number
 * is behind the head, an array tells its shape and type. */
#include <string.h>

#include "common/cursor.h"
#include "common/object_walk.h"

enum { MAX_DIMENSIONS = 64 /* NPY_MAXDIMS of NumPy 2 */ };

static const struct {
	const char *name;
	uint8_t kind;
	uint8_t size;
} numbers[] = {
	{"bool", 'b', 1},  {"bool_", 'b', 1},	  {"int8", 'i', 1},    {"int16", 'i', 2},
	{"int32", 'i', 4}, {"int64", 'i', 8},	  {"intc", 'i', 4},    {"longlong", 'i', 8},
	{"uint8", 'u', 1}, {"uint16", 'u', 2},	  {"uint32", 'u', 4},  {"uint64", 'u', 8},
	{"uintc", 'u', 4}, {"ulonglong", 'u', 8}, {"float32", 'f', 4}, {"float64", 'f', 8},
};

struct error *object_read_numpy_number(struct object_walk *walk, uint32_t node)
{
	struct object_node *self = object_node_at(walk, node);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		uint64_t word = 0;
		float narrow;
		if (strcmp(self->type->name, numbers[i].name) != 0)
			continue;
		enum memory_status status =
			memory_read_integer(walk->memory, self->address + walk->layout->object.size,
					    numbers[i].size, &word);
		if (status != MEMORY_OK)
			object_walk_fail(walk, node, status);
		self->width = numbers[i].kind;
		if (numbers[i].kind != 'f') {
			unsigned unused = 64 - 8 * numbers[i].size;
			self->integer = numbers[i].kind == 'i' ? (int64_t)(word << unused) >> unused
							       : (int64_t)word;
		} else if (numbers[i].size == sizeof(float)) {
			uint32_t half = (uint32_t)word;
			memcpy(&narrow, &half, sizeof(narrow));
			self->real[0] = narrow;
		} else {
			memcpy(&self->real[0], &word, sizeof(word));
		}
		return NULL;
	}
	self->kind = OBJECT_INSTANCE;
	return NULL;
}

/* The element's type is called as PyArray_Descr.typeobj is. */
static struct error *keep_element_name(struct object_walk *walk, uint32_t node, uint64_t descriptor)
{
	const struct object_type *type;
	uint64_t address;
	if (struct_read_pointer(walk->memory, descriptor, walk->layout->object.size, &address) !=
	    MEMORY_OK)
		return NULL;
	struct error *error = object_type_get(walk->objects, address, &type);
	if (error || !type->valid)
		return error;
	return object_walk_keep(walk, node, type->name, strlen(type->name));
}

struct error *object_read_numpy_array(struct object_walk *walk, uint32_t node)
{
	/* PyArrayObject_fields, behind the head. */
	enum { DIMENSION_COUNT = 8, DIMENSIONS = 16, DESCRIPTOR = 40, BYTES = 48 };
	uint8_t fields[BYTES];
	uint64_t shape[OBJECT_FIELDS];
	uint64_t count = 0;
	uint64_t dimensions = 0;
	uint64_t descriptor = 0;
	uint64_t head = object_node_at(walk, node)->address + walk->layout->object.size;
	enum memory_status status = memory_read(walk->memory, head, fields, sizeof(fields));
	bytes_field(fields, sizeof(fields), DIMENSION_COUNT, sizeof(uint32_t), &count);
	bytes_field(fields, sizeof(fields), DIMENSIONS, OBJECT_WORD, &dimensions);
	bytes_field(fields, sizeof(fields), DESCRIPTOR, OBJECT_WORD, &descriptor);
	if (status == MEMORY_OK && count > MAX_DIMENSIONS) {
		object_walk_wild(walk, node);
		return NULL;
	}
	uint64_t wanted = object_walk_limit(walk, node, count, OBJECT_FIELDS);
	if (status == MEMORY_OK && wanted)
		status = memory_read(walk->memory, dimensions, shape, wanted * OBJECT_WORD);
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	for (size_t i = 0; i < wanted; i++) {
		uint64_t size = 0;
		bytes_field(shape, sizeof(shape), i * OBJECT_WORD, OBJECT_WORD, &size);
		object_node_at(walk, node)->fields[i] = (int64_t)size;
	}
	return keep_element_name(walk, node, descriptor);
}
