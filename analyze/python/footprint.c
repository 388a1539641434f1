#include "analyze/python/footprint.h"

#include <stdlib.h>

/* A read is of one block or two, and few things have a part of one block. Places in a block are
 * numbers of 8 bits. */
enum { BLOCK_SHIFT = 8, BLOCK_SIZE = 1 << BLOCK_SHIFT };

enum { FIRST_PLACES = 64, FIRST_SLOTS = 64, MAX_PLACES = 1 << 26 };

struct footprint_place {
	uint64_t block;
	struct footprint_owner owner;
	uint32_t next;	   /* of the same block, or in the list of free ones; 0: none */
	uint32_t previous; /* of the same block; 0: the slot has it */
	uint32_t sibling;  /* of the same footprint */
	uint8_t first;	   /* in the block */
	uint8_t last;
};

/* A block that has places, or had some. */
struct footprint_slot {
	uint64_t block;
	uint32_t first;
	bool used;
};

void footprint_index_deinit(struct footprint_index *index)
{
	free(index->places);
	free(index->slots);
	*index = (struct footprint_index){0};
}

/* Fibonacci hashing (Knuth, TAOCP 6.4). */
static size_t hash_of(uint64_t block)
{
	return (size_t)((block * 0x9e3779b97f4a7c15ULL) >> 24);
}

/* The slot of a block, or the free one where it belongs. There always is a free one. */
static struct footprint_slot *find_slot(const struct footprint_index *index, uint64_t block)
{
	size_t mask = index->slot_capacity - 1;
	size_t at = hash_of(block) & mask;
	while (index->slots[at].used && index->slots[at].block != block)
		at = (at + 1) & mask;
	return &index->slots[at];
}

/* Make the table anew, of twice the size of what is in it; slots without places are left out. */
static struct error *rebuild_slots(struct footprint_index *index)
{
	struct footprint_index bigger = {.slot_capacity = FIRST_SLOTS};
	size_t live = 0;
	for (size_t i = 0; i < index->slot_capacity; i++)
		live += index->slots[i].first != 0;
	while (bigger.slot_capacity < live * 4)
		bigger.slot_capacity *= 2;
	bigger.slots = calloc(bigger.slot_capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return &error_out_of_memory;
	for (size_t i = 0; i < index->slot_capacity; i++) {
		if (index->slots[i].first)
			*find_slot(&bigger, index->slots[i].block) = index->slots[i];
	}
	free(index->slots);
	index->slots = bigger.slots;
	index->slot_capacity = bigger.slot_capacity;
	index->slot_count = live;
	return NULL;
}

static struct error *take_place(struct footprint_index *index, uint32_t *ret)
{
	if (index->places && index->free) {
		*ret = index->free;
		index->free = index->places[index->free].next;
		return NULL;
	}
	if (!index->places || index->place_count == index->place_capacity) {
		uint32_t capacity =
			index->place_capacity ? index->place_capacity * 2 : FIRST_PLACES;
		struct footprint_place *places =
			capacity > MAX_PLACES
				? NULL
				: reallocarray(index->places, capacity, sizeof(*places));
		if (!places)
			return &error_out_of_memory;
		index->places = places;
		index->place_capacity = capacity;
		if (!index->place_count)
			index->place_count = 1;
	}
	*ret = index->place_count++;
	return NULL;
}

/* Part of one block. */
static struct error *add_place(struct footprint_index *index, struct footprint *footprint,
			       struct footprint_owner owner, uint64_t block, uint8_t first,
			       uint8_t last)
{
	struct footprint_place *before = footprint->first ? &index->places[footprint->first] : NULL;
	uint32_t number;
	/* What is read together lies together. */
	if (before && before->block == block) {
		before->first = first < before->first ? first : before->first;
		before->last = last > before->last ? last : before->last;
		return NULL;
	}
	if (index->slot_count * 2 >= index->slot_capacity) {
		struct error *error = rebuild_slots(index);
		if (error)
			return error;
	}
	struct error *error = take_place(index, &number);
	if (error)
		return error;
	struct footprint_slot *slot = find_slot(index, block);
	index->slot_count += !slot->used;
	if (!slot->used)
		*slot = (struct footprint_slot){.block = block, .used = true};
	if (slot->first)
		index->places[slot->first].previous = number;
	index->places[number] = (struct footprint_place){
		.block = block,
		.owner = owner,
		.next = slot->first,
		.sibling = footprint->first,
		.first = first,
		.last = last,
	};
	slot->first = number;
	footprint->first = number;
	return NULL;
}

struct error *footprint_add(struct footprint_index *index, struct footprint *footprint,
			    struct footprint_owner owner, uint64_t address, uint64_t size)
{
	if (!size)
		return NULL;
	uint64_t end = address + (size - 1);
	if (end < address)
		end = UINT64_MAX;
	for (uint64_t block = address >> BLOCK_SHIFT; block <= end >> BLOCK_SHIFT; block++) {
		uint8_t first = block == address >> BLOCK_SHIFT ? address % BLOCK_SIZE : 0;
		uint8_t last = block == end >> BLOCK_SHIFT ? end % BLOCK_SIZE : BLOCK_SIZE - 1;
		struct error *error = add_place(index, footprint, owner, block, first, last);
		if (error)
			return error;
	}
	return NULL;
}

void footprint_clear(struct footprint_index *index, struct footprint *footprint)
{
	for (uint32_t number = footprint->first; number;) {
		struct footprint_place *place = &index->places[number];
		uint32_t sibling = place->sibling;
		if (place->next)
			index->places[place->next].previous = place->previous;
		if (place->previous)
			index->places[place->previous].next = place->next;
		else
			find_slot(index, place->block)->first = place->next;
		place->next = index->free;
		index->free = number;
		number = sibling;
	}
	footprint->first = 0;
}

void footprint_set_part(struct footprint_index *index, const struct footprint *footprint,
			uint32_t part)
{
	for (uint32_t number = footprint->first; number; number = index->places[number].sibling)
		index->places[number].owner.part = part;
}

/* Places of a block that have a byte of [first, last]. */
static void touch_block(const struct footprint_index *index, const struct footprint_slot *slot,
			uint8_t first, uint8_t last, footprint_touch_function touch, void *context)
{
	for (uint32_t number = slot->first; number; number = index->places[number].next) {
		const struct footprint_place *place = &index->places[number];
		if (place->first <= last && place->last >= first)
			touch(context, place->owner);
	}
}

void footprint_touch(const struct footprint_index *index, uint64_t address, uint64_t size,
		     footprint_touch_function touch, void *context)
{
	if (!size || !index->slot_capacity)
		return;
	uint64_t end = address + (size - 1);
	if (end < address)
		end = UINT64_MAX;
	uint64_t low = address >> BLOCK_SHIFT;
	uint64_t high = end >> BLOCK_SHIFT;
	/* Of a range that is longer than the table, the table is gone through. */
	bool all = high - low >= index->slot_capacity;
	size_t steps = all ? index->slot_capacity : (size_t)(high - low) + 1;
	for (size_t i = 0; i < steps; i++) {
		const struct footprint_slot *slot =
			all ? &index->slots[i] : find_slot(index, low + i);
		if (!slot->first || slot->block < low || slot->block > high)
			continue;
		touch_block(index, slot, slot->block == low ? address % BLOCK_SIZE : 0,
			    slot->block == high ? end % BLOCK_SIZE : BLOCK_SIZE - 1, touch,
			    context);
	}
}
