#include "formats/snapshot_shelf.h"

#include <stdlib.h>

#include "common/array.h"

static void forget_hidden(struct snapshot_shelf *shelf)
{
	struct range_position position = {0};
	struct range_entry *entry;
	while ((entry = range_map_at(&shelf->hidden, position))) {
		free(entry->bytes);
		position = range_map_after(&shelf->hidden, position);
	}
	range_map_deinit(&shelf->hidden);
	shelf->hidden = (struct range_map){0};
	shelf->hidden_bytes = 0;
}

void snapshot_shelf_deinit(struct snapshot_shelf *shelf)
{
	forget_hidden(shelf);
	free(shelf->extents);
	hash_index_deinit(&shelf->index);
	*shelf = (struct snapshot_shelf){0};
}

static uint32_t extent_hash(uint64_t address, uint64_t size)
{
	uint64_t key = address ^ size << 44;
	return hash_two((uint32_t)(key >> 32), (uint32_t)key);
}

bool snapshot_shelf_find(const struct snapshot_shelf *shelf, uint64_t address, uint64_t size,
			 uint32_t *ret)
{
	uint32_t hash = extent_hash(address, size);
	size_t cursor = hash;
	uint32_t number;
	while ((number = hash_index_next(&shelf->index, hash, &cursor)) != HASH_INDEX_END) {
		const struct shelf_extent *extent = &shelf->extents[number];
		if (extent->address == address && extent->size == size) {
			*ret = number;
			return true;
		}
	}
	return false;
}

struct error *snapshot_shelf_add(struct snapshot_shelf *shelf, uint64_t address, uint64_t size,
				 bool with_index, uint32_t *ret)
{
	if (shelf->count == SHELF_EXTENTS)
		snapshot_shelf_deinit(shelf);
	struct error *no_room = ARRAY_GROW(shelf->extents, shelf->count, shelf->capacity, 16);
	if (no_room)
		return no_room;
	uint32_t number = (uint32_t)shelf->count;
	struct error *error =
		with_index ? hash_index_add(&shelf->index, extent_hash(address, size), number)
			   : NULL;
	if (error)
		return error;
	shelf->extents[shelf->count++] =
		(struct shelf_extent){.address = address, .size = (uint32_t)size};
	*ret = number;
	return NULL;
}

static struct range_position take_entry(struct snapshot_shelf *shelf,
					struct range_position position)
{
	struct range_entry *entry = range_map_at(&shelf->hidden, position);
	free(entry->bytes);
	shelf->hidden_bytes -= entry->size;
	return range_map_remove(&shelf->hidden, position);
}

struct error *snapshot_shelf_hide(struct snapshot_shelf *shelf, struct memory_image *image,
				  uint32_t number, bool *ret_done)
{
	const struct shelf_extent extent = shelf->extents[number];
	struct range_entry entry = {
		.address = extent.address,
		.size = extent.size,
		.number = number,
		.bytes = malloc(extent.size),
	};
	if (!entry.bytes)
		return &error_out_of_memory;
	*ret_done = memory_read(memory_image_memory(image), extent.address, entry.bytes,
				extent.size) == MEMORY_OK;
	struct range_position position = range_map_find(&shelf->hidden, extent.address);
	const struct range_entry *other;
	while (*ret_done && (other = range_map_at(&shelf->hidden, position)) &&
	       other->address <= range_last(&entry))
		position = take_entry(shelf, position);
	struct error *error = *ret_done ? range_map_insert(&shelf->hidden, position, &entry) : NULL;
	if (error || !*ret_done) {
		free(entry.bytes);
		return error;
	}
	shelf->hidden_bytes += extent.size;
	return memory_image_drop(image, extent.address, extent.size);
}

struct error *snapshot_shelf_show(struct snapshot_shelf *shelf, struct memory_image *image,
				  uint32_t number, bool *ret_done)
{
	uint64_t address = shelf->extents[number].address;
	struct range_position position = range_map_find(&shelf->hidden, address);
	const struct range_entry *entry = range_map_at(&shelf->hidden, position);
	*ret_done = entry && entry->number == number;
	if (!*ret_done)
		return NULL;
	struct error *error =
		image ? memory_image_put(image, address, entry->bytes, entry->size) : NULL;
	take_entry(shelf, position);
	return error;
}

const struct range_entry *snapshot_shelf_next(const struct snapshot_shelf *shelf, uint64_t address)
{
	return range_map_at(&shelf->hidden, range_map_find(&shelf->hidden, address));
}
