#include "formats/snapshot_held.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

static void held_process_destroy(struct held_process *process)
{
	memory_image_destroy(process->image);
	thread_list_deinit(&process->threads);
	step_past_deinit(&process->past);
	buffer_deinit(&process->edits);
	buffer_deinit(&process->operations);
	buffer_deinit(&process->shows);
	buffer_deinit(&process->plain);
	free(process);
}

void snapshot_held_deinit(struct snapshot_held *held)
{
	for (size_t i = 0; i < held->count; i++)
		held_process_destroy(held->items[i]);
	free(held->items);
	free(held->gone);
	*held = (struct snapshot_held){0};
}

void snapshot_held_begin_epoch(struct snapshot_held *held)
{
	for (size_t i = 0; i < held->count; i++) {
		struct held_process *process = held->items[i];
		memory_image_clear(process->image);
		process->based = process->has_edits = process->is_reused = false;
		buffer_clear(&process->edits);
		buffer_clear(&process->operations);
		process->moved_bytes = 0;
	}
	held->gone_count = 0;
}

/* Index of the first process whose pid is not below. */
static size_t find(const struct snapshot_held *held, int32_t pid)
{
	size_t low = 0;
	size_t high = held->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (held->items[middle]->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_gone(const struct snapshot_held *held, int32_t pid)
{
	for (size_t i = 0; i < held->gone_count; i++) {
		if (held->gone[i] == pid)
			return true;
	}
	return false;
}

static struct error *insert(struct snapshot_held *held, size_t at, int32_t pid)
{
	struct error *no_room = ARRAY_GROW(held->items, held->count, held->capacity, 4);
	if (no_room)
		return no_room;
	struct held_process *process = calloc(1, sizeof(*process));
	if (!process)
		return &error_out_of_memory;
	struct error *error = memory_image_create(&process->image);
	if (error) {
		free(process);
		return error;
	}
	process->pid = pid;
	process->is_reused = is_gone(held, pid);
	memmove(held->items + at + 1, held->items + at,
		(held->count - at) * sizeof(struct held_process *));
	held->items[at] = process;
	held->count++;
	return NULL;
}

struct error *snapshot_held_get(struct snapshot_held *held, int32_t pid, struct held_process **ret)
{
	size_t at = find(held, pid);
	if (at == held->count || held->items[at]->pid != pid) {
		struct error *error = insert(held, at, pid);
		if (error)
			return error;
	}
	*ret = held->items[at];
	return NULL;
}

static struct error *note_gone(struct snapshot_held *held, int32_t pid)
{
	if (is_gone(held, pid))
		return NULL;
	struct error *no_room = ARRAY_GROW(held->gone, held->gone_count, held->gone_capacity, 16);
	if (no_room)
		return no_room;
	held->gone[held->gone_count++] = pid;
	return NULL;
}

struct error *snapshot_held_forget(struct snapshot_held *held, int32_t pid)
{
	size_t at = find(held, pid);
	if (at == held->count || held->items[at]->pid != pid)
		return NULL;
	struct error *error = note_gone(held, pid);
	if (error)
		return error;
	held_process_destroy(held->items[at]);
	held->count--;
	memmove(held->items + at, held->items + at + 1,
		(held->count - at) * sizeof(struct held_process *));
	return NULL;
}
