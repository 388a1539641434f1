#include "formats/log_memory.h"

#include <string.h>

#include "common/cleanup.h"
#include "formats/snapshot_format.h"

struct error *log_memory_init(struct log_memory *memory)
{
	/* Who asks first has seen nothing of it. */
	*memory = (struct log_memory){.touched.everything = true};
	return memory_image_create(&memory->image);
}

void log_memory_deinit(struct log_memory *memory)
{
	memory_image_destroy(memory->image);
	range_map_deinit(&memory->bulk);
	touched_ranges_deinit(&memory->touched);
	*memory = (struct log_memory){0};
}

/* Take [address, last] out of the bulk extents. */
static struct error *cut_bulk(struct log_memory *memory, uint64_t address, uint64_t last)
{
	struct range_map *map = &memory->bulk;
	struct range_position position = range_map_find(map, address);
	struct range_entry *entry;
	while ((entry = range_map_at(map, position)) && entry->address <= last) {
		struct range_entry whole = *entry;
		bool before = whole.address < address;
		bool after = range_last(&whole) > last;
		if (!before && !after) {
			position = range_map_remove(map, position);
			continue;
		}
		struct range_entry rest = whole;
		if (after) {
			uint32_t skip = (uint32_t)(last - whole.address) + 1;
			rest.address += skip;
			rest.offset += skip;
			rest.size -= skip;
		}
		if (before)
			entry->size = (uint32_t)(address - whole.address);
		else
			*entry = rest;
		if (before && after)
			return range_map_insert(map, range_map_after(map, position), &rest);
		position = range_map_after(map, position);
	}
	return NULL;
}

struct error *log_memory_add_bulk(struct log_memory *memory, const struct range_entry *extent)
{
	touched_ranges_add(&memory->touched, extent->address, extent->size);
	struct error *error = memory_image_drop(memory->image, extent->address, extent->size);
	if (!error)
		error = cut_bulk(memory, extent->address, range_last(extent));
	if (error)
		return error;
	return range_map_insert(&memory->bulk, range_map_find(&memory->bulk, extent->address),
				extent);
}

static struct error *apply_put(struct log_memory *memory, const struct memory_operation *operation,
			       struct log_memory_budget *budget)
{
	(void)budget;
	touched_ranges_add(&memory->touched, operation->address, operation->size);
	return memory_image_put(memory->image, operation->address, operation->bytes,
				operation->size);
}

/* Changes are to bytes that are there: else something before was lost or never written. */
static struct error *require_present(struct log_memory *memory, uint64_t address, uint64_t size)
{
	struct memory_range range;
	while (size) {
		if (!memory_image_next(memory->image, address, &range) || range.address > address)
			return error_at(ERROR_FORMAT, address,
					"the log changes memory that it does not have");
		uint64_t part = range.size - (address - range.address);
		if (part >= size)
			break;
		address += part;
		size -= part;
	}
	return NULL;
}

static struct error *change(struct log_memory *memory, uint64_t address, const void *bytes,
			    size_t size)
{
	if (memory_image_overwrite(memory->image, address, bytes, size))
		return NULL;
	struct error *error = require_present(memory, address, size);
	return error ? error : memory_image_put(memory->image, address, bytes, size);
}

static struct error *apply_patch(struct log_memory *memory,
				 const struct memory_operation *operation,
				 struct log_memory_budget *budget)
{
	(void)budget;
	struct cursor changes = operation->changes;
	uint64_t address = operation->address;
	if (operation->bytes) {
		touched_ranges_add(&memory->touched, address, operation->size);
		return change(memory, address, operation->bytes, operation->size);
	}
	while (cursor_left(&changes)) {
		address += cursor_varint(&changes);
		uint64_t count = cursor_varint(&changes);
		const void *bytes = cursor_bytes(&changes, count);
		touched_ranges_add(&memory->touched, address, count);
		struct error *error = change(memory, address, bytes, count);
		if (error)
			return error;
		address += count;
	}
	return NULL;
}

struct error *log_memory_drop(struct log_memory *memory, uint64_t address, uint64_t size)
{
	touched_ranges_add(&memory->touched, address, size);
	struct error *error = memory_image_drop(memory->image, address, size);
	return error ? error : cut_bulk(memory, address, address + (size - 1));
}

static struct error *apply_drop(struct log_memory *memory, const struct memory_operation *operation,
				struct log_memory_budget *budget)
{
	(void)budget;
	return log_memory_drop(memory, operation->address, operation->size);
}

