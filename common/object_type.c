/* Types: what they say of their instances. Each is read once by a reader of objects. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/object_walk.h"
#include "common/terminal_text.h"

enum {
	TYPE_NAME_BYTES = 256,
	TYPE_NAME_CHUNK = 64,
	TYPES_MAX = 1 << 14,
	/* Bases of bases, metatypes of metatypes. */
	TYPES_MAX_CHAIN = 64,
	/* Members of a class, and where they are in an instance. */
	TYPE_MAX_SLOTS = 256,
	TYPE_MAX_BYTES = 1 << 16,
	/* Entries of a type's dict that are gone through for one name. */
	TYPE_DICT_BUDGET = 1 << 10,
	/* Include/object.h of all versions. */
	FLAG_HEAP = 1 << 9,
	FLAG_READY = 1 << 12,
};
#define FLAG_TYPE_SUBCLASS (1ULL << 31)

struct error *object_reader_create(const struct python_reader *reader, struct object_reader **ret)
{
	struct object_reader *objects = calloc(1, sizeof(*objects));
	if (!objects)
		return &error_out_of_memory;
	objects->reader = *reader;
	*ret = objects;
	return NULL;
}

void object_reader_destroy(struct object_reader *objects)
{
	if (!objects)
		return;
	for (size_t i = 0; i < objects->types.capacity; i++) {
		struct object_type *type = objects->types.entries[i].value;
		if (!type)
			continue;
		free(type->module);
		free(type->name);
		for (size_t j = 0; j < type->slots.count; j++)
			free(type->slots.items[j].name);
		free(type->slots.items);
		free(type);
	}
	address_map_deinit(&objects->types);
	free(objects);
}

void object_reader_destroyp(struct object_reader **objects)
{
	object_reader_destroy(*objects);
}

static bool is_text(const char *text)
{
	size_t left = strlen(text);
	while (left) {
		unsigned character;
		size_t size = utf8_decode(text, left, &character);
		if (!size || character < ' ' || character == 0x7f)
			return false;
		text += size;
		left -= size;
	}
	return true;
}

/* A C string, in pieces that never go over a page's end. */
static enum memory_status read_c_string(struct memory *memory, uint64_t address,
					char text[TYPE_NAME_BYTES])
{
	size_t length = 0;
	while (length < TYPE_NAME_BYTES - 1) {
		size_t size = TYPE_NAME_CHUNK - (address + length) % TYPE_NAME_CHUNK;
		if (size > TYPE_NAME_BYTES - 1 - length)
			size = TYPE_NAME_BYTES - 1 - length;
		enum memory_status status =
			memory_read(memory, address + length, text + length, size);
		if (status != MEMORY_OK)
			return status;
		length += size;
		text[length] = 0;
		if (strlen(text) < length)
			break;
	}
	return MEMORY_OK;
}

enum memory_status object_c_string_read(struct memory *memory, uint64_t address, char **ret)
{
	char text[TYPE_NAME_BYTES] = "";
	enum memory_status status = read_c_string(memory, address, text);
	if (status == MEMORY_OK)
		*ret = is_text(text) ? strdup(text) : NULL;
	return status;
}

/* An attribute of the type itself, by its dict. */
static bool find_in_type(const struct object_reader *objects, const struct object_type *type,
			 const char *name, uint64_t *ret)
{
	uint64_t budget = TYPE_DICT_BUDGET;
	struct python_reader reader = objects->reader;
	struct raw_dict dict;
	reader.budget = &budget;
	return raw_dict_read(&reader, type->dictionary, &dict) &&
	       raw_dict_find(&reader, &dict, name, ret);
}

/* "module.name" of a type made in C, split where Python does (type_name(), type_module() in
 * Objects/typeobject.c). */
static struct error *split_name(const char *name, struct object_type *type)
{
	const char *dot = strrchr(name, '.');
	type->name = strdup(dot ? dot + 1 : name);
	if (dot)
		type->module = strndup(name, (size_t)(dot - name));
	return !type->name || (dot && !type->module) ? &error_out_of_memory : NULL;
}

/* The name of a class: ht_qualname, and the __module__ in its dict. */
static struct error *read_heap_name(struct object_reader *objects, const char *name,
				    struct object_type *type)
{
	uint64_t qualname;
	uint64_t module;
	struct error *error = split_name(name, type);
	if (error)
		return error;
	if (struct_read_pointer(python_reader_memory(&objects->reader), type->address,
				objects->reader.layout->type.qualname, &qualname) == MEMORY_OK) {
		CLEANUP_FREE char *text = NULL;
		error = object_name_read(&objects->reader, qualname, &text);
		if (error)
			return error;
		if (*text) {
			free(type->name);
			type->name = TAKE_POINTER(text);
		}
	}
	if (!find_in_type(objects, type, "__module__", &module))
		return NULL;
	CLEANUP_FREE char *text = NULL;
	error = object_name_read(&objects->reader, module, &text);
	if (error)
		return error;
	free(type->module);
	type->module = *text && strcmp(text, "builtins") != 0 ? TAKE_POINTER(text) : NULL;
	return NULL;
}

