#include "common/memory_image.h"

#include <stdlib.h>
#include <string.h>

#include "common/range_map.h"

/* No range crosses a multiple of this, so that no change moves more bytes than this, whatever a
 * damaged file makes us do. */
#define WINDOW_SIZE ((uint64_t)MEMORY_IMAGE_WINDOW)

struct memory_image {
	struct memory memory;
	struct range_map map;
	uint64_t size_bytes;
	/* Bytes of ranges that were put since memory_image_reserve(); those that find no room are
	 * allocated one by one. */
	uint8_t *room;
	size_t room_size;
	size_t room_used;
};

static enum memory_status image_read(struct memory *memory, uint64_t address, void *buffer,
				     size_t size)
{
	const struct memory_image *image = (const struct memory_image *)memory;
	struct range_position position = range_map_find(&image->map, address);
	uint8_t *out = buffer;
	while (size) {
		const struct range_entry *entry = range_map_at(&image->map, position);
		if (!entry || entry->address > address)
			return MEMORY_NOT_CAPTURED;
		size_t skip = (size_t)(address - entry->address);
		size_t part = entry->size - skip < size ? entry->size - skip : size;
		memcpy(out, entry->bytes + skip, part);
		out += part;
		address += part;
		size -= part;
		if (size)
			position = range_map_after(&image->map, position);
	}
	return MEMORY_OK;
}

static bool image_next(struct memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	struct memory_range range;
	if (!memory_image_next((const struct memory_image *)memory, address, &range) ||
	    range.address >= end)
		return false;
	*ret = range.address > address ? range.address : address;
	return true;
}

/* The image's memory is borrowed; it ends with the image. */
static void image_memory_destroy(struct memory *memory)
{
	(void)memory;
}

static const struct memory_operations image_operations = {
	.read = image_read,
	.next = image_next,
	.destroy = image_memory_destroy,
};

struct error *memory_image_reserve(struct memory_image *image, size_t size)
{
	if (image->room || !size)
		return NULL;
	image->room = malloc(size);
	if (!image->room)
		return &error_out_of_memory;
	image->room_size = size;
	image->room_used = 0;
	return NULL;
}

static uint8_t *new_bytes(struct memory_image *image, size_t size)
{
	if (size > image->room_size - image->room_used)
		return malloc(size);
	uint8_t *bytes = image->room + image->room_used;
	image->room_used += size;
	return bytes;
}

static void free_bytes(const struct memory_image *image, uint8_t *bytes)
{
	uintptr_t begin = (uintptr_t)image->room;
	if ((uintptr_t)bytes < begin || (uintptr_t)bytes - begin >= image->room_size)
		free(bytes);
}

struct error *memory_image_create(struct memory_image **ret)
{
	struct memory_image *image = calloc(1, sizeof(*image));
	if (!image)
		return &error_out_of_memory;
	image->memory.operations = &image_operations;
	*ret = image;
	return NULL;
}

void memory_image_clear(struct memory_image *image)
{
	struct range_position position = {0};
	struct range_entry *entry;
	while ((entry = range_map_at(&image->map, position))) {
		free_bytes(image, entry->bytes);
		position = range_map_after(&image->map, position);
	}
	range_map_deinit(&image->map);
	image->size_bytes = 0;
	free(image->room);
	image->room = NULL;
	image->room_size = 0;
	image->room_used = 0;
}

void memory_image_destroy(struct memory_image *image)
{
	if (!image)
		return;
	memory_image_clear(image);
	free(image);
}

void memory_image_destroyp(struct memory_image **image)
{
	memory_image_destroy(*image);
}

static struct error *insert_new(struct memory_image *image, struct range_position position,
				uint64_t address, const void *bytes, size_t size)
{
	uint8_t *copy = new_bytes(image, size);
	if (!copy)
		return &error_out_of_memory;
	memcpy(copy, bytes, size);
	struct range_entry entry = {.address = address, .size = (uint32_t)size, .bytes = copy};
	struct error *error = range_map_insert(&image->map, position, &entry);
	if (error) {
		free_bytes(image, copy);
		return error;
	}
	image->size_bytes += size;
	return NULL;
}

/* Join the entries from `position` on that begin at or below `reach` with the new bytes. */
static struct error *join(struct memory_image *image, struct range_position position,
			  uint64_t reach, uint64_t address, const void *bytes, size_t size)
{
	struct range_entry *first = range_map_at(&image->map, position);
	uint64_t low = first->address < address ? first->address : address;
	uint64_t high = address + (size - 1);
	struct range_position each = position;
	for (struct range_entry *entry = first; entry && entry->address <= reach;
	     entry = range_map_at(&image->map, each)) {
		if (range_last(entry) > high)
			high = range_last(entry);
		each = range_map_after(&image->map, each);
	}
	size_t joined_size = (size_t)(high - low) + 1;
	uint8_t *joined = new_bytes(image, joined_size);
	if (!joined)
		return &error_out_of_memory;
	memcpy(joined + (first->address - low), first->bytes, first->size);
	image->size_bytes -= first->size;
	each = range_map_after(&image->map, position);
	for (struct range_entry *entry = range_map_at(&image->map, each);
	     entry && entry->address <= reach; entry = range_map_at(&image->map, each)) {
		memcpy(joined + (entry->address - low), entry->bytes, entry->size);
		image->size_bytes -= entry->size;
		free_bytes(image, entry->bytes);
		each = range_map_remove(&image->map, each);
	}
	memcpy(joined + (address - low), bytes, size);
	/* Removals were behind it: `first` has not moved. */
	free_bytes(image, first->bytes);
	*first = (struct range_entry){
		.address = low, .size = (uint32_t)joined_size, .bytes = joined};
	image->size_bytes += joined_size;
	return NULL;
}

