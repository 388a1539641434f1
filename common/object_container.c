/* Containers: tuple, list, dict. */
#include "common/object_walk.h"

/* Beyond it a length is none: items of a word each do not fit into an address space. */
#define MAX_LENGTH (1ULL << 44)

enum { MAX_DICT_ENTRIES = 1 << 12 };

static struct error *read_items(struct object_walk *walk, uint32_t node, uint64_t array,
				uint64_t length)
{
	if (length > MAX_LENGTH) {
		object_walk_wild(walk, node);
		return NULL;
	}
	return object_walk_items(walk, node, array, length);
}

struct error *object_read_tuple(struct object_walk *walk, uint32_t node)
{
	uint64_t length;
	if (!object_walk_pointer(walk, node, walk->layout->tuple.length, &length))
		return NULL;
	return read_items(walk, node,
			  object_node_at(walk, node)->address + walk->layout->tuple.items, length);
}

struct error *object_read_list(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->tuple.length, OBJECT_WORD);
	struct_span_add(&span, layout->object_parts.list_items, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	return read_items(walk, node, struct_view_pointer(&view, layout->object_parts.list_items),
			  struct_view_pointer(&view, layout->tuple.length));
}

struct error *object_walk_value(struct object_walk *walk, uint32_t node, uint64_t value)
{
	/* The key may have taken all the room that was left; a pair is two all the same. */
	if (!object_walk_has_room(walk, 1))
		return object_walk_unread(walk, node);
	return object_walk_child(walk, node, value);
}

struct error *object_walk_pair(struct object_walk *walk, uint32_t node, uint64_t key,
			       uint64_t value, bool *ret_added)
{
	*ret_added = object_walk_has_room(walk, 2);
	if (!*ret_added) {
		object_node_at(walk, node)->cut = true;
		return NULL;
	}
	struct error *error = object_walk_child(walk, node, key);
	if (error)
		return error;
	return object_walk_value(walk, node, value);
}

/* The next entries, no more than may be needed: what is read here is captured. Deleted ones count,
 * too, so that a dict full of them takes no longer. */
static size_t next_entries(struct object_walk *walk, const struct raw_dict *dict, size_t first,
			   uint64_t wanted, struct raw_dict_entry entries[DICT_BATCH])
{
	struct python_reader reader = walk->objects->reader;
	uint64_t budget = wanted + 1;
	if (first >= MAX_DICT_ENTRIES)
		return 0;
	reader.memory = walk->memory;
	reader.budget = &budget;
	return raw_dict_entries(&reader, dict, first, entries);
}

struct error *object_walk_pairs(struct object_walk *walk, uint32_t node,
				const struct raw_dict *dict)
{
	struct raw_dict_entry entries[DICT_BATCH];
	uint64_t wanted = walk->bounds->max_items;
	size_t first = 0;
	size_t count;
	while ((count = next_entries(walk, dict, first, wanted, entries))) {
		for (size_t i = 0; i < count; i++) {
			bool added = false;
			if (!entries[i].key || !entries[i].value)
				continue;
			if (!wanted--) {
				object_node_at(walk, node)->cut = true;
				return NULL;
			}
			struct error *error = object_walk_pair(walk, node, entries[i].key,
							       entries[i].value, &added);
			if (error || !added)
				return error;
		}
		first += count;
	}
	object_node_at(walk, node)->cut |= first >= MAX_DICT_ENTRIES;
	return NULL;
}

struct error *object_read_dict(struct object_walk *walk, uint32_t node)
{
	struct python_reader reader = walk->objects->reader;
	struct raw_dict dict;
	uint64_t used;
	if (!object_walk_pointer(walk, node, walk->layout->dict.used, &used))
		return NULL;
	if (used > MAX_LENGTH) {
		object_walk_wild(walk, node);
		return NULL;
	}
	object_node_at(walk, node)->length = used;
	if (!used)
		return NULL;
	reader.memory = walk->memory;
	if (!raw_dict_read(&reader, object_node_at(walk, node)->address, &dict)) {
		object_node_at(walk, node)->missing = true;
		return NULL;
	}
	return object_walk_pairs(walk, node, &dict);
}

/* defdictobject (Modules/_collectionsmodule.c): a dict, and the factory behind it. */
struct error *object_read_default_dict(struct object_walk *walk, uint32_t node)
{
	uint64_t factory;
	static const struct object_node none = {.kind = OBJECT_NONE};
	if (!object_walk_pointer(walk, node, walk->layout->dict.size, &factory))
		return NULL;
	struct error *error = object_walk_value(walk, node, factory);
	if (error)
		return error;
	/* NULL is shown as None. */
	struct object_node *child = object_node_at(walk, object_node_at(walk, node)->first_child);
	if (child->kind == OBJECT_NULL)
		child->kind = none.kind;
	return object_read_dict(walk, node);
}

/* mappingproxyobject (Objects/descrobject.c). */
struct error *object_read_mapping_proxy(struct object_walk *walk, uint32_t node)
{
	uint64_t mapping;
	if (!object_walk_pointer(walk, node, walk->layout->object.size, &mapping))
		return NULL;
	return object_walk_value(walk, node, mapping);
}
