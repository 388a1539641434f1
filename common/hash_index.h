/* A hash table of numbers: which of somebody's array has a hash. What is equal, the owner of the
 * array knows. */
#ifndef PYSPY_COMMON_HASH_INDEX_H
#define PYSPY_COMMON_HASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define HASH_INDEX_END UINT32_MAX

struct hash_index_slot {
	uint32_t hash;
	uint32_t number; /* + 1; 0: free */
};

/* All zero is an empty one. */
struct hash_index {
	struct hash_index_slot *slots;
	size_t capacity; /* 0 or a power of two */
	size_t count;
};

void hash_index_deinit(struct hash_index *index);

/* The numbers that were put in with this hash, one after another; HASH_INDEX_END behind the last.
 * `cursor` begins as the hash. */
static inline uint32_t hash_index_next(const struct hash_index *index, uint32_t hash,
				       size_t *cursor)
{
	while (index->capacity) {
		const struct hash_index_slot *slot = &index->slots[*cursor & (index->capacity - 1)];
		++*cursor;
		if (!slot->number)
			break;
		if (slot->hash == hash)
			return slot->number - 1;
	}
	return HASH_INDEX_END;
}

/* Below HASH_INDEX_END - 1. ERROR_OUT_OF_MEMORY leaves it as it was. */
struct error *hash_index_add(struct hash_index *index, uint32_t hash, uint32_t number);

/* Hashes that the tables of this program are good with; not for adversaries, whose worst is time.
 */
uint32_t hash_bytes(const void *bytes, size_t size);

static inline uint32_t hash_two(uint32_t first, uint32_t second)
{
	uint64_t mixed = (((uint64_t)first << 32) | second) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mixed >> 32) ^ (uint32_t)mixed;
}

#endif
