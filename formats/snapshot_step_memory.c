#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "formats/snapshot_record.h"
#include "formats/snapshot_step.h"

/* An operation begins with the number of a place, or with its kind and size. */
enum operation_code {
	CODE_IS_PLACE = 1 << 0,
	CODE_IS_VALUE = 1 << 1, /* of a place: a number follows, not bytes */
	CODE_PLACE_SHIFT = 2,
	CODE_KIND_SHIFT = 1,
	CODE_KIND_MASK = 7,
	CODE_SIZE_SHIFT = 4, /* or how many extents */
};

static bool has_values(const struct step_place *place)
{
	return place->size >= STEP_VALUE_MIN && place->size <= STEP_VALUE_MAX;
}

static void note_value(struct step_place *place, const uint8_t *bytes)
{
	if (!has_values(place))
		return;
	memcpy(place->values[place->value_next], bytes, place->size);
	place->value_next = (place->value_next + 1) % STEP_VALUES;
	if (place->value_count < STEP_VALUES)
		place->value_count++;
}

static bool find_value(const struct step_place *place, const uint8_t *bytes, uint64_t *ret)
{
	for (uint16_t i = 0; i < place->value_count; i++) {
		if (memcmp(place->values[i], bytes, place->size) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static uint32_t place_hash(const struct step_operation *operation)
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
static struct error *note_place(struct step_places *places, const struct step_operation *operation)
{
	if (operation->kind != STEP_MEMORY_PATCH || operation->size > STEP_PLACE_BYTES)
		return NULL;
	if (places->count == STEP_PLACES)
		forget_places(places);
	struct error *no_room = ARRAY_GROW(places->items, places->count, places->capacity, 16);
	if (no_room)
		return no_room;
	struct step_place *place = &places->items[places->count++];
	*place = (struct step_place){
		.address = operation->address,
		.size = (uint32_t)operation->size,
	};
	note_value(place, operation->bytes);
	return NULL;
}

static bool find_place(const struct step_places *places, const struct step_operation *operation,
		       uint64_t *ret)
{
	uint32_t hash = place_hash(operation);
	size_t cursor = hash;
	uint32_t number;
	if (operation->kind != STEP_MEMORY_PATCH)
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

static bool is_by_number(enum step_memory_kind kind)
{
	return kind == STEP_MEMORY_HIDE_AGAIN || kind == STEP_MEMORY_SHOW;
}

static struct error *append_numbers(struct buffer *buffer, struct step_places *places,
				    const struct step_operation *operation)
{
	uint64_t code = operation->count << CODE_SIZE_SHIFT | (uint64_t)operation->kind
								      << CODE_KIND_SHIFT;
	int64_t distance = (int64_t)(operation->number - places->number);
	struct error *error = buffer_append_varint(buffer, code);
	places->number = operation->number + operation->count;
	return error ? error : buffer_append_varint(buffer, zigzag_encode(distance));
}

static struct error *append_head(struct buffer *buffer, struct step_places *places,
				 const struct step_operation *operation)
{
	uint64_t code = operation->size << CODE_SIZE_SHIFT | (uint64_t)operation->kind
								     << CODE_KIND_SHIFT;
	struct error *error = buffer_append_varint(buffer, code);
	if (!error)
		error = buffer_append_varint(
			buffer, zigzag_encode((int64_t)(operation->address - places->position)));
	size_t count = places->count;
	if (!error)
		error = note_place(places, operation);
	if (!error && places->count != count)
		error = hash_index_add(&places->index, place_hash(operation),
				       (uint32_t)places->count - 1);
	return error;
}

static struct error *append_place(struct buffer *buffer, struct step_places *places,
				  uint64_t number, const uint8_t *bytes)
{
	struct step_place *place = &places->items[number];
	uint64_t code = number << CODE_PLACE_SHIFT | CODE_IS_PLACE;
	uint64_t value;
	bool is_value = find_value(place, bytes, &value);
	struct error *error = buffer_append_varint(buffer, code | (is_value ? CODE_IS_VALUE : 0));
	if (error)
		return error;
	if (is_value)
		return buffer_append_varint(buffer, value);
	note_value(place, bytes);
	return buffer_append(buffer, bytes, place->size);
}

struct error *step_memory_append(struct buffer *buffer, struct step_places *places,
				 const struct step_operation *operation)
{
	uint64_t place;
	if (is_by_number(operation->kind))
		return append_numbers(buffer, places, operation);
	struct error *error;
	if (find_place(places, operation, &place)) {
		error = append_place(buffer, places, place, operation->bytes);
	} else {
		error = append_head(buffer, places, operation);
		if (!error && operation->bytes)
			error = buffer_append(buffer, operation->bytes, (size_t)operation->size);
	}
	places->position = operation->address + operation->size;
	return error;
}

static void read_place(struct cursor *cursor, const struct step_places *places, uint64_t code,
		       struct step_operation *operation)
{
	uint64_t number = code >> CODE_PLACE_SHIFT;
	if (number >= places->count) {
		cursor->failed = true;
		return;
	}
	struct step_place *place = &places->items[number];
	operation->address = place->address;
	operation->size = place->size;
	if (code & CODE_IS_VALUE) {
		uint64_t value = cursor_varint(cursor);
		cursor->failed |= value >= place->value_count;
		operation->bytes = place->values[value % STEP_VALUES];
		return;
	}
	operation->bytes = cursor_bytes(cursor, operation->size);
	if (operation->bytes)
		note_value(place, operation->bytes);
}

static void read_numbers(struct cursor *cursor, struct step_places *places,
			 struct step_operation *operation)
{
	operation->count = operation->size;
	operation->size = 0;
	operation->number = places->number + (uint64_t)zigzag_decode(cursor_varint(cursor));
	if (operation->number >= SHELF_EXTENTS || !operation->count ||
	    operation->count > SHELF_EXTENTS - operation->number)
		cursor->failed = true;
	places->number = operation->number + operation->count;
}

static void read_range(struct cursor *cursor, const struct step_places *places,
		       struct step_operation *operation)
{
	operation->address = places->position + (uint64_t)zigzag_decode(cursor_varint(cursor));
	/* Nothing is empty, and nothing wraps around the end of the address space. */
	if (!operation->size || operation->address + (operation->size - 1) < operation->address ||
	    (operation->kind == STEP_MEMORY_HIDE && operation->size > SHELF_EXTENT_BYTES))
		cursor->failed = true;
}

struct error *step_memory_next(struct cursor *cursor, struct step_places *places,
			       struct step_operation *ret, bool *ret_any)
{
	struct step_operation operation = {.kind = STEP_MEMORY_PATCH};
	*ret_any = false;
	if (!cursor_left(cursor))
		return NULL;
	uint64_t code = cursor_varint(cursor);
	bool is_place = code & CODE_IS_PLACE;
	if (!is_place) {
		operation.kind = code >> CODE_KIND_SHIFT & CODE_KIND_MASK;
		operation.size = code >> CODE_SIZE_SHIFT;
	}
	if (is_place)
		read_place(cursor, places, code, &operation);
	else if (is_by_number(operation.kind))
		read_numbers(cursor, places, &operation);
	else
		read_range(cursor, places, &operation);
	if (!is_place && (operation.kind == STEP_MEMORY_PATCH || operation.kind == STEP_MEMORY_PUT))
		operation.bytes = cursor_bytes(cursor, operation.size);
	if (operation.kind > STEP_MEMORY_SHOW)
		cursor->failed = true;
	if (!cursor_ok(cursor))
		return NULL;
	if (!is_by_number(operation.kind))
		places->position = operation.address + operation.size;
	*ret = operation;
	*ret_any = true;
	return is_place ? NULL : note_place(places, &operation);
}
