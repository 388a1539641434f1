/* Instances of classes: their attributes, and those that repr() writes in a way of their own:
 * exceptions, enums, data classes, named tuples. */
#include <string.h>

#include "common/cleanup.h"
#include "common/object_walk.h"
#include "common/python_instance.h"

enum {
	MAX_BASES = 32,
	MAX_FIELDS = 256,
};

/* The slots of the classes that it is made from, as pairs of a name and a value. */
static struct error *read_slots(struct object_walk *walk, uint32_t node)
{
	const struct object_type *type = object_node_at(walk, node)->type;
	uint64_t address = object_node_at(walk, node)->address;
	for (int i = 0; type && type->is_heap && i < MAX_BASES; i++, type = type->base) {
		const struct object_slots *slots;
		struct error *error = object_type_slots(walk->objects, type, &slots);
		for (size_t j = 0; !error && j < slots->count; j++) {
			uint64_t value;
			if (memory_read_u64(walk->memory, address + slots->items[j].offset,
					    &value) != MEMORY_OK)
				object_node_at(walk, node)->missing = true;
			else if (!value)
				continue;
			else if (!object_walk_has_room(walk, 2))
				object_node_at(walk, node)->cut = true;
			else
				error = object_walk_name(walk, node, slots->items[j].name);
			if (error || object_node_at(walk, node)->cut ||
			    object_node_at(walk, node)->missing)
				return error;
			error = object_walk_value(walk, node, value);
		}
		if (error)
			return error;
	}
	return NULL;
}

/*
 * Attributes are pairs of a name and a value. An instance in an instance is told by its head only,
 * as repr() does of all: else one of them would lead through the whole program.
 */
struct error *object_read_instance(struct object_walk *walk, uint32_t node)
{
	struct raw_dict attributes;
	uint64_t type;
	struct error *error;
	if (walk->in_instance || !object_node_at(walk, node)->type->is_heap)
		return NULL;
	walk->in_instance = true;
	error = read_slots(walk, node);
	if (!error && !object_node_at(walk, node)->cut &&
	    instance_attributes(&walk->objects->reader, object_node_at(walk, node)->address, &type,
				&attributes))
		error = object_walk_pairs(walk, node, &attributes);
	walk->in_instance = false;
	return error;
}

/* PyBaseExceptionObject: a tuple of arguments. */
struct error *object_read_exception(struct object_walk *walk, uint32_t node)
{
	uint64_t arguments;
	uint64_t length;
	if (!object_walk_pointer(walk, node, walk->layout->object_parts.exception_arguments,
				 &arguments))
		return NULL;
	if (!arguments ||
	    struct_read_pointer(walk->memory, arguments, walk->layout->tuple.length, &length) !=
		    MEMORY_OK ||
	    length > UINT32_MAX) {
		object_node_at(walk, node)->missing = true;
		return NULL;
	}
	return object_walk_items(walk, node, arguments + walk->layout->tuple.items, length);
}

struct error *object_read_enum(struct object_walk *walk, uint32_t node)
{
	uint64_t address = object_node_at(walk, node)->address;
	uint64_t name;
	uint64_t value;
	if (!object_attribute(walk, address, "_name_", &name) ||
	    !object_attribute(walk, address, "_value_", &value)) {
		object_node_at(walk, node)->missing = true;
		return NULL;
	}
	struct error *error = object_walk_value(walk, node, name);
	return error ? error : object_walk_value(walk, node, value);
}

/* The name of a field and its value. */
static struct error *add_field(struct object_walk *walk, uint32_t node, uint64_t name,
			       uint64_t value)
{
	CLEANUP_FREE char *text = NULL;
	if (!object_walk_has_room(walk, 2)) {
		object_node_at(walk, node)->cut = true;
		return NULL;
	}
	struct error *error = object_name_read(&walk->objects->reader, name, &text);
	if (!error)
		error = object_walk_name(walk, node, text);
	return error ? error : object_walk_value(walk, node, value);
}

struct error *object_read_namedtuple(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	uint64_t fields = object_node_at(walk, node)->type->fields;
	uint64_t address = object_node_at(walk, node)->address;
	uint64_t length;
	uint64_t name_count = 0;
	if (!object_walk_pointer(walk, node, layout->tuple.length, &length))
		return NULL;
	if (length > UINT32_MAX) {
		object_walk_wild(walk, node);
		return NULL;
	}
	uint64_t wanted = object_walk_limit(walk, node, length, walk->bounds->max_items);
	if (struct_read_pointer(walk->memory, fields, layout->tuple.length, &name_count) !=
		    MEMORY_OK ||
	    name_count < wanted)
		object_node_at(walk, node)->missing = true;
	for (uint64_t i = 0; i < wanted && i < name_count; i++) {
		uint64_t offset = layout->tuple.items + i * OBJECT_WORD;
		uint64_t name;
		uint64_t value;
		if (memory_read_u64(walk->memory, fields + offset, &name) != MEMORY_OK ||
		    memory_read_u64(walk->memory, address + offset, &value) != MEMORY_OK) {
			object_node_at(walk, node)->missing = true;
			return NULL;
		}
		struct error *error = add_field(walk, node, name, value);
		if (error || object_node_at(walk, node)->cut)
			return error;
	}
	return NULL;
}