/* int of 2.x, whose flag means something else since (Py_TPFLAGS_INT_SUBCLASS). */
static bool is_old_int(const struct object_reader *objects, const struct object_type *type)
{
	return objects->reader.layout->major == 2 && type->flags >> 23 & 1;
}

/* The kind of a class' instances: what its C base or metaclass makes of them, or what module
 * dataclasses and collections leave in the dict. */
static enum object_kind kind_of_class(struct object_reader *objects, const char *name,
				      struct object_type *type)
{
	const struct object_type *base = type->base;
	const struct object_type *metatype = type->metatype;
	enum object_kind kind = strchr(name, '.') ? object_kind_of_name(name) : OBJECT_INSTANCE;
	if (kind != OBJECT_INSTANCE)
		return kind;
	if (metatype && metatype->module && strcmp(metatype->module, "enum") == 0)
		return OBJECT_ENUM;
	kind = base && base->valid ? base->kind : object_kind_of_flags(type->flags);
	if (base)
		type->fields = base->fields;
	if ((kind == OBJECT_INSTANCE || kind == OBJECT_DATACLASS) &&
	    find_in_type(objects, type, "__dataclass_fields__", &type->fields))
		return OBJECT_DATACLASS;
	if (kind == OBJECT_TUPLE && find_in_type(objects, type, "_fields", &type->fields))
		return OBJECT_NAMEDTUPLE;
	if (kind == OBJECT_DICT && type->module && strcmp(type->module, "collections") == 0 &&
	    strcmp(type->name, "Counter") == 0)
		return OBJECT_COUNTER;
	return kind;
}

/* Whether repr() of instances is other than that of the type in C that they are made from. */
static bool has_own_repr(const struct object_type *type)
{
	const struct object_type *base = type;
	for (int i = 0; base && base->is_heap && i < TYPES_MAX_CHAIN; i++)
		base = base->base;
	return base && type->repr != base->repr;
}

static struct struct_span type_span(const struct python_layout *layout)
{
	struct struct_span span = {0};
	struct_span_add(&span, layout->object.type, OBJECT_WORD);
	struct_span_add(&span, layout->type.name, OBJECT_WORD);
	struct_span_add(&span, layout->type.flags, OBJECT_WORD);
	struct_span_add(&span, layout->type.basic_size, OBJECT_WORD);
	struct_span_add(&span, layout->type.dict, OBJECT_WORD);
	struct_span_add(&span, layout->type.base, OBJECT_WORD);
	struct_span_add(&span, layout->type.repr, OBJECT_WORD);
	return span;
}

/* The type that it is an instance of, and the one that it is made from. */
static struct error *read_relatives(struct object_reader *objects, const struct struct_view *view,
				    struct object_type *type)
{
	const struct python_layout *layout = objects->reader.layout;
	uint64_t base = struct_view_pointer(view, layout->type.base);
	struct error *error = object_type_get(
		objects, struct_view_pointer(view, layout->object.type), &type->metatype);
	if (error || !base)
		return error;
	return object_type_get(objects, base, &type->base);
}

/* What the type is called and what its instances are, once its relatives are known. */
static struct error *describe(struct object_reader *objects, const char *name,
			      struct object_type *type)
{
	struct error *error =
		type->is_heap ? read_heap_name(objects, name, type) : split_name(name, type);
	if (error)
		return error;
	if (type->is_heap)
		type->kind = kind_of_class(objects, name, type);
	else
		type->kind = object_kind_of_name(name);
	if (type->kind == OBJECT_INSTANCE)
		type->kind = object_kind_of_flags(type->flags);
	if (type->kind == OBJECT_INSTANCE && !type->is_heap && type->base && type->base->valid)
		type->kind = type->base->kind;
	if (type->kind == OBJECT_INSTANCE && is_old_int(objects, type))
		type->kind = OBJECT_INT;
	/* Its blocks were others. */
	if (type->kind == OBJECT_DEQUE && objects->reader.layout->major == 2)
		type->kind = OBJECT_INSTANCE;
	type->has_own_repr = has_own_repr(type);
	return NULL;
}

