#include "common/hash_index.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void hash_index_deinit(struct hash_index *index)
{
	free(index->slots);
	*index = (struct hash_index){0};
}

static void put(struct hash_index_slot *slots, size_t capacity, struct hash_index_slot slot)
{
	size_t place = slot.hash & (capacity - 1);
	while (slots[place].number)
		place = (place + 1) & (capacity - 1);
	slots[place] = slot;
}

/* At most half full, so that looking for what is not there ends soon. */
static struct error *grow(struct hash_index *index)
{
	size_t capacity = index->capacity ? index->capacity * 2 : FIRST_CAPACITY;
	struct hash_index_slot *slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return &error_out_of_memory;
	for (size_t i = 0; i < index->capacity; i++) {
		if (index->slots[i].number)
			put(slots, capacity, index->slots[i]);
	}
	free(index->slots);
	index->slots = slots;
	index->capacity = capacity;
	return NULL;
}

struct error *hash_index_add(struct hash_index *index, uint32_t hash, uint32_t number)
{
	if (index->count >= index->capacity / 2) {
		struct error *error = grow(index);
		if (error)
			return error;
	}
	put(index->slots, index->capacity, (struct hash_index_slot){hash, number + 1});
	index->count++;
	return NULL;
}

/* FNV-1a, its 64 bits folded. */
uint32_t hash_bytes(const void *bytes, size_t size)
{
	const uint8_t *byte = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ (hash >> 32));
}
