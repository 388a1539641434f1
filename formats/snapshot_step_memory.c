#include <stdlib.h>

#include "formats/snapshot_format.h"
#include "formats/snapshot_record.h"
#include "formats/snapshot_step.h"

/* An operation begins with the number of a place, or with its kind and size. */
enum operation_code {
	CODE_IS_PLACE = 1 << 0,
	CODE_PLACE_SHIFT = 1,
	CODE_KIND_SHIFT = 1,
	CODE_KIND_MASK = 3,
	CODE_SIZE_SHIFT = 3,
};

static uint32_t place_hash(const struct memory_operation *operation)
{
	uint64_t key = operation->address ^ operation->size << 56;
	return hash_two((uint32_t)(key >> 32), (uint32_t)key);
}

static void forget_places(struct step_places *places)
{
	hash_index_deinit(&places->index);
	places->index = (struct hash_index){0};
	places->count = 0;
}

/* Both sides note the same changes. */
static struct error *note_place(struct step_places *places,
				const struct memory_operation *operation)
{
	if (operation->kind != SNAPSHOT_MEMORY_PATCH || operation->size > STEP_PLACE_BYTES)
		return NULL;
	if (places->count == STEP_PLACES)
		forget_places(places);
	if (places->count == places->capacity) {
		size_t capacity = places->capacity ? places->capacity * 2 : 16;
		struct step_place *items =
			reallocarray(places->items, capacity, sizeof(*places->items));
		if (!items)
			return &error_out_of_memory;
		places->items = items;
		places->capacity = capacity;
	}
	places->items[places->count++] =
		(struct step_place){.address = operation->address, .size = operation->size};
	return NULL;
}

static bool find_place(const struct step_places *places, const struct memory_operation *operation,
		       uint64_t *ret)
{
	uint32_t hash = place_hash(operation);
	size_t cursor = hash;
	uint32_t number;
	if (operation->kind != SNAPSHOT_MEMORY_PATCH)
		return false;
	while ((number = hash_index_next(&places->index, hash, &cursor)) != HASH_INDEX_END) {
		const struct step_place *place = &places->items[number];
		if (place->address == operation->address && place->size == operation->size) {
			*ret = number;
			return true;
		}
	}
	return false;
}

static struct error *append_head(struct buffer *buffer, struct step_places *places,
				 const struct memory_operation *operation)
{
	static const uint8_t kinds[] = {
		[SNAPSHOT_MEMORY_PUT] = STEP_MEMORY_PUT,
		[SNAPSHOT_MEMORY_PATCH] = STEP_MEMORY_PATCH,
		[SNAPSHOT_MEMORY_DROP] = STEP_MEMORY_DROP,
		[SNAPSHOT_MEMORY_COPY] = STEP_MEMORY_COPY,
	};
	uint64_t code = operation->size << CODE_SIZE_SHIFT | (uint64_t)kinds[operation->kind]
								     << CODE_KIND_SHIFT;
	struct error *error = buffer_append_varint(buffer, code);
	if (!error)
		error = buffer_append_varint(
			buffer, zigzag_encode((int64_t)(operation->address - places->position)));
	if (!error && operation->kind == SNAPSHOT_MEMORY_COPY)
		error = buffer_append_varint(
			buffer, zigzag_encode((int64_t)(operation->source - operation->address)));
	size_t count = places->count;
	if (!error)
		error = note_place(places, operation);
	if (!error && places->count != count)
		error = hash_index_add(&places->index, place_hash(operation),
				       (uint32_t)places->count - 1);
	return error;
}

struct error *step_memory_append(struct buffer *buffer, struct step_places *places,
				 const struct memory_operation *operation)
{
	uint64_t place;
	struct error *error =
		find_place(places, operation, &place)
			? buffer_append_varint(buffer, place << CODE_PLACE_SHIFT | CODE_IS_PLACE)
			: append_head(buffer, places, operation);
	if (!error && operation->bytes)
		error = buffer_append(buffer, operation->bytes, (size_t)operation->size);
	places->position = operation->address + operation->size;
	return error;
}

static void read_head(struct cursor *cursor, const struct step_places *places, uint64_t code,
		      struct memory_operation *operation)
{
	static const uint8_t kinds[] = {
		[STEP_MEMORY_PATCH] = SNAPSHOT_MEMORY_PATCH,
		[STEP_MEMORY_PUT] = SNAPSHOT_MEMORY_PUT,
		[STEP_MEMORY_DROP] = SNAPSHOT_MEMORY_DROP,
		[STEP_MEMORY_COPY] = SNAPSHOT_MEMORY_COPY,
	};
	operation->kind = kinds[code >> CODE_KIND_SHIFT & CODE_KIND_MASK];
	operation->size = code >> CODE_SIZE_SHIFT;
	operation->address = places->position + (uint64_t)zigzag_decode(cursor_varint(cursor));
	if (operation->kind == SNAPSHOT_MEMORY_COPY)
		operation->source =
			operation->address + (uint64_t)zigzag_decode(cursor_varint(cursor));
	/* Nothing is empty, and nothing wraps around the end of the address space. */
	if (!operation->size || operation->address + (operation->size - 1) < operation->address ||
	    operation->source + (operation->size - 1) < operation->source)
		cursor->failed = true;
}

struct error *step_memory_next(struct cursor *cursor, struct step_places *places,
			       struct memory_operation *ret, bool *ret_any)
{
	struct memory_operation operation = {.kind = SNAPSHOT_MEMORY_PATCH};
	*ret_any = false;
	if (!cursor_left(cursor))
		return NULL;
	uint64_t code = cursor_varint(cursor);
	uint64_t place = code >> CODE_PLACE_SHIFT;
	bool is_place = code & CODE_IS_PLACE;
	if (is_place && place < places->count) {
		operation.address = places->items[place].address;
		operation.size = places->items[place].size;
	} else if (is_place) {
		cursor->failed = true;
	} else {
		read_head(cursor, places, code, &operation);
	}
	if (operation.kind == SNAPSHOT_MEMORY_PATCH || operation.kind == SNAPSHOT_MEMORY_PUT)
		operation.bytes = cursor_bytes(cursor, operation.size);
	if (!cursor_ok(cursor))
		return NULL;
	places->position = operation.address + operation.size;
	*ret = operation;
	*ret_any = true;
	return is_place ? NULL : note_place(places, &operation);
}