static struct error *read_type(struct object_reader *objects, struct object_type *type)
{
	const struct python_layout *layout = objects->reader.layout;
	struct memory *memory = python_reader_memory(&objects->reader);
	char name[TYPE_NAME_BYTES] = "";
	struct struct_view view;
	type->kind = OBJECT_INSTANCE;
	type->status = struct_view_read(memory, type->address, type_span(layout), &view);
	if (type->status != MEMORY_OK)
		return NULL;
	type->flags = struct_view_pointer(&view, layout->type.flags);
	type->is_heap = type->flags & FLAG_HEAP;
	type->basic_size = struct_view_pointer(&view, layout->type.basic_size);
	type->dictionary = struct_view_pointer(&view, layout->type.dict);
	type->repr = struct_view_pointer(&view, layout->type.repr);
	/* Some of the interpreter's own types are never made ready: tuple_iterator up to 3.6. */
	if ((type->is_heap && !(type->flags & FLAG_READY)) || type->address % OBJECT_WORD ||
	    objects->chain >= TYPES_MAX_CHAIN)
		return NULL;
	objects->chain++;
	struct error *error = read_relatives(objects, &view, type);
	objects->chain--;
	if (error || !(type->metatype->flags & FLAG_TYPE_SUBCLASS))
		return error;
	type->status = read_c_string(memory, struct_view_pointer(&view, layout->type.name), name);
	if (type->status != MEMORY_OK || !*name || !is_text(name))
		return NULL;
	error = describe(objects, name, type);
	type->valid = !error;
	return error;
}

struct error *object_type_get(struct object_reader *objects, uint64_t address,
			      const struct object_type **ret)
{
	static const struct object_type none = {.status = MEMORY_OK};
	struct object_type *type = address_map_get(&objects->types, address);
	if (type || !address || objects->types.count >= TYPES_MAX) {
		*ret = type ? type : &none;
		return NULL;
	}
	type = calloc(1, sizeof(*type));
	if (!type)
		return &error_out_of_memory;
	type->address = address;
	/* It is there before its relatives are read: it may be its own. */
	struct error *error = address_map_put(&objects->types, address, type);
	if (error) {
		free(type);
		return error;
	}
	*ret = type;
	return read_type(objects, type);
}

/*
 * The members of a class are behind its type object (PyHeapType_GET_MEMBERS(),
 * Objects/typeobject.c), as many as its ob_size says: PyMemberDef {name, type, offset, flags, doc}.
 */
static struct error *read_slots(struct object_reader *objects, struct object_type *type)
{
	enum { MEMBER_BYTES = 40, MEMBER_TYPE = 8, MEMBER_OFFSET = 16, TYPE_OBJECT_EX = 16 };
	struct memory *memory = python_reader_memory(&objects->reader);
	uint8_t member[MEMBER_BYTES];
	uint64_t count;
	uint64_t name;
	uint64_t offset;
	uint64_t kind;
	if (!type->is_heap || !type->metatype ||
	    struct_read_pointer(memory, type->address, objects->reader.layout->object.size,
				&count) != MEMORY_OK ||
	    count > TYPE_MAX_SLOTS || type->metatype->basic_size > TYPE_MAX_BYTES)
		return NULL;
	type->slots.items = calloc(count + 1, sizeof(*type->slots.items));
	if (!type->slots.items)
		return &error_out_of_memory;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t address = type->address + type->metatype->basic_size + i * MEMBER_BYTES;
		char *text;
		if (memory_read(memory, address, member, sizeof(member)) != MEMORY_OK)
			return NULL;
		bytes_field(member, sizeof(member), 0, OBJECT_WORD, &name);
		bytes_field(member, sizeof(member), MEMBER_TYPE, sizeof(uint32_t), &kind);
		bytes_field(member, sizeof(member), MEMBER_OFFSET, OBJECT_WORD, &offset);
		if (kind != TYPE_OBJECT_EX || offset > TYPE_MAX_BYTES ||
		    object_c_string_read(memory, name, &text) != MEMORY_OK || !text)
			continue;
		type->slots.items[type->slots.count++] =
			(struct object_slot){.name = text, .offset = (uint32_t)offset};
	}
	return NULL;
}

struct error *object_type_slots(struct object_reader *objects, const struct object_type *type,
				const struct object_slots **ret)
{
	/* Types are the reader's own; only who has a reader can come here. */
	struct object_type *own = address_map_get(&objects->types, type->address);
	struct error *error = NULL;
	*ret = &type->slots;
	if (own && !own->slots_are_read) {
		own->slots_are_read = true;
		error = read_slots(objects, own);
		*ret = &own->slots;
	}
	return error;
}
