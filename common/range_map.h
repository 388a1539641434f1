/*
 * Disjoint ranges of addresses in ascending order, each with a value: a sorted array of pointers to
 * small sorted blocks, so that insertion moves little however many ranges there are.
 */
#ifndef PYSPY_COMMON_RANGE_MAP_H
#define PYSPY_COMMON_RANGE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct range_entry {
	uint64_t address;
	uint32_t size; /* never 0; never wraps around the end of the address space */
	uint32_t number;
	union {
		uint8_t *bytes; /* the map never frees it */
		uint64_t offset;
	};
};

struct range_block;

/* Valid until the map is changed. */
struct range_position {
	size_t block;
	size_t index;
};

/* An all-zero struct is an empty map. */
struct range_map {
	struct range_block **blocks;
	size_t block_count;
	size_t block_capacity;
	size_t count; /* of entries */
	/* Where the last search ended, of one reader at a time: searches go upwards mostly. */
	struct range_position hint;
};

void range_map_deinit(struct range_map *map);

/* Address of an entry's last byte; the end may be 2^64. */
static inline uint64_t range_last(const struct range_entry *entry)
{
	return entry->address + (entry->size - 1);
}

/* The first entry whose last byte is at or above `address`. */
struct range_position range_map_find(const struct range_map *map, uint64_t address);

/* The entry at a position, or NULL past the last one. */
struct range_entry *range_map_at(const struct range_map *map, struct range_position position);

struct range_position range_map_after(const struct range_map *map, struct range_position position);

/* Insert before `position`, which must keep the order. */
struct error *range_map_insert(struct range_map *map, struct range_position position,
			       const struct range_entry *entry);

/* Gives the position of what followed the removed entry. */
struct range_position range_map_remove(struct range_map *map, struct range_position position);

#endif
