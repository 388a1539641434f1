#include "common/thread_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/address_map.h"
#include "common/cleanup.h"
#include "common/interpreter_id.h"
#include "common/python_instance.h"
#include "common/struct_view.h"
#include "common/walk.h"

/* Of all dicts that are looked into: some times more than any program's threads need. */
#define MAX_ENTRIES_IN_ALL (1ULL << 24)

void thread_name_list_deinit(struct thread_name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		raw_string_deinit(&list->items[i].name);
	free(list->items);
	*list = (struct thread_name_list){0};
}

/* Takes over the name's characters, also when it fails. */
static struct error *list_append(struct thread_name_list *list, struct thread_name *name)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 16;
		struct thread_name *items =
			reallocarray(list->items, capacity, sizeof(*list->items));
		if (!items) {
			raw_string_deinit(&name->name);
			return &error_out_of_memory;
		}
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *name;
	return NULL;
}

static int compare_names(const void *left, const void *right)
{
	const struct thread_name *a = left;
	const struct thread_name *b = right;
	if (a->thread_id != b->thread_id)
		return a->thread_id < b->thread_id ? -1 : 1;
	return (a->interpreter_id > b->interpreter_id) - (a->interpreter_id < b->interpreter_id);
}

/* The first of the thread's names, or the number of names. */
static size_t list_first(const struct thread_name_list *list, uint64_t thread_id)
{
	size_t low = 0;
	size_t high = list->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->items[middle].thread_id < thread_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < list->count && list->items[low].thread_id == thread_id ? low : list->count;
}

const struct thread_name *thread_name_find(const struct thread_name_list *list,
					   int64_t interpreter_id, uint64_t thread_id)
{
	size_t first = list_first(list, thread_id);
	for (size_t i = first; i < list->count && list->items[i].thread_id == thread_id; i++) {
		if (list->items[i].interpreter_id == interpreter_id)
			return &list->items[i];
	}
	return first < list->count ? &list->items[first] : NULL;
}

bool thread_name_equal(const struct thread_name *a, const struct thread_name *b)
{
	return a->interpreter == b->interpreter && a->thread_id == b->thread_id &&
	       a->object == b->object && a->type == b->type && a->os_id == b->os_id &&
	       a->name.width == b->name.width && a->name.length == b->name.length &&
	       memcmp(a->name.data, b->name.data, a->name.length * a->name.width) == 0;
}

static bool is_known(const struct thread_names_request *request, const struct thread_name *name)
{
	if (!request->known)
		return true;
	const struct thread_name *known =
		thread_name_find(request->known, name->interpreter_id, name->thread_id);
	return known && thread_name_equal(known, name);
}

/*
 * The Thread object behind an entry of threading._active. Its _ident is the entry's key; where it
 * is not, the object is not what it was when the entry was read, or never was a Thread. `ret` has
 * no name then.
 */
static struct error *read_thread(const struct python_reader *reader,
				 const struct raw_dict_entry *entry, struct thread_name *ret)
{
	/* Attributes of class Thread that begin with two underscores, in 2.6 and 2.7. */
	bool is_mangled = reader->layout->major == 2;
	struct python_reader search = *reader;
	struct raw_dict attributes;
	uint64_t os_id;
	uint64_t ident;
	uint64_t name;
	search.keep = NULL;
	ret->object = entry->value;
	if (!python_integer_read(reader, entry->key, &ret->thread_id) ||
	    !instance_attributes(reader, entry->value, &ret->type, &attributes) ||
	    !raw_dict_find(reader, &attributes, is_mangled ? "_Thread__ident" : "_ident", &ident) ||
	    !raw_dict_find(reader, &attributes, is_mangled ? "_Thread__name" : "_name", &name) ||
	    !python_integer_read(reader, ident, &ident) || ident != ret->thread_id)
		return NULL;
	if (!raw_dict_find(&search, &attributes, "_native_id", &os_id) ||
	    !python_integer_read(&search, os_id, &ret->os_id))
		ret->os_id = 0;
	return raw_string_read(python_reader_memory(reader), reader->layout, name, &ret->name);
}

