/* A hash map from addresses in the target to pointers: visited sets and caches of the walk. */
#ifndef PYSPY_COMMON_ADDRESS_MAP_H
#define PYSPY_COMMON_ADDRESS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct address_map_entry {
	uint64_t address; /* 0: free, which is never a key: nothing lives at address 0 */
	void *value;
};

/* An all-zero struct is an empty map. Values are borrowed. */
struct address_map {
	struct address_map_entry *entries;
	size_t capacity; /* power of two, or 0 */
	size_t count;
};

void address_map_deinit(struct address_map *map);

/* The value put for `address`, or NULL. */
void *address_map_get(const struct address_map *map, uint64_t address);

/* `address` and `value` must not be 0; an address that is there already gets the new value. */
struct error *address_map_put(struct address_map *map, uint64_t address, void *value);

/* Remember `address`; `ret_new` says whether it was not there before. */
struct error *address_map_visit(struct address_map *map, uint64_t address, bool *ret_new);

/* Forget everything, keep the allocation. */
void address_map_clear(struct address_map *map);

#endif
