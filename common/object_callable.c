/* What can be called, and what runs: types, functions, methods, code, generators, modules, cells.
 */
#include <string.h>

#include "common/cleanup.h"
#include "common/object_walk.h"
#include "common/python_instance.h"

struct error *object_read_type(struct object_walk *walk, uint32_t node)
{
	const struct object_type *named;
	struct error *error =
		object_type_get(walk->objects, object_node_at(walk, node)->address, &named);
	if (error)
		return error;
	if (named->status != MEMORY_OK)
		object_walk_fail(walk, node, named->status);
	else if (!named->valid)
		object_walk_wild(walk, node);
	else
		object_node_at(walk, node)->named = named;
	return NULL;
}

/* The name behind a pointer of the object. */
static struct error *read_name(struct object_walk *walk, uint32_t node, layout_offset offset)
{
	uint64_t name;
	if (!object_walk_pointer(walk, node, offset, &name))
		return NULL;
	return object_walk_keep_name(walk, node, name);
}

struct error *object_read_function_object(struct object_walk *walk, uint32_t node)
{
	return read_name(walk, node, walk->layout->object_parts.function_name);
}

/* Before 3.5 a generator has no name, but its code: HEAD, gi_frame, gi_running, gi_code. */
struct error *object_read_generator(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	uint64_t code;
	uint64_t name;
	if (layout->object_parts.generator_name == LAYOUT_ABSENT) {
		if (!object_walk_pointer(walk, node, layout->object.size + 2 * OBJECT_WORD, &code))
			return NULL;
		if (struct_read_pointer(walk->memory, code, layout->code.name, &name) != MEMORY_OK)
			name = 0;
		return object_walk_keep_name(walk, node, name);
	}
	return read_name(walk, node, walk->layout->object_parts.generator_name);
}

