#include "common/python_instance.h"

#include "common/struct_view.h"

enum {
	/* Objects whose dict is further away than this are not believed. */
	INSTANCE_MAX_BYTES = 1 << 16,
	INTEGER_MAX_DIGITS = 5 /* of 15 bits make 64 */,
};

/* What a type says of its instances. */
struct instance_type {
	uint64_t address;
	uint64_t flags;
	uint64_t basic_size;
	uint64_t dict_offset;
};

static bool read_type(const struct python_reader *reader, uint64_t address,
		      struct instance_type *ret)
{
	const struct python_layout *layout = reader->layout;
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->type.flags, sizeof(uint64_t));
	struct_span_add(&span, layout->type.basic_size, sizeof(uint64_t));
	struct_span_add(&span, layout->type.dict_offset, sizeof(uint64_t));
	if (struct_view_read(python_reader_memory(reader), address, span, &view) != MEMORY_OK)
		return false;
	*ret = (struct instance_type){
		.address = address,
		.flags = struct_view_pointer(&view, layout->type.flags),
		.basic_size = struct_view_pointer(&view, layout->type.basic_size),
		.dict_offset = struct_view_pointer(&view, layout->type.dict_offset),
	};
	return true;
}

/* Values without a dict: their keys are the type's. */
static bool read_values(const struct python_reader *reader, const struct instance_type *type,
			uint64_t values, struct raw_dict *ret)
{
	uint64_t keys;
	return struct_read_pointer(python_reader_memory(reader), type->address,
				   reader->layout->type.cached_keys, &keys) == MEMORY_OK &&
	       raw_dict_read_split(reader, keys, values, ret);
}

/* 3.13 and later: values right behind the object, until a dict takes over and marks them invalid
 * (_PyObject_InlineValues(), pycore_object.h). */
static bool read_inline_values(const struct python_reader *reader, const struct instance_type *type,
			       uint64_t object, struct raw_dict *ret)
{
	uint64_t valid;
	if (!(type->flags & reader->layout->instance.inline_values_flag) ||
	    type->basic_size > INSTANCE_MAX_BYTES)
		return false;
	uint64_t values = object + type->basic_size;
	return memory_read_integer(python_reader_memory(reader),
				   values + reader->layout->dict_values.valid, 1,
				   &valid) == MEMORY_OK &&
	       valid && read_values(reader, type, values, ret);
}

/*
 * What is in front of the object: in 3.11 a pointer to values and one to a dict, in 3.12 one that
 * is either (pycore_object.h of each), later one to a dict.
 */
static bool read_managed(const struct python_reader *reader, const struct instance_type *type,
			 uint64_t object, struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct memory *memory = python_reader_memory(reader);
	uint64_t word;
	if (layout->instance.managed_values_before) {
		if (memory_read_u64(memory, object - layout->instance.managed_values_before,
				    &word) != MEMORY_OK)
			return false;
		if (word)
			return read_values(reader, type, word, ret);
	}
	if (memory_read_u64(memory, object - layout->instance.managed_dict_before, &word) !=
	    MEMORY_OK)
		return false;
	if (word & layout->instance.managed_values_tag)
		return read_values(reader, type, word + layout->instance.managed_values_tag, ret);
	return raw_dict_read(reader, word, ret);
}

bool instance_attributes(const struct python_reader *reader, uint64_t object, uint64_t *ret_type,
			 struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct memory *memory = python_reader_memory(reader);
	struct instance_type type;
	uint64_t address;
	if (layout->type.dict_offset == LAYOUT_ABSENT ||
	    struct_read_pointer(memory, object, layout->object.type, &address) != MEMORY_OK ||
	    !read_type(reader, address, &type))
		return false;
	*ret_type = address;
	if (read_inline_values(reader, &type, object, ret))
		return true;
	if (type.flags & layout->instance.managed_dict_flag)
		return read_managed(reader, &type, object, ret);
	/* Counted from the end in objects of variable size; threads are none. */
	if (!type.dict_offset || type.dict_offset > INSTANCE_MAX_BYTES)
		return false;
	return struct_read_pointer(memory, object, (layout_offset)type.dict_offset, &address) ==
		       MEMORY_OK &&
	       raw_dict_read(reader, address, ret);
}

bool python_integer_read(const struct python_reader *reader, uint64_t address, uint64_t *ret)
{
	const struct python_layout *layout = reader->layout;
	struct memory *memory = python_reader_memory(reader);
	uint64_t value = 0;
	uint64_t length;
	if (layout->integer.plain != LAYOUT_ABSENT)
		return struct_read_pointer(memory, address, layout->integer.plain, ret) ==
		       MEMORY_OK;
	if (struct_read_pointer(memory, address, layout->integer.length, &length) != MEMORY_OK)
		return false;
	uint32_t bits = layout->integer.digit_bits;
	uint64_t sign = length & ((1ULL << layout->integer.length_shift) - 1);
	length >>= layout->integer.length_shift;
	/* PyLong_SHIFT is 15 or 30 (longintrepr.h). */
	if (sign || !length || length > INTEGER_MAX_DIGITS || bits > 30)
		return false;
	for (uint64_t i = 0; i < length; i++) {
		uint32_t digit;
		uint64_t shift = i * bits;
		if (memory_read_u32(memory, address + layout->integer.digits + i * sizeof(digit),
				    &digit) != MEMORY_OK)
			return false;
		if (digit >> bits || shift >= 64 || (uint64_t)digit << shift >> shift != digit)
			return false;
		value |= (uint64_t)digit << shift;
	}
	*ret = value;
	return true;
}
