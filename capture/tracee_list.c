#include "capture/tracee_list.h"

#include <stdlib.h>
#include <sys/ptrace.h>

struct error *tracee_list_create(pid_t pid, struct tracee_list **ret)
{
	struct tracee_list *list = calloc(1, sizeof(*list));
	if (!list)
		return &error_out_of_memory;
	list->pid = pid;
	*ret = list;
	return NULL;
}

void tracee_list_destroy(struct tracee_list *list)
{
	if (!list)
		return;
	free(list->items);
	free(list);
}

/* The search begins behind the one that was found last: threads are asked for in the order in which
 * they were listed. */
struct tracee *tracee_list_find(struct tracee_list *list, size_t count, pid_t tid)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = (list->found + i) % count;
		if (list->items[at].tid != tid)
			continue;
		list->found = at + 1;
		return &list->items[at];
	}
	return NULL;
}

struct error *tracee_list_reserve(struct tracee_list *list, size_t extra)
{
	size_t needed = list->count + extra;
	if (needed <= list->capacity)
		return NULL;
	size_t capacity = needed + 64;
	struct tracee *items = reallocarray(list->items, capacity, sizeof(*items));
	if (!items)
		return &error_out_of_memory;
	list->items = items;
	list->capacity = capacity;
	return NULL;
}

void tracee_list_forget_gone(struct tracee_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].state != TRACEE_GONE)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static bool has_vanished(const struct tracee_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].lost_id)
			return true;
	return false;
}

void tracee_list_adopt_after_exec(struct tracee_list *list)
{
	if (!has_vanished(list))
		return;
	tracee_list_forget_gone(list);
	if (tracee_list_find(list, list->count, list->pid) || tracee_list_reserve(list, 1) ||
	    ptrace(PTRACE_INTERRUPT, list->pid, NULL, NULL) != 0)
		return;
	list->items[list->count++] = (struct tracee){
		.tid = list->pid,
		.leader = true,
		.state = TRACEE_INTERRUPTED,
	};
}

void tracee_list_prepare_to_let_go(struct tracee_list *list)
{
	bool vanished = has_vanished(list);
	for (size_t i = 0; i < list->count; i++) {
		struct tracee *tracee = &list->items[i];
		tracee->wanted = false;
		if (tracee->state == TRACEE_SEIZED)
			tracee_interrupt(tracee);
		/* After exec(2) this may be another thread, not to be given the old one's signal.
		 */
		if (vanished && tracee->leader && tracee->state == TRACEE_STOPPED) {
			tracee->state = TRACEE_INTERRUPTED;
			tracee_poll(tracee);
		}
	}
}

bool tracee_list_settle(struct tracee_list *list)
{
	bool left = false;
	for (size_t i = 0; i < list->count; i++) {
		struct tracee *tracee = &list->items[i];
		if (tracee->wanted)
			continue;
		if (tracee->state == TRACEE_INTERRUPTED)
			tracee_poll_again(tracee);
		if (tracee->state == TRACEE_STOPPED)
			tracee_detach(tracee);
	}
	tracee_list_adopt_after_exec(list);
	tracee_list_forget_gone(list);
	for (size_t i = 0; i < list->count; i++)
		left |= !list->items[i].wanted;
	return left;
}