static struct error *apply_copy(struct log_memory *memory, const struct memory_operation *operation,
				struct log_memory_budget *budget)
{
	if (operation->size > budget->copy_bytes)
		return error_at(ERROR_FORMAT, operation->address,
				"the log copies more memory than its bounds allow");
	budget->copy_bytes -= operation->size;
	touched_ranges_add(&memory->touched, operation->address, operation->size);
	size_t size = (size_t)operation->size;
	CLEANUP_FREE void *bytes = malloc(size);
	if (!bytes)
		return &error_out_of_memory;
	if (memory_read(memory_image_memory(memory->image), operation->source, bytes, size) !=
	    MEMORY_OK)
		return error_at(ERROR_FORMAT, operation->source,
				"the log copies memory that it does not have");
	return memory_image_put(memory->image, operation->address, bytes, size);
}

struct error *log_memory_apply(struct log_memory *memory, const struct memory_operation *operation,
			       struct log_memory_budget *budget)
{
	static struct error *(*const operations[])(struct log_memory *,
						   const struct memory_operation *,
						   struct log_memory_budget *) = {
		[SNAPSHOT_MEMORY_PUT] = apply_put,
		[SNAPSHOT_MEMORY_PATCH] = apply_patch,
		[SNAPSHOT_MEMORY_DROP] = apply_drop,
		[SNAPSHOT_MEMORY_COPY] = apply_copy,
	};
	if (operation->kind >= sizeof(operations) / sizeof(operations[0]) ||
	    !operations[operation->kind])
		return error_create(ERROR_UNSUPPORTED,
				    "the log has a memory operation (%llu) that this program does "
				    "not know; use a newer pyspy-analyze",
				    (unsigned long long)operation->kind);
	return operations[operation->kind](memory, operation, budget);
}

/* Copy from the image what it has at `address`; 0 if nothing. `ret_gap` is how far it is to what it
 * has next. */
static size_t read_image(const struct log_memory *memory, uint64_t address, void *buffer,
			 size_t size, uint64_t *ret_gap)
{
	struct memory_range range;
	*ret_gap = UINT64_MAX;
	if (!memory_image_next(memory->image, address, &range))
		return 0;
	if (range.address > address) {
		*ret_gap = range.address - address;
		return 0;
	}
	size_t skip = (size_t)(address - range.address);
	size_t part = range.size - skip < size ? range.size - skip : size;
	memcpy(buffer, (const uint8_t *)range.bytes + skip, part);
	return part;
}

static enum memory_status read_bulk(const struct log_memory *memory, struct bulk_source *source,
				    uint64_t address, void *buffer, size_t size, size_t *ret_part)
{
	const struct range_entry *entry =
		range_map_at(&memory->bulk, range_map_find(&memory->bulk, address));
	if (!entry || entry->address > address)
		return MEMORY_NOT_CAPTURED;
	const struct buffer *content = source->content(source, entry->number);
	if (!content)
		return MEMORY_IO_ERROR;
	size_t skip = (size_t)(address - entry->address);
	size_t part = entry->size - skip < size ? entry->size - skip : size;
	struct cursor cursor = cursor_make(content->data, content->size);
	cursor_seek(&cursor, (size_t)entry->offset + skip);
	cursor_copy(&cursor, buffer, part);
	*ret_part = part;
	return cursor_ok(&cursor) ? MEMORY_OK : MEMORY_IO_ERROR;
}

enum memory_status log_memory_read(const struct log_memory *memory, struct bulk_source *source,
				   uint64_t address, void *buffer, size_t size)
{
	uint8_t *out = buffer;
	while (size) {
		uint64_t gap;
		size_t part = read_image(memory, address, out, size, &gap);
		if (!part) {
			enum memory_status status =
				read_bulk(memory, source, address, out,
					  gap < size ? (size_t)gap : size, &part);
			if (status != MEMORY_OK)
				return status;
		}
		out += part;
		address += part;
		size -= part;
	}
	return MEMORY_OK;
}

bool log_memory_next(const struct log_memory *memory, uint64_t address, uint64_t end, uint64_t *ret)
{
	struct memory_range range;
	const struct range_entry *bulk =
		range_map_at(&memory->bulk, range_map_find(&memory->bulk, address));
	uint64_t found = UINT64_MAX;
	if (memory_image_next(memory->image, address, &range))
		found = range.address;
	if (bulk && bulk->address < found)
		found = bulk->address;
	if (found < address)
		found = address;
	if (found >= end)
		return false;
	*ret = found;
	return true;
}

uint64_t log_memory_ranges(const struct log_memory *memory)
{
	return memory_image_range_count(memory->image) + memory->bulk.count;
}

uint64_t log_memory_bytes(const struct log_memory *memory)
{
	uint64_t bytes = memory_image_size_bytes(memory->image);
	struct range_position position = {0};
	const struct range_entry *entry;
	while ((entry = range_map_at(&memory->bulk, position))) {
		bytes += entry->size;
		position = range_map_after(&memory->bulk, position);
	}
	return bytes;
}
