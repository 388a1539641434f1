#include "formats/snapshot_state_lists.h"

#include <stdlib.h>
#include <string.h>

#include "formats/snapshot_fields.h"
#include "formats/snapshot_format.h"

union list_item {
	struct mapping mapping;
	struct module module;
	struct thread_facts thread;
};

static void maps_clear(struct snapshot_process_state *process)
{
	mappings_deinit(&process->mappings);
}

/* Lookups go by halves, so that the order must hold. */
static bool maps_accept(const struct snapshot_process_state *process, const union list_item *item)
{
	const struct mappings *mappings = &process->mappings;
	uint64_t end = mappings->count ? mappings->items[mappings->count - 1].end : 0;
	return item->mapping.start >= end && item->mapping.start < item->mapping.end;
}

static struct error *maps_append(struct snapshot_process_state *process, union list_item *item)
{
	return mappings_append(&process->mappings, &item->mapping);
}

static void modules_clear(struct snapshot_process_state *process)
{
	modules_deinit(&process->modules);
}

static bool modules_accept(const struct snapshot_process_state *process,
			   const union list_item *item)
{
	const struct modules *modules = &process->modules;
	uint64_t start = modules->count ? modules->items[modules->count - 1].start : 0;
	return item->module.start >= start && item->module.start <= item->module.end;
}

static struct error *modules_append_item(struct snapshot_process_state *process,
					 union list_item *item)
{
	return modules_append(&process->modules, &item->module);
}

static void threads_clear(struct snapshot_process_state *process)
{
	thread_list_deinit(&process->threads);
}

static bool threads_accept(const struct snapshot_process_state *process,
			   const union list_item *item)
{
	(void)process;
	(void)item;
	return true;
}

static struct error *threads_append(struct snapshot_process_state *process, union list_item *item)
{
	struct error *error = thread_list_append(&process->threads, &item->thread);
	if (!error)
		item->thread.registers = NULL; /* the list has them now */
	return error;
}

static const struct list_kind {
	const struct record_table *table;
	void (*clear)(struct snapshot_process_state *process);
	bool (*accept)(const struct snapshot_process_state *process, const union list_item *item);
	struct error *(*append)(struct snapshot_process_state *process, union list_item *item);
} list_kinds[SNAPSHOT_LIST_COUNT] = {
	[SNAPSHOT_LIST_MAPS] = {&snapshot_mapping_table, maps_clear, maps_accept, maps_append},
	[SNAPSHOT_LIST_MODULES] = {&snapshot_module_table, modules_clear, modules_accept,
				   modules_append_item},
	[SNAPSHOT_LIST_THREADS] = {&snapshot_thread_table, threads_clear, threads_accept,
				   threads_append},
};

static struct error *append_entry(struct snapshot_state *state,
				  struct snapshot_process_state *process, enum snapshot_list list,
				  struct cursor *entry)
{
	const struct list_kind *kind = &list_kinds[list];
	union list_item item;
	memset(&item, 0, sizeof(item));
	struct error *error = snapshot_state_count(state, process, list, entry->size);
	if (error)
		return error;
	error = record_decode(entry, kind->table, &item);
	if (!error && cursor_ok(entry) && !kind->accept(process, &item))
		entry->failed = true;
	if (!error && cursor_ok(entry))
		error = kind->append(process, &item);
	record_release(kind->table, &item);
	return error;
}

struct error *snapshot_state_apply_list(struct snapshot_state *state,
					struct snapshot_process_state *process,
					enum snapshot_list list, struct cursor *payload)
{
	const struct list_kind *kind = &list_kinds[list];
	bool begun = false;
	uint64_t part = 0;
	uint64_t key;
	struct cursor value;
	while (record_next(payload, &key, &value)) {
		/* The part's number stands before the entries. */
		if (key == SNAPSHOT_KEY_PART && !begun)
			part = record_number(&value);
		if (key != SNAPSHOT_KEY_ENTRY && cursor_ok(&value))
			continue;
		if (!begun && part != 0 && part != process->next_part[list])
			value.failed = true;
		if (!begun && part == 0) {
			snapshot_state_uncount(state, process, list);
			kind->clear(process);
		}
		begun = true;
		struct error *error = NULL;
		if (cursor_ok(&value))
			error = append_entry(state, process, list, &value);
		if (error)
			return error;
		if (!cursor_ok(&value)) {
			payload->failed = true;
			return NULL;
		}
	}
	/* An empty list is a list. */
	if (!begun && part == 0) {
		snapshot_state_uncount(state, process, list);
		kind->clear(process);
	}
	process->next_part[list] = (uint32_t)part + 1;
	return NULL;
}
