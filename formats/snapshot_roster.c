#include "formats/snapshot_roster.h"

#include <stdlib.h>
#include <string.h>

#include "formats/snapshot_block.h"

enum {
	FIRST_CAPACITY = 8,
	/* As many steps back cost little. */
	FEW_PROCESSES = 64,
};

void snapshot_roster_deinit(struct snapshot_roster *roster)
{
	free(roster->entries);
	free(roster->slots);
	*roster = (struct snapshot_roster){0};
}

/* The slot that has the process, or the empty one where it belongs. At least half are empty. */
static uint32_t *find_slot(const struct snapshot_roster *roster, int32_t pid)
{
	size_t mask = roster->capacity * 2 - 1;
	/* Knuth's multiplicative hash; its upper bits are the good ones. */
	size_t at = (uint32_t)pid * UINT32_C(2654435769) >> 12 & mask;
	while (roster->slots[at] && roster->entries[roster->slots[at] - 1].pid != pid)
		at = (at + 1) & mask;
	return &roster->slots[at];
}

static void fill_slots(struct snapshot_roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		*find_slot(roster, roster->entries[i].pid) = (uint32_t)i + 1;
}

static struct error *grow(struct snapshot_roster *roster)
{
	size_t capacity = roster->capacity ? roster->capacity * 2 : FIRST_CAPACITY;
	struct roster_entry *entries = reallocarray(roster->entries, capacity, sizeof(*entries));
	if (!entries)
		return &error_out_of_memory;
	roster->entries = entries;
	uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
	if (!slots)
		return &error_out_of_memory;
	free(roster->slots);
	roster->slots = slots;
	roster->capacity = capacity;
	fill_slots(roster);
	return NULL;
}

struct error *snapshot_roster_add(struct snapshot_roster *roster, int32_t pid, uint64_t sample)
{
	if (roster->count == roster->capacity && roster->count < SNAPSHOT_EPOCH_PROCESSES_MAX) {
		struct error *error = grow(roster);
		if (error)
			return error;
	}
	uint32_t *slot = find_slot(roster, pid);
	if (!*slot) {
		roster->cut |= roster->count == SNAPSHOT_EPOCH_PROCESSES_MAX;
		if (roster->cut)
			return NULL;
		roster->entries[roster->count++] =
			(struct roster_entry){.pid = pid, .first_sample = sample};
		*slot = (uint32_t)roster->count;
	}
	struct roster_entry *entry = &roster->entries[*slot - 1];
	entry->samples++;
	entry->last_sample = sample;
	return NULL;
}

struct error *snapshot_roster_add_content(struct snapshot_roster *roster,
					  const struct buffer *content, uint64_t *sample)
{
	struct block_cursor chunks = block_chunks(content->data, content->size);
	struct block_chunk chunk;
	while (block_next_chunk(&chunks, &chunk)) {
		if (!block_chunk_is_sample(&chunk))
			continue;
		int32_t pid = block_chunk_pid(&chunk);
		struct error *error = snapshot_roster_add(roster, pid, (*sample)++);
		if (error)
			return error;
	}
	return NULL;
}

static int by_last_sample(const void *a, const void *b)
{
	const struct roster_entry *first = a;
	const struct roster_entry *second = b;
	return first->last_sample < second->last_sample ? -1 : 1; /* never equal */
}

void snapshot_roster_finish(struct snapshot_roster *roster)
{
	if (roster->count <= FEW_PROCESSES)
		return;
	qsort(roster->entries, roster->count, sizeof(*roster->entries), by_last_sample);
	memset(roster->slots, 0, roster->capacity * 2 * sizeof(*roster->slots));
	fill_slots(roster);
}

const struct roster_entry *snapshot_roster_find(const struct snapshot_roster *roster, int32_t pid)
{
	uint32_t index = roster->count ? *find_slot(roster, pid) : 0;
	return index ? &roster->entries[index - 1] : NULL;
}