/* Put bytes that lie in one window. */
static struct error *put_in_window(struct memory_image *image, uint64_t address, const void *bytes,
				   size_t size)
{
	uint64_t window_first = address & ~(WINDOW_SIZE - 1);
	uint64_t window_last = window_first + (WINDOW_SIZE - 1);
	uint64_t last = address + (size - 1);
	/* One byte more on either side, within the window: ranges that touch are joined. */
	uint64_t from = address > window_first ? address - 1 : address;
	uint64_t reach = last < window_last ? last + 1 : last;
	struct range_position position = range_map_find(&image->map, from);
	struct range_entry *entry = range_map_at(&image->map, position);
	if (!entry || entry->address > reach)
		return insert_new(image, position, address, bytes, size);
	if (entry->address <= address && range_last(entry) >= last) {
		memcpy(entry->bytes + (address - entry->address), bytes, size);
		return NULL;
	}
	return join(image, position, reach, address, bytes, size);
}

struct error *memory_image_put(struct memory_image *image, uint64_t address, const void *bytes,
			       size_t size)
{
	if (size && address + (size - 1) < address)
		return error_at(ERROR_FORMAT, address, "range wraps around the address space");
	const uint8_t *from = bytes;
	while (size) {
		size_t room = (size_t)(WINDOW_SIZE - (address & (WINDOW_SIZE - 1)));
		size_t part = size < room ? size : room;
		struct error *error = put_in_window(image, address, from, part);
		if (error)
			return error;
		from += part;
		address += part;
		size -= part;
	}
	return NULL;
}

bool memory_image_overwrite(struct memory_image *image, uint64_t address, const void *bytes,
			    size_t size)
{
	struct range_entry *entry = range_map_at(&image->map, range_map_find(&image->map, address));
	if (!entry || entry->address > address || entry->size < size ||
	    address - entry->address > entry->size - size)
		return false;
	if (size)
		memcpy(entry->bytes + (address - entry->address), bytes, size);
	return true;
}

/* Take [address, last] out of an entry that begins below it. */
static struct error *cut_inside(struct memory_image *image, struct range_position position,
				uint64_t address, uint64_t last)
{
	struct range_entry *entry = range_map_at(&image->map, position);
	if (range_last(entry) > last) {
		size_t skip = (size_t)(last - entry->address) + 1;
		struct error *error = insert_new(image, range_map_after(&image->map, position),
						 last + 1, entry->bytes + skip, entry->size - skip);
		if (error)
			return error;
		/* The insertion may have moved it. */
		position = range_map_find(&image->map, address - 1);
		entry = range_map_at(&image->map, position);
	}
	size_t keep = (size_t)(address - entry->address);
	image->size_bytes -= entry->size - keep;
	entry->size = (uint32_t)keep;
	return NULL;
}

struct error *memory_image_drop(struct memory_image *image, uint64_t address, uint64_t size)
{
	if (!size)
		return NULL;
	uint64_t last = address + (size - 1);
	if (last < address)
		last = UINT64_MAX;
	struct range_position position = range_map_find(&image->map, address);
	struct range_entry *entry = range_map_at(&image->map, position);
	if (entry && entry->address < address) {
		struct error *error = cut_inside(image, position, address, last);
		if (error)
			return error;
		position = range_map_find(&image->map, address);
	}
	while ((entry = range_map_at(&image->map, position)) && entry->address <= last) {
		if (range_last(entry) <= last) {
			image->size_bytes -= entry->size;
			free_bytes(image, entry->bytes);
			position = range_map_remove(&image->map, position);
			continue;
		}
		size_t cut = (size_t)(last - entry->address) + 1;
		image->size_bytes -= cut;
		entry->size -= (uint32_t)cut;
		entry->address = last + 1;
		memmove(entry->bytes, entry->bytes + cut, entry->size);
	}
	return NULL;
}

uint64_t memory_image_size_bytes(const struct memory_image *image)
{
	return image->size_bytes;
}

size_t memory_image_range_count(const struct memory_image *image)
{
	return image->map.count;
}

bool memory_image_next(const struct memory_image *image, uint64_t address, struct memory_range *ret)
{
	const struct memory_walk walk = memory_image_walk(image, address);
	return memory_walk_at(&walk, ret);
}

struct memory_walk memory_image_walk(const struct memory_image *image, uint64_t address)
{
	return (struct memory_walk){
		.image = image,
		.position = range_map_find(&image->map, address),
	};
}

bool memory_walk_at(const struct memory_walk *walk, struct memory_range *ret)
{
	const struct range_entry *entry = range_map_at(&walk->image->map, walk->position);
	if (!entry)
		return false;
	*ret = (struct memory_range){
		.address = entry->address, .size = entry->size, .bytes = entry->bytes};
	return true;
}

void memory_walk_step(struct memory_walk *walk)
{
	walk->position = range_map_after(&walk->image->map, walk->position);
}

struct memory *memory_image_memory(struct memory_image *image)
{
	return &image->memory;
}
