#include "common/frame_locals.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/python_dict.h"
#include "common/struct_view.h"

enum {
	NAMESPACE_MAX_ENTRIES = 4 * CODE_VARIABLES_MAX, /* looked at in a class body's dict */
	CO_OPTIMIZED = 0x1,				/* of functions: Include/cpython/code.h */
};
/* Include/object.h: the type is dict or derived from it. */
#define TPFLAGS_DICT_SUBCLASS (1ULL << 29)

struct frame_locals {
	struct memory *memory;
	const struct python_layout *layout;
	struct code_variables_cache *codes;
	/* Of the frame that was read last. */
	struct frame_local items[CODE_VARIABLES_MAX];
	struct raw_string keys[CODE_VARIABLES_MAX]; /* owned: names in a class body's dict */
	size_t count;
	size_t key_count;
	uint64_t slots[CODE_VARIABLES_MAX_SLOTS];
};

struct error *frame_locals_create(struct memory *memory, const struct python_layout *layout,
				  struct frame_locals **ret)
{
	struct frame_locals *locals = calloc(1, sizeof(*locals));
	if (!locals)
		return &error_out_of_memory;
	locals->memory = memory;
	locals->layout = layout;
	struct error *error = code_variables_cache_create(memory, layout, &locals->codes);
	if (error) {
		free(locals);
		return error;
	}
	*ret = locals;
	return NULL;
}

static void forget_keys(struct frame_locals *locals)
{
	for (size_t i = 0; i < locals->key_count; i++)
		raw_string_deinit(&locals->keys[i]);
	locals->key_count = 0;
}

void frame_locals_destroy(struct frame_locals *locals)
{
	if (!locals)
		return;
	forget_keys(locals);
	code_variables_cache_destroy(locals->codes);
	free(locals);
}

static void append(struct frame_locals *locals, const struct frame_local *local,
		   struct frame_local_list *list)
{
	if (locals->count == CODE_VARIABLES_MAX)
		list->cut = true;
	else
		locals->items[locals->count++] = *local;
}

/*
 * From what a slot holds to the value. Slots of 3.14 and later are tagged references, and no local
 * is a tagged int, which both bits tell (pycore_stackref.h); 0 is an unbound variable.
 */
static void append_slot(struct frame_locals *locals, const struct walk_frame *frame,
			const struct code_variable *variable, uint64_t slot,
			struct frame_local_list *list)
{
	const struct python_layout *layout = locals->layout;
	struct frame_local local = {
		.name = &variable->name,
		.kind = variable->kind,
		.is_argument = variable->is_argument,
		.address = slot & ~(uint64_t)layout->frame.reference_tag_mask,
	};
	if (!local.address)
		return;
	bool is_in_cell =
		variable->kind == VARIABLE_FREE ||
		(variable->kind == VARIABLE_CELL && frame->instruction_offset > variable->made_at);
	if (is_in_cell) {
		uint64_t contents = 0;
		local.status = struct_read_pointer(locals->memory, local.address,
						   layout->cell.contents, &contents);
		local.address = contents;
		if (local.status == MEMORY_OK && !contents)
			return;
	}
	append(locals, &local, list);
}

/* The variables that have slots in the frame. */
static struct error *read_slots(struct frame_locals *locals, const struct walk_frame *frame,
				const struct code_variables *variables, bool has_namespace,
				struct frame_local_list *list)
{
	const struct python_layout *layout = locals->layout;
	list->cut |= variables->cut;
	list->malformed |= variables->malformed;
	list->status = variables->status;
	if (variables->malformed || variables->status != MEMORY_OK || !variables->count)
		return NULL;
	list->status = memory_read(locals->memory, frame->address + layout->frame.localsplus,
				   locals->slots, variables->slot_count * sizeof(uint64_t));
	if (list->status != MEMORY_OK)
		return NULL;
	for (size_t i = 0; i < variables->count; i++) {
		const struct code_variable *variable = &variables->items[i];
		/* A class body's own names are in its dict; cells are the compiler's:
		 * __class__, __classdict__. */
		if (has_namespace && variable->kind == VARIABLE_CELL)
			continue;
		append_slot(locals, frame, variable, locals->slots[variable->slot], list);
	}
	return NULL;
}

