/* Collections that are no arrays of items: set, frozenset, deque; range and slice. */
#include <string.h>

#include "common/cleanup.h"
#include "common/cursor.h"
#include "common/object_walk.h"

enum {
	SET_ENTRY_BYTES = 16, /* key, hash */
	SET_BATCH = 32,
	/* Slots of a set's table that are looked at: most of them may be free. */
	SET_MAX_SLOTS = 1 << 12,
	/* Modules/_collectionsmodule.c: {left link, BLOCKLEN items, right link}. */
	DEQUE_BLOCK_ITEMS = 64,
	DEQUE_MAX_BLOCKS = 1 << 8,
};
#define MAX_LENGTH (1ULL << 44)

static uint64_t word_in(const void *bytes, size_t size, size_t offset)
{
	uint64_t word = 0;
	bytes_field(bytes, size, offset, OBJECT_WORD, &word);
	return word;
}

/* What stands for a deleted key until 3.4: a str, with the hash that the key had. */
static struct error *is_old_dummy(struct object_walk *walk, uint64_t key, bool *ret)
{
	CLEANUP_FREE char *text = NULL;
	*ret = false;
	if (walk->layout->major > 2 && walk->layout->minor > 4)
		return NULL;
	struct error *error = object_name_read(&walk->objects->reader, key, &text);
	if (!error)
		*ret = strcmp(text, "<dummy key>") == 0;
	return error;
}

/* Keys of some slots; a deleted one has the hash -1, which no key has (Objects/setobject.c). */
static struct error *read_slots(struct object_walk *walk, uint32_t node, uint64_t address,
				size_t count, uint64_t *left)
{
	uint8_t slots[SET_BATCH * SET_ENTRY_BYTES];
	if (memory_read(walk->memory, address, slots, count * SET_ENTRY_BYTES) != MEMORY_OK) {
		object_node_at(walk, node)->missing = true;
		*left = 0;
		return NULL;
	}
	for (size_t i = 0; i < count && *left; i++) {
		size_t at = i * SET_ENTRY_BYTES;
		/* Until 3.3 the hash is the first of both. */
		size_t key_at = walk->layout->major == 2 ? OBJECT_WORD : 0;
		uint64_t key = word_in(slots, sizeof(slots), at + key_at);
		uint64_t hash = word_in(slots, sizeof(slots), at + OBJECT_WORD - key_at);
		if (!key || hash == UINT64_MAX)
			continue;
		bool is_dummy;
		struct error *error = is_old_dummy(walk, key, &is_dummy);
		if (!error && is_dummy)
			continue;
		if (!error)
			error = object_walk_child(walk, node, key);
		if (error)
			return error;
		(*left)--;
	}
	return NULL;
}

struct error *object_read_set(struct object_walk *walk, uint32_t node)
{
	const struct python_layout *layout = walk->layout;
	struct struct_span span = {0};
	struct struct_view view;
	struct_span_add(&span, layout->object_parts.set_used, OBJECT_WORD);
	struct_span_add(&span, layout->object_parts.set_last_slot, OBJECT_WORD);
	struct_span_add(&span, layout->object_parts.set_table, OBJECT_WORD);
	if (!object_walk_view(walk, node, span, &view))
		return NULL;
	uint64_t used = struct_view_pointer(&view, layout->object_parts.set_used);
	uint64_t last = struct_view_pointer(&view, layout->object_parts.set_last_slot);
	uint64_t table = struct_view_pointer(&view, layout->object_parts.set_table);
	if (used > MAX_LENGTH || last > MAX_LENGTH || used > last + 1) {
		object_walk_wild(walk, node);
		return NULL;
	}
	uint64_t left = object_walk_limit(walk, node, used, walk->bounds->max_items);
	for (uint64_t first = 0; first <= last && left; first += SET_BATCH) {
		uint64_t count = last + 1 - first < SET_BATCH ? last + 1 - first : SET_BATCH;
		if (first >= SET_MAX_SLOTS || !object_walk_has_room(walk, 1)) {
			object_node_at(walk, node)->cut = true;
			break;
		}
		struct error *error = read_slots(walk, node, table + first * SET_ENTRY_BYTES,
						 (size_t)count, &left);
		if (error)
			return error;
	}
	return NULL;
}

/*
 * dequeobject: PyObject_VAR_HEAD, leftblock, rightblock, leftindex, rightindex, state, maxlen.
 */
struct error *object_read_deque(struct object_walk *walk, uint32_t node)
{
	enum {
		LENGTH,
		LEFT_BLOCK,
		RIGHT_BLOCK,
		LEFT_INDEX,
		RIGHT_INDEX,
		STATE,
		MAX_LENGTH_FIELD,
		WORDS
	};
	uint64_t words[WORDS];
	uint64_t address = object_node_at(walk, node)->address + walk->layout->object.size;
	enum memory_status status = memory_read(walk->memory, address, words, sizeof(words));
	if (status != MEMORY_OK) {
		object_walk_fail(walk, node, status);
		return NULL;
	}
	uint64_t block = word_in(words, sizeof(words), LEFT_BLOCK * OBJECT_WORD);
	uint64_t index = word_in(words, sizeof(words), LEFT_INDEX * OBJECT_WORD);
	uint64_t length = word_in(words, sizeof(words), LENGTH * OBJECT_WORD);
	object_node_at(walk, node)->limit =
		(int64_t)word_in(words, sizeof(words), MAX_LENGTH_FIELD * OBJECT_WORD);
	if (length > MAX_LENGTH || index > DEQUE_BLOCK_ITEMS) {
		object_walk_wild(walk, node);
		return NULL;
	}
	uint64_t left = object_walk_limit(walk, node, length, walk->bounds->max_items);
	for (int i = 0; left && i < DEQUE_MAX_BLOCKS; i++) {
		uint64_t count =
			DEQUE_BLOCK_ITEMS - index < left ? DEQUE_BLOCK_ITEMS - index : left;
		struct error *error =
			object_walk_array(walk, node, block + (1 + index) * OBJECT_WORD, count);
		if (error)
			return error;
		left -= count;
		index = 0;
		if (!left || object_node_at(walk, node)->cut || object_node_at(walk, node)->missing)
			break;
		if (memory_read_u64(walk->memory, block + (1 + DEQUE_BLOCK_ITEMS) * OBJECT_WORD,
				    &block) != MEMORY_OK)
			object_node_at(walk, node)->missing = true;
	}
	object_node_at(walk, node)->cut |= left > 0;
	return NULL;
}

/* Three objects next to each other. */
static struct error *read_three(struct object_walk *walk, uint32_t node, layout_offset offset)
{
	object_node_at(walk, node)->length = 3;
	return object_walk_array(walk, node, object_node_at(walk, node)->address + offset, 3);
}

/* rangeobject (Objects/rangeobject.c): start, stop and step are behind the head. */
struct error *object_read_range(struct object_walk *walk, uint32_t node)
{
	return read_three(walk, node, walk->layout->object.size);
}

struct error *object_read_slice(struct object_walk *walk, uint32_t node)
{
	return read_three(walk, node, walk->layout->object_parts.slice_start);
}