struct error *object_read_method(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	struct struct_span span = {0};
	struct struct_view view;
	uint64_t name = 0;
	struct_span_add(&span, layout->object_parts.method_function, OBJECT_WORD);
	struct_span_add(&span, layout->object_parts.method_self, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	uint64_t function = struct_view_pointer(&view, layout->object_parts.method_function);
	uint64_t self = struct_view_pointer(&view, layout->object_parts.method_self);
	uint64_t type_address;
	const struct object_type *type;
	/* It may be any other callable, whose name is not known. */
	if (struct_read_pointer(walk->memory, function, layout->object.type, &type_address) ==
	    MEMORY_OK) {
		struct error *error = object_type_get(walk->objects, type_address, &type);
		if (error)
			return error;
		if (type->valid && type->kind == OBJECT_FUNCTION &&
		    struct_read_pointer(walk->memory, function, layout->object_parts.function_name,
					&name) != MEMORY_OK)
			name = 0;
	}
	if (name) {
		struct error *error = object_walk_keep_name(walk, node, name);
		if (error)
			return error;
	}
	return object_walk_value(walk, node, self);
}

struct error *object_read_builtin(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	CLEANUP_FREE char *name = NULL;
	struct struct_span span = {0};
	struct struct_view view;
	uint64_t text;
	struct_span_add(&span, layout->object_parts.builtin_definition, OBJECT_WORD);
	struct_span_add(&span, layout->object_parts.builtin_self, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	/* PyMethodDef begins with ml_name. */
	enum memory_status status = memory_read_u64(
		walk->memory, struct_view_pointer(&view, layout->object_parts.builtin_definition),
		&text);
	if (status == MEMORY_OK)
		status = object_c_string_read(walk->memory, text, &name);
	if (status != MEMORY_OK || !name) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	struct error *error = object_walk_keep(walk, node, name, strlen(name));
	uint64_t self = struct_view_pointer(&view, layout->object_parts.builtin_self);
	if (error || !self || !object_walk_has_room(walk, 1))
		return error;
	return object_walk_mention(walk, node, self);
}

struct error *object_read_code(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->code.name, OBJECT_WORD);
	struct_span_add(&span, layout->code.filename, OBJECT_WORD);
	struct_span_add(&span, layout->code.first_line, sizeof(int32_t));
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	object_node_at(walk, node)->integer = struct_view_i32(&view, layout->code.first_line);
	struct error *error =
		object_walk_value(walk, node, struct_view_pointer(&view, layout->code.name));
	if (error)
		return error;
	return object_walk_value(walk, node, struct_view_pointer(&view, layout->code.filename));
}

struct error *object_read_cell(struct object_walk *walk, uint32_t node)
{
	uint64_t contents;
	if (!object_walk_pointer(walk, node, walk->layout->object_parts.cell, &contents) ||
	    !contents)
		return NULL;
	return object_walk_value(walk, node, contents);
}

/* 2.x: __name__, and __file__ if there is one. */
static struct error *read_old_module(struct object_walk *walk, uint32_t node)
{
	uint64_t budget = 1 << 10;
	struct python_reader reader = walk->objects->reader;
	struct raw_dict dict;
	uint64_t address;
	uint64_t text;
	reader.budget = &budget;
	object_node_at(walk, node)->integer = true;
	if (!object_walk_pointer(walk, node, walk->layout->module.dict, &address) ||
	    !raw_dict_read(&reader, address, &dict) ||
	    !raw_dict_find(&reader, &dict, "__name__", &text)) {
		object_node_at(walk, node)->missing = true;
		return NULL;
	}
	struct error *error = object_walk_value(walk, node, text);
	if (error || !raw_dict_find(&reader, &dict, "__file__", &text))
		return error;
	return object_walk_value(walk, node, text);
}

/* An attribute by name: of the instance's own dict. */
bool object_attribute(struct object_walk *walk, uint64_t address, const char *name, uint64_t *ret)
{
	uint64_t budget = 1 << 10;
	struct python_reader reader = walk->objects->reader;
	struct raw_dict attributes;
	uint64_t type;
	reader.budget = &budget;
	return instance_attributes(&reader, address, &type, &attributes) &&
	       raw_dict_find(&reader, &attributes, name, ret);
}

/* Whether the object is True. */
static bool is_true(struct object_walk *walk, uint64_t address)
{
	uint64_t value;
	return python_integer_read(&walk->objects->reader, address, &value) && value == 1;
}

/* __spec__ tells where a module is from (_module_repr_from_spec(), Lib/importlib/_bootstrap.py). */
static struct error *read_spec(struct object_walk *walk, uint32_t node, uint64_t dictionary)
{
	uint64_t budget = 1 << 10;
	struct python_reader reader = walk->objects->reader;
	struct raw_dict dict;
	uint64_t spec;
	uint64_t origin;
	uint64_t has_location;
	reader.budget = &budget;
	if (!raw_dict_read(&reader, dictionary, &dict))
		return NULL;
	if (raw_dict_find(&reader, &dict, "__spec__", &spec) &&
	    object_attribute(walk, spec, "origin", &origin)) {
		object_node_at(walk, node)->integer =
			object_attribute(walk, spec, "_set_fileattr", &has_location) &&
			is_true(walk, has_location);
		return object_walk_value(walk, node, origin);
	}
	/* A program's own module, __main__, has none. */
	if (!raw_dict_find(&reader, &dict, "__file__", &origin))
		return NULL;
	object_node_at(walk, node)->integer = true;
	return object_walk_value(walk, node, origin);
}

struct error *object_read_module(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	struct struct_span span = {0};
	struct struct_view view;
	if (layout->module.name == LAYOUT_ABSENT)
		return read_old_module(walk, node);
	struct_span_add(&span, layout->module.dict, OBJECT_WORD);
	struct_span_add(&span, layout->module.name, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	object_node_at(walk, node)->integer = 0;
	struct error *error =
		object_walk_value(walk, node, struct_view_pointer(&view, layout->module.name));
	if (error)
		return error;
	return read_spec(walk, node, struct_view_pointer(&view, layout->module.dict));
}