/*
 * The dict of names of code that is not a function's: a class body, or what exec() got. 0 if there
 * is none, or if it is the module's, whose names are not local.
 */
static enum memory_status find_namespace(const struct frame_locals *locals,
					 const struct walk_frame *frame, uint64_t *ret)
{
	const struct python_layout *layout = locals->layout;
	struct struct_span span = {0};
	struct struct_view view;
	*ret = 0;
	if (frame->code->flags & CO_OPTIMIZED || layout->frame.locals == LAYOUT_ABSENT ||
	    layout->frame.globals == LAYOUT_ABSENT)
		return MEMORY_OK;
	struct_span_add(&span, layout->frame.locals, sizeof(uint64_t));
	struct_span_add(&span, layout->frame.globals, sizeof(uint64_t));
	enum memory_status status = struct_view_read(locals->memory, frame->address, span, &view);
	if (status != MEMORY_OK)
		return status;
	uint64_t namespace = struct_view_pointer(&view, layout->frame.locals);
	if (!namespace || namespace == struct_view_pointer(&view, layout->frame.globals))
		return MEMORY_OK;
	uint64_t type;
	uint64_t flags;
	status = struct_read_pointer(locals->memory, namespace, layout->object.type, &type);
	if (status == MEMORY_OK)
		status = struct_read_pointer(locals->memory, type, layout->type.flags, &flags);
	/* A metaclass's __prepare__() can give any mapping. */
	if (status == MEMORY_OK && flags & TPFLAGS_DICT_SUBCLASS)
		*ret = namespace;
	return status;
}

static struct error *append_entry(struct frame_locals *locals, const struct walk_frame *frame,
				  const struct raw_dict_entry *entry, struct frame_local_list *list)
{
	if (!entry->key || !entry->value)
		return NULL;
	if (locals->count == CODE_VARIABLES_MAX) {
		list->cut = true;
		return NULL;
	}
	struct raw_string *key = &locals->keys[locals->key_count];
	struct error *error = raw_string_read(locals->memory, locals->layout, entry->key, key);
	if (error)
		return error;
	locals->key_count++;
	/* Keys that are no str name nothing. */
	if (key->status == MEMORY_OK && (key->malformed || key->type != frame->code->name.type)) {
		raw_string_deinit(key);
		locals->key_count--;
		return NULL;
	}
	const struct frame_local local = {
		.name = key,
		.kind = VARIABLE_NAMESPACE,
		.address = entry->value,
	};
	append(locals, &local, list);
	return NULL;
}

static struct error *read_namespace(struct frame_locals *locals, const struct walk_frame *frame,
				    uint64_t namespace, struct frame_local_list *list)
{
	uint64_t budget = NAMESPACE_MAX_ENTRIES;
	const struct python_reader reader = {
		.memory = locals->memory,
		.layout = locals->layout,
		.budget = &budget,
	};
	struct raw_dict_entry entries[DICT_BATCH];
	struct raw_dict dict;
	if (!raw_dict_read(&reader, namespace, &dict)) {
		list->malformed = true;
		return NULL;
	}
	for (size_t first = 0; first < dict.entry_count && !list->cut;) {
		size_t count = raw_dict_entries(&reader, &dict, first, entries);
		if (!count) {
			/* Entries that hold nothing count, too: of a wild dict, all do. */
			list->cut |= !budget;
			break;
		}
		for (size_t i = 0; i < count; i++) {
			struct error *error = append_entry(locals, frame, &entries[i], list);
			if (error)
				return error;
		}
		first += count;
	}
	return NULL;
}

struct error *frame_locals_read(struct frame_locals *locals, const struct walk_frame *frame,
				struct frame_local_list *ret)
{
	const struct code_variables *variables;
	struct frame_local_list list = {0};
	uint64_t namespace;
	forget_keys(locals);
	locals->count = 0;
	struct error *error = code_variables_get(locals->codes, frame->code, &variables);
	if (error)
		return error;
	enum memory_status status = find_namespace(locals, frame, &namespace);
	error = read_slots(locals, frame, variables, namespace != 0, &list);
	if (!error && namespace)
		error = read_namespace(locals, frame, namespace, &list);
	if (error)
		return error;
	if (list.status == MEMORY_OK)
		list.status = status;
	list.items = locals->items;
	list.count = locals->count;
	*ret = list;
	return NULL;
}
