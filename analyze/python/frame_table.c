#include "analyze/python/frame_table.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/python/decode_parts.h"
#include "common/array.h"

/* What makes a frame; no padding. */
struct frame_key {
	uint64_t code_address;
	uint64_t code_serial;
	uint64_t module_serial; /* 0: none */
	int64_t instruction_offset;
	int64_t traced_line;
};

struct frame_table_entry {
	struct frame_key key;
	bool hidden;
	struct model_frame frame;
};

void frame_table_deinit(struct frame_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		model_frame_deinit(&table->entries[i].frame);
	free(table->entries);
	hash_index_deinit(&table->index);
	*table = (struct frame_table){0};
}

static uint32_t hash_key(const struct frame_key *key)
{
	const uint64_t words[] = {
		key->code_serial,	    key->module_serial,
		key->code_address,	    (uint64_t)key->instruction_offset,
		(uint64_t)key->traced_line,
	};
	uint64_t hash = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32);
}

static bool same_key(const struct frame_key *a, const struct frame_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct error *add_entry(struct frame_table *table, const struct python_layout *layout,
			       const struct walk_frame *walked, const struct frame_key *key,
			       uint32_t hash)
{
	struct error *no_room = ARRAY_GROW(table->entries, table->count, table->capacity, 256);
	if (no_room)
		return no_room;
	struct frame_table_entry entry = {
		.key = *key,
		.hidden = decode_frame_is_hidden(walked),
	};
	struct error *error = entry.hidden ? NULL : decode_frame(layout, walked, &entry.frame);
	if (!error)
		error = hash_index_add(&table->index, hash, (uint32_t)table->count);
	if (error) {
		model_frame_deinit(&entry.frame);
		return error;
	}
	table->entries[table->count++] = entry;
	return NULL;
}

struct error *frame_table_put(struct frame_table *table, const struct python_layout *layout,
			      const struct walk_frame *walked, uint64_t code_serial,
			      uint64_t module_serial, uint32_t *ret)
{
	const struct frame_key key = {
		.code_address = walked->code_address,
		.code_serial = code_serial,
		.module_serial = module_serial,
		.instruction_offset = walked->instruction_offset,
		.traced_line = walked->traced_line,
	};
	uint32_t hash = hash_key(&key);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&table->index, hash, &cursor)) != HASH_INDEX_END) {
		if (same_key(&table->entries[number].key, &key))
			break;
	}
	if (number == HASH_INDEX_END) {
		number = (uint32_t)table->count;
		struct error *error = add_entry(table, layout, walked, &key, hash);
		if (error)
			return error;
	}
	*ret = table->entries[number].hidden ? FRAME_NUMBER_NONE : number;
	return NULL;
}

const struct model_frame *frame_table_frame(const struct frame_table *table, uint32_t number)
{
	return &table->entries[number].frame;
}
