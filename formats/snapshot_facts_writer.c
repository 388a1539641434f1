#include "formats/snapshot_facts_writer.h"

#include <stdlib.h>

#include "common/array.h"
#include "formats/snapshot_block.h"

/* A list's chunk is ended when it has this many bytes, so that chunks stay far below a block. */
enum { LIST_PART_BYTES = 64 << 10 };

static const uint16_t slot_types[FACTS_SLOTS] = {
	SNAPSHOT_CHUNK_PROCESS, SNAPSHOT_CHUNK_MAPS,	SNAPSHOT_CHUNK_MODULES,
	SNAPSHOT_CHUNK_PYTHON,	SNAPSHOT_CHUNK_THREADS,
};

static void process_slots_deinit(struct process_slots *process)
{
	for (size_t i = 0; i < FACTS_SLOTS; i++)
		buffer_deinit(&process->chunks[i]);
}

void facts_writer_deinit(struct facts_writer *facts)
{
	for (size_t i = 0; i < facts->count; i++)
		process_slots_deinit(&facts->processes[i]);
	free(facts->processes);
	buffer_deinit(&facts->payload);
	buffer_deinit(&facts->record);
	*facts = (struct facts_writer){0};
}

static struct error *add_process(struct facts_writer *facts, int32_t pid)
{
	struct error *no_room = ARRAY_GROW(facts->processes, facts->count, facts->capacity, 4);
	if (no_room)
		return no_room;
	facts->processes[facts->count++] = (struct process_slots){.pid = pid};
	return NULL;
}

static struct error *find_slot(struct facts_writer *facts, enum snapshot_chunk type, int32_t pid,
			       struct buffer **ret)
{
	size_t at = 0;
	while (at < facts->count && facts->processes[at].pid != pid)
		at++;
	if (at == facts->count) {
		struct error *error = add_process(facts, pid);
		if (error)
			return error;
	}
	for (size_t i = 0; i < FACTS_SLOTS; i++) {
		if (slot_types[i] == type) {
			*ret = &facts->processes[at].chunks[i];
			buffer_clear(*ret);
			return NULL;
		}
	}
	return error_create(ERROR_FAILED, "chunk type %d has no slot", (int)type);
}

static struct error *append_payload(struct facts_writer *facts, struct buffer *slot,
				    enum snapshot_chunk type)
{
	return block_chunk_append(slot, (uint16_t)type, 0, facts->payload.data,
				  facts->payload.size);
}

/* In every chunk about a process, the pid stands first. */
static struct error *begin_payload(struct facts_writer *facts, int32_t pid)
{
	buffer_clear(&facts->payload);
	return record_append_number(&facts->payload, SNAPSHOT_KEY_PID, zigzag_encode(pid));
}

struct error *facts_writer_record(struct facts_writer *facts, enum snapshot_chunk type, int32_t pid,
				  const struct record_table *table, const void *object,
				  const struct buffer **ret)
{
	struct buffer *slot;
	struct error *error = find_slot(facts, type, pid, &slot);
	if (!error)
		error = begin_payload(facts, pid);
	if (!error)
		error = record_encode(&facts->payload, table, object);
	if (!error)
		error = append_payload(facts, slot, type);
	if (error)
		return error;
	*ret = slot;
	return NULL;
}

static struct error *begin_part(struct facts_writer *facts, int32_t pid, uint32_t part)
{
	struct error *error = begin_payload(facts, pid);
	if (error || !part)
		return error;
	return record_append_number(&facts->payload, SNAPSHOT_KEY_PART, part);
}

struct error *facts_writer_list(struct facts_writer *facts, enum snapshot_chunk type, int32_t pid,
				const struct record_table *table, const void *items,
				size_t item_size, size_t count, const struct buffer **ret)
{
	uint32_t part = 0;
	struct buffer *slot;
	struct error *error = find_slot(facts, type, pid, &slot);
	if (!error)
		error = begin_part(facts, pid, part);
	for (size_t i = 0; !error && i < count; i++) {
		if (facts->payload.size >= LIST_PART_BYTES) {
			error = append_payload(facts, slot, type);
			if (!error)
				error = begin_part(facts, pid, ++part);
		}
		buffer_clear(&facts->record);
		if (!error)
			error = record_encode(&facts->record, table,
					      (const uint8_t *)items + i * item_size);
		if (!error)
			error = record_append(&facts->payload, SNAPSHOT_KEY_ENTRY,
					      facts->record.data, facts->record.size);
	}
	if (!error)
		error = append_payload(facts, slot, type);
	if (error)
		return error;
	*ret = slot;
	return NULL;
}

size_t facts_writer_retire(struct facts_writer *facts, int32_t pid)
{
	/* Entries of lists have 20 bytes or more, and SNAPSHOT_RECORD_OVERHEAD is counted for each.
	 */
	enum { COST = 1 + SNAPSHOT_RECORD_OVERHEAD / 20 };
	size_t size = 0;
	for (size_t i = 0; i < facts->count; i++) {
		struct process_slots *process = &facts->processes[i];
		for (size_t j = 0; process->pid == pid && j < FACTS_SLOTS; j++) {
			size += process->chunks[j].size;
			if (slot_types[j] == SNAPSHOT_CHUNK_PROCESS)
				continue;
			buffer_deinit(&process->chunks[j]);
			process->chunks[j] = (struct buffer){0};
		}
	}
	return size * COST;
}

void facts_writer_forget(struct facts_writer *facts, int32_t pid)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->processes[i].pid != pid)
			continue;
		process_slots_deinit(&facts->processes[i]);
		facts->processes[i] = facts->processes[--facts->count];
		return;
	}
}
