#include "common/address_map.h"

#include <stdlib.h>
#include <string.h>

enum { ADDRESS_MAP_MINIMUM_CAPACITY = 64 };

void address_map_deinit(struct address_map *map)
{
	free(map->entries);
	*map = (struct address_map){0};
}

/* Fibonacci hashing (Knuth, TAOCP 6.4): objects are aligned, so their low bits say little. */
static size_t address_hash(uint64_t address)
{
	return (size_t)((address * 0x9e3779b97f4a7c15ULL) >> 20);
}

/* The entry of `address`, or the free one where it belongs. The map is never full. */
static struct address_map_entry *address_map_slot(const struct address_map *map, uint64_t address)
{
	size_t mask = map->capacity - 1;
	size_t i = address_hash(address) & mask;
	while (map->entries[i].address && map->entries[i].address != address)
		i = (i + 1) & mask;
	return &map->entries[i];
}

static struct error *address_map_grow(struct address_map *map)
{
	struct address_map bigger = {
		.capacity = map->capacity ? map->capacity * 2 : ADDRESS_MAP_MINIMUM_CAPACITY,
		.count = map->count,
	};
	bigger.entries = calloc(bigger.capacity, sizeof(*bigger.entries));
	if (!bigger.entries)
		return &error_out_of_memory;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->entries[i].address)
			*address_map_slot(&bigger, map->entries[i].address) = map->entries[i];
	}
	free(map->entries);
	*map = bigger;
	return NULL;
}

void *address_map_get(const struct address_map *map, uint64_t address)
{
	if (!map->count || !address)
		return NULL;
	return address_map_slot(map, address)->value;
}

struct error *address_map_put(struct address_map *map, uint64_t address, void *value)
{
	if ((map->count + 1) * 4 > map->capacity * 3) {
		struct error *error = address_map_grow(map);
		if (error)
			return error;
	}
	struct address_map_entry *entry = address_map_slot(map, address);
	if (!entry->address)
		map->count++;
	*entry = (struct address_map_entry){.address = address, .value = value};
	return NULL;
}

struct error *address_map_visit(struct address_map *map, uint64_t address, bool *ret_new)
{
	static char visited;
	bool is_new = !address_map_get(map, address);
	if (is_new) {
		struct error *error = address_map_put(map, address, &visited);
		if (error)
			return error;
	}
	*ret_new = is_new;
	return NULL;
}

void address_map_clear(struct address_map *map)
{
	if (map->count)
		memset(map->entries, 0, map->capacity * sizeof(*map->entries));
	map->count = 0;
}
