#include "common/python_instance.h"

#include "common/struct_view.h"

enum {
	/* Objects whose dict is further away than this are not believed. */
	INSTANCE_MAX_BYTES = 1 << 16,
	ITEM_SIZE = sizeof(uint64_t), /* from tp_basicsize to tp_itemsize */
	INTEGER_MAX_DIGITS = 5 /* of 15 bits make 64 */,
};

/* What a type says of its instances. */
struct instance_type {
	uint64_t address;
	uint64_t flags;
	uint64_t basic_size;
	uint64_t item_size; /* tp_itemsize, behind tp_basicsize */
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
	if (layout->type.basic_size != LAYOUT_ABSENT)
		struct_span_add(&span, layout->type.basic_size + ITEM_SIZE, sizeof(uint64_t));
	struct_span_add(&span, layout->type.dict_offset, sizeof(uint64_t));
	if (struct_view_read(python_reader_memory(reader), address, span, &view) != MEMORY_OK)
		return false;
	*ret = (struct instance_type){
		.address = address,
		.flags = struct_view_pointer(&view, layout->type.flags),
		.basic_size = struct_view_pointer(&view, layout->type.basic_size),
		.item_size = struct_view_pointer(&view, layout->type.basic_size + ITEM_SIZE),
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

/*
 * In objects of variable size (subclasses of int, tuple, bytes) the dict's offset counts from the
 * end: _PyObject_ComputedDictPointer(), Objects/object.c. Makes it one from the start.
 */
static bool locate_in_variable(const struct python_reader *reader, uint64_t object,
			       struct instance_type *type)
{
	const struct python_layout *layout = reader->layout;
	bool is_integer = type->flags >> 24 & 1; /* Py_TPFLAGS_LONG_SUBCLASS */
	uint64_t length;
	if ((int64_t)type->dict_offset >= 0)
		return true;
	if (struct_read_pointer(python_reader_memory(reader), object,
				is_integer ? layout->integer.length : layout->tuple.length,
				&length) != MEMORY_OK)
		return false;
	if (is_integer && layout->integer.length_shift)
		length >>= layout->integer.length_shift;
	else if ((int64_t)length < 0)
		length = -length;
	if (length > INSTANCE_MAX_BYTES || type->item_size > INSTANCE_MAX_BYTES ||
	    type->basic_size > INSTANCE_MAX_BYTES)
		return false;
	type->dict_offset += (type->basic_size + length * type->item_size + 7) & ~7ULL;
	return true;
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
	if (!locate_in_variable(reader, object, &type) || !type.dict_offset ||
	    type.dict_offset > INSTANCE_MAX_BYTES)
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