/* Read again what was found, to be kept; `ret_same` tells whether it still is the same. */
static struct error *keep_thread(const struct python_reader *reader, const struct raw_dict *active,
				 const struct raw_dict_entry *entry, const struct thread_name *name,
				 bool *ret_same)
{
	struct thread_name again = {
		.interpreter_id = name->interpreter_id,
		.interpreter = name->interpreter,
	};
	*ret_same = false;
	if (!raw_dict_keep(reader, active, entry))
		return NULL;
	struct error *error = read_thread(reader, entry, &again);
	if (!error)
		*ret_same = again.name.data && thread_name_equal(name, &again);
	raw_string_deinit(&again.name);
	return error;
}

static struct error *thread_at(const struct thread_names_request *request,
			       const struct raw_dict *active, const struct raw_dict_entry *entry,
			       struct thread_name *name, struct thread_name_list *list)
{
	struct python_reader search = request->reader;
	bool same = true;
	search.keep = NULL;
	struct error *error = read_thread(&search, entry, name);
	if (!error && (!name->name.data || !is_known(request, name)))
		same = false;
	if (!error && same && request->reader.keep)
		error = keep_thread(&request->reader, active, entry, name, &same);
	if (error || !same) {
		raw_string_deinit(&name->name);
		return error;
	}
	return list_append(list, name);
}

/* threading._active of an interpreter: sys.modules["threading"].__dict__["_active"]. */
static bool find_active(const struct python_reader *reader, uint64_t interpreter,
			struct raw_dict *ret)
{
	const struct python_layout *layout = reader->layout;
	struct memory *memory = python_reader_memory(reader);
	struct raw_dict dict;
	uint64_t address;
	return struct_read_pointer(memory, interpreter, layout->interpreter.modules, &address) ==
		       MEMORY_OK &&
	       raw_dict_read(reader, address, &dict) &&
	       raw_dict_find(reader, &dict, "threading", &address) &&
	       struct_read_pointer(memory, address, layout->module.dict, &address) == MEMORY_OK &&
	       raw_dict_read(reader, address, &dict) &&
	       raw_dict_find(reader, &dict, "_active", &address) &&
	       raw_dict_read(reader, address, ret) && ret->entry_count <= DICT_MAX_ENTRIES;
}

static struct error *read_interpreter(const struct thread_names_request *request,
				      const struct thread_name *interpreter,
				      struct thread_name_list *list)
{
	struct raw_dict_entry entries[DICT_BATCH];
	struct raw_dict active;
	size_t count;
	if (!find_active(&request->reader, interpreter->interpreter, &active))
		return NULL;
	for (size_t first = 0;
	     (count = raw_dict_entries(&request->reader, &active, first, entries));
	     first += count) {
		for (size_t i = 0; i < count && list->count < THREAD_NAMES_MAX; i++) {
			struct thread_name name = *interpreter;
			struct error *error = NULL;
			if (entries[i].key && entries[i].value)
				error = thread_at(request, &active, &entries[i], &name, list);
			if (error)
				return error;
		}
	}
	return NULL;
}

static struct error *read_interpreters(const struct thread_names_request *request,
				       struct address_map *visited, struct thread_name_list *list)
{
	const struct python_layout *layout = request->reader.layout;
	struct memory *memory = request->reader.memory;
	struct thread_name interpreter = {0};
	enum memory_status status =
		struct_read_pointer(memory, request->runtime_address,
				    layout->runtime.interpreters_head, &interpreter.interpreter);
	while (status == MEMORY_OK && interpreter.interpreter &&
	       visited->count < WALK_MAX_INTERPRETERS) {
		bool is_new;
		struct error *error = address_map_visit(visited, interpreter.interpreter, &is_new);
		if (error || !is_new)
			return error;
		status = interpreter_id_read(memory, layout, interpreter.interpreter,
					     &interpreter.interpreter_id);
		if (status != MEMORY_OK)
			return NULL;
		error = read_interpreter(request, &interpreter, list);
		if (error)
			return error;
		status = struct_read_pointer(memory, interpreter.interpreter,
					     layout->interpreter.next, &interpreter.interpreter);
	}
	return NULL;
}

struct error *thread_names_read(const struct thread_names_request *request,
				struct thread_name_list *ret)
{
	CLEANUP(address_map_deinit) struct address_map visited = {0};
	struct thread_names_request bounded = *request;
	struct thread_name_list list = {0};
	uint64_t budget = MAX_ENTRIES_IN_ALL;
	bounded.reader.budget = &budget;
	struct error *error = read_interpreters(&bounded, &visited, &list);
	if (error) {
		thread_name_list_deinit(&list);
		return error;
	}
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare_names);
	*ret = list;
	return NULL;
}