/* Where an instance has a slot of that name; 0: it has none. */
static struct error *find_slot(struct object_walk *walk, const struct object_type *type,
			       const char *name, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; type && type->is_heap && i < MAX_BASES; i++, type = type->base) {
		const struct object_slots *slots;
		struct error *error = object_type_slots(walk->objects, type, &slots);
		if (error)
			return error;
		for (size_t j = 0; j < slots->count; j++) {
			if (strcmp(slots->items[j].name, name) != 0)
				continue;
			*ret = slots->items[j].offset;
			return NULL;
		}
	}
	return NULL;
}

/* Whether a field (dataclasses.Field) is one that repr() shows. */
static struct error *field_is_shown(struct object_walk *walk, uint64_t field, bool *ret)
{
	const struct object_type *type;
	uint64_t address;
	uint64_t shown;
	uint64_t length;
	uint32_t offset;
	*ret = false;
	if (struct_read_pointer(walk->memory, field, walk->layout->object.type, &address) !=
	    MEMORY_OK)
		return NULL;
	struct error *error = object_type_get(walk->objects, address, &type);
	if (error || !type->valid)
		return error;
	error = find_slot(walk, type, "repr", &offset);
	if (error || !offset)
		return error;
	/* False is the int without digits. */
	*ret = memory_read_u64(walk->memory, field + offset, &shown) == MEMORY_OK &&
	       python_integer_read(&walk->objects->reader, shown, &length) && length == 1;
	return NULL;
}

/* The attributes of an instance, by their keys: fields' names are the same objects. */
struct attribute_list {
	size_t count;
	struct {
		uint64_t key;
		uint64_t value;
	} items[MAX_FIELDS];
};

static void read_attributes(struct object_walk *walk, uint32_t node, struct attribute_list *ret)
{
	struct raw_dict_entry entries[DICT_BATCH];
	struct python_reader reader = walk->objects->reader;
	struct raw_dict attributes;
	uint64_t type;
	size_t count;
	ret->count = 0;
	reader.memory = walk->memory;
	if (!instance_attributes(&reader, object_node_at(walk, node)->address, &type, &attributes))
		return;
	for (size_t first = 0; (count = raw_dict_entries(&reader, &attributes, first, entries));
	     first += count) {
		for (size_t i = 0; i < count; i++) {
			if (ret->count == MAX_FIELDS)
				return;
			ret->items[ret->count].key = entries[i].key;
			ret->items[ret->count++].value = entries[i].value;
		}
	}
}

/* The value of a field: among the attributes, or in a slot; 0: it has none (a ClassVar). */
static struct error *field_value(struct object_walk *walk, uint32_t node,
				 const struct attribute_list *attributes, uint64_t name,
				 uint64_t *ret)
{
	CLEANUP_FREE char *text = NULL;
	uint32_t offset;
	*ret = 0;
	for (size_t i = 0; i < attributes->count && !*ret; i++)
		if (attributes->items[i].key == name)
			*ret = attributes->items[i].value;
	if (*ret)
		return NULL;
	struct error *error = object_name_read(&walk->objects->reader, name, &text);
	if (!error)
		error = find_slot(walk, object_node_at(walk, node)->type, text, &offset);
	if (!error && offset &&
	    memory_read_u64(walk->memory, object_node_at(walk, node)->address + offset, ret) !=
		    MEMORY_OK)
		*ret = 0;
	return error;
}

/* One of __dataclass_fields__: a name and a dataclasses.Field. */
static struct error *read_field(struct object_walk *walk, uint32_t node,
				const struct attribute_list *attributes,
				const struct raw_dict_entry *entry)
{
	uint64_t value;
	bool shown;
	struct error *error = field_is_shown(walk, entry->value, &shown);
	if (error || !shown)
		return error;
	error = field_value(walk, node, attributes, entry->key, &value);
	return error || !value ? error : add_field(walk, node, entry->key, value);
}

struct error *object_read_dataclass(struct object_walk *walk, uint32_t node)
{
	struct raw_dict_entry entries[DICT_BATCH];
	struct python_reader reader = walk->objects->reader;
	struct attribute_list attributes;
	struct raw_dict fields;
	size_t count;
	reader.memory = walk->memory;
	read_attributes(walk, node, &attributes);
	if (!raw_dict_read(&reader, object_node_at(walk, node)->type->fields, &fields)) {
		object_node_at(walk, node)->missing = true;
		return NULL;
	}
	for (size_t first = 0;
	     first < MAX_FIELDS && (count = raw_dict_entries(&reader, &fields, first, entries));
	     first += count) {
		for (size_t i = 0; i < count; i++) {
			struct error *error = NULL;
			if (entries[i].key && entries[i].value)
				error = read_field(walk, node, &attributes, &entries[i]);
			if (error || object_node_at(walk, node)->cut)
				return error;
		}
	}
	return NULL;
}
