#include "common/range_map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

enum { RANGE_BLOCK_ENTRIES = 256 };

struct range_block {
	size_t count; /* never 0 while the block is in the map */
	struct range_entry entries[RANGE_BLOCK_ENTRIES];
};

void range_map_deinit(struct range_map *map)
{
	for (size_t i = 0; i < map->block_count; i++)
		free(map->blocks[i]);
	free(map->blocks);
	*map = (struct range_map){0};
}

static uint64_t block_last(const struct range_block *block)
{
	return range_last(&block->entries[block->count - 1]);
}

/* Whether `position` is of the first entry that ends at or above the address. */
static bool is_first_at(const struct range_map *map, struct range_position position,
			uint64_t address)
{
	if (position.block >= map->block_count ||
	    position.index >= map->blocks[position.block]->count)
		return false;
	const struct range_block *block = map->blocks[position.block];
	if (range_last(&block->entries[position.index]) < address)
		return false;
	if (position.index)
		return range_last(&block->entries[position.index - 1]) < address;
	return !position.block || block_last(map->blocks[position.block - 1]) < address;
}

/* Places near that of the last search: frames of a stack are read downwards as well as upwards. */
static bool find_near(const struct range_map *map, uint64_t address, struct range_position *ret)
{
	enum { STEPS = 4 };
	struct range_position position = map->hint;
	if (position.block >= map->block_count)
		return false;
	const struct range_block *block = map->blocks[position.block];
	size_t index = position.index < block->count ? position.index : block->count - 1;
	for (int i = 0; i < STEPS && index && range_last(&block->entries[index - 1]) >= address;
	     i++)
		index--;
	for (int i = 0;
	     i < STEPS && index + 1 < block->count && range_last(&block->entries[index]) < address;
	     i++)
		index++;
	position.index = index;
	if (!is_first_at(map, position, address))
		return false;
	*ret = position;
	return true;
}

static struct range_position search(const struct range_map *map, uint64_t address)
{
	size_t low = 0;
	size_t high = map->block_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (block_last(map->blocks[middle]) < address)
			low = middle + 1;
		else
			high = middle;
	}
	struct range_position position = {.block = low};
	if (low == map->block_count)
		return position;
	const struct range_block *block = map->blocks[low];
	size_t first = 0;
	size_t end = block->count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		if (range_last(&block->entries[middle]) < address)
			first = middle + 1;
		else
			end = middle;
	}
	position.index = first;
	return position;
}

struct range_position range_map_find(const struct range_map *map, uint64_t address)
{
	struct range_position position;
	/* What comes in ascending order goes to the end. */
	if (!map->block_count || block_last(map->blocks[map->block_count - 1]) < address)
		return (struct range_position){.block = map->block_count};
	if (!find_near(map, address, &position))
		position = search(map, address);
	/* It is no part of what the map holds. */
	((struct range_map *)map)->hint = position;
	return position;
}

struct range_entry *range_map_at(const struct range_map *map, struct range_position position)
{
	if (position.block >= map->block_count)
		return NULL;
	return &map->blocks[position.block]->entries[position.index];
}

struct range_position range_map_after(const struct range_map *map, struct range_position position)
{
	if (++position.index >= map->blocks[position.block]->count)
		position = (struct range_position){.block = position.block + 1};
	return position;
}

static struct error *insert_block(struct range_map *map, size_t at, struct range_block **ret)
{
	struct error *no_room = ARRAY_GROW(map->blocks, map->block_count, map->block_capacity, 8);
	if (no_room)
		return no_room;
	struct range_block *block = malloc(sizeof(*block));
	if (!block)
		return &error_out_of_memory;
	block->count = 0;
	memmove(map->blocks + at + 1, map->blocks + at,
		(map->block_count - at) * sizeof(*map->blocks));
	map->blocks[at] = block;
	map->block_count++;
	*ret = block;
	return NULL;
}

/* Make room for one more entry at `position`, which may move to another block. */
static struct error *make_room(struct range_map *map, struct range_position *position)
{
	struct range_block *fresh;
	/* Past the last entry: what comes in ascending order fills the blocks wholly. */
	if (position->block == map->block_count) {
		if (map->block_count &&
		    map->blocks[map->block_count - 1]->count < RANGE_BLOCK_ENTRIES) {
			position->block--;
			position->index = map->blocks[position->block]->count;
			return NULL;
		}
		position->index = 0;
		return insert_block(map, map->block_count, &fresh);
	}
	struct range_block *block = map->blocks[position->block];
	if (block->count < RANGE_BLOCK_ENTRIES)
		return NULL;
	struct error *error = insert_block(map, position->block + 1, &fresh);
	if (error)
		return error;
	size_t keep = RANGE_BLOCK_ENTRIES / 2;
	fresh->count = block->count - keep;
	memcpy(fresh->entries, block->entries + keep, fresh->count * sizeof(fresh->entries[0]));
	block->count = keep;
	if (position->index > keep) {
		position->block++;
		position->index -= keep;
	}
	return NULL;
}

struct error *range_map_insert(struct range_map *map, struct range_position position,
			       const struct range_entry *entry)
{
	struct error *error = make_room(map, &position);
	if (error)
		return error;
	struct range_block *block = map->blocks[position.block];
	memmove(block->entries + position.index + 1, block->entries + position.index,
		(block->count - position.index) * sizeof(block->entries[0]));
	block->entries[position.index] = *entry;
	block->count++;
	map->count++;
	return NULL;
}

struct range_position range_map_remove(struct range_map *map, struct range_position position)
{
	struct range_block *block = map->blocks[position.block];
	block->count--;
	map->count--;
	memmove(block->entries + position.index, block->entries + position.index + 1,
		(block->count - position.index) * sizeof(block->entries[0]));
	if (!block->count) {
		free(block);
		map->block_count--;
		memmove(map->blocks + position.block, map->blocks + position.block + 1,
			(map->block_count - position.block) * sizeof(*map->blocks));
		return (struct range_position){.block = position.block};
	}
	if (position.index == block->count)
		return (struct range_position){.block = position.block + 1};
	return position;
}
