#include "capture/run_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/proc.h"
#include "capture/proc_stat.h"
#include "capture/task_list.h"
#include "common/cleanup.h"

#define NS_PER_MS UINT64_C(1000000)

/* Between two looks for children. */
#define LOOK_NS (50 * NS_PER_MS)
/* The same where the kernel does not tell them, and all processes of the machine must be read. */
#define CENSUS_NS (1000 * NS_PER_MS)

enum {
	/* Of a process's threads so many are asked for their children at once. */
	TASKS_PER_LOOK = 32,
	CHILDREN_LIMIT = 64 << 10, /* bytes of numbers */
};

void run_set_deinit(struct run_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		run_member_destroy(set->members[i]);
	free(set->members);
	*set = (struct run_set){0};
}

static struct run_member *find(const struct run_set *set, pid_t pid)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->members[i]->pid == pid && set->members[i]->state != MEMBER_ENDED)
			return set->members[i];
	}
	return NULL;
}

/* Takes over `facts`. */
static struct error *add(struct run_set *set, struct process_facts *facts, bool named)
{
	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? set->capacity * 2 : 8;
		struct run_member **members =
			reallocarray(set->members, capacity, sizeof(struct run_member *));
		if (!members)
			return &error_out_of_memory;
		set->members = members;
		set->capacity = capacity;
	}
	struct error *error = run_member_create(set->options, set->output, facts, named,
						&set->members[set->count]);
	set->count += !error;
	return error;
}

struct error *run_set_add(struct run_set *set, pid_t pid)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	struct run_member *member = find(set, pid);
	if (member) {
		member->named = true;
		return NULL;
	}
	/* What is wrong with it is told when it is looked at. */
	struct error *error = proc_relative(pid, &facts);
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	facts.pid = pid;
	return add(set, &facts, true);
}

static struct error *add_child(struct run_set *set, pid_t pid)
{
	CLEANUP(process_facts_deinit) struct process_facts facts = {0};
	if (pid == getpid() || find(set, pid))
		return NULL;
	if (set->count >= RUN_SET_MAX) {
		set->cut = true;
		return NULL;
	}
	struct error *error = proc_relative(pid, &facts);
	if (!error)
		return add(set, &facts, false);
	if (error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	return NULL;
}

/* The numbers in a text. */
static struct error *add_children(struct run_set *set, const char *text)
{
	for (;;) {
		char *end;
		long pid = strtol(text, &end, 10);
		if (end == text)
			return NULL;
		struct error *error =
			pid > 0 && pid <= INT32_MAX ? add_child(set, (pid_t)pid) : NULL;
		if (error)
			return error;
		text = end;
	}
}

static void cleanup_buffer(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

/*
 * The children of one process: those of its main thread at each look, of its other threads in turn.
 * False if the kernel does not tell (CONFIG_PROC_CHILDREN). A list that is read while another child
 * ends can be too short (proc(5)): the next look has the rest.
 */
static struct error *look_for_children(struct run_set *set, const struct run_member *member,
				       bool *ret_told)
{
	CLEANUP(task_folder_close) struct task_folder folder = {.fd = -1};
	CLEANUP(task_ids_deinit) struct task_ids ids = {0};
	CLEANUP(cleanup_buffer) struct buffer text = {0};
	struct error *error = task_folder_open(member->pid, &folder);
	if (!error)
		error = task_folder_list(&folder, &ids);
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	if (error || !ids.count)
		return NULL;
	uint64_t turn = set->look_ns / LOOK_NS;
	size_t others = ids.count - 1;
	size_t asked = others < TASKS_PER_LOOK ? others : TASKS_PER_LOOK;
	for (size_t i = 0; i <= asked; i++) {
		char path[64];
		size_t at = i ? 1 + (size_t)((turn * asked + i - 1) % others) : 0;
		snprintf(path, sizeof(path), "%d/children", (int)ids.items[at]);
		int errnum = proc_read_text(folder.fd, path, CHILDREN_LIMIT, &text);
		if (errnum == ENOENT && !i && task_folder_has(&folder, ids.items[0]))
			*ret_told = false;
		error = errnum ? NULL : add_children(set, (const char *)text.data);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *census(struct run_set *set)
{
	struct error *error = NULL;
	size_t count = set->count; /* what is added here has been asked for its children */
	for (size_t i = 0; !error && i < count; i++) {
		CLEANUP(family_deinit) struct family family = {0};
		if (!set->members[i]->named)
			continue;
		error = family_add_descendants(&family, set->members[i]->pid);
		for (size_t j = 0; !error && j < family.count; j++)
			error = add_child(set, family.items[j].pid);
	}
	return error;
}

static struct error *look_at_member(struct run_set *set, struct run_member *member, bool *ret_told)
{
	struct error *error = NULL;
	if (member->state == MEMBER_QUIET)
		error = run_member_watch(member);
	if (error || member->state == MEMBER_ENDED || !set->options->subprocesses)
		return error;
	return look_for_children(set, member, ret_told);
}

struct error *run_set_look(struct run_set *set, uint64_t now_ns)
{
	struct error *error = NULL;
	bool told = true;
	if (now_ns < set->look_ns)
		return NULL;
	set->look_ns = now_ns + LOOK_NS;
	/* Children are appended, and looked at in their turn. */
	for (size_t i = 0; !error && i < set->count; i++) {
		if (set->members[i]->state != MEMBER_ENDED)
			error = look_at_member(set, set->members[i], &told);
	}
	if (error || told || now_ns < set->census_ns)
		return error;
	set->census_ns = now_ns + CENSUS_NS;
	return census(set);
}

bool run_set_is_complete(const struct run_set *set, const struct run_member *member)
{
	return member->samples >= set->options->count;
}

struct run_member *run_set_first_due(const struct run_set *set)
{
	struct run_member *first = NULL;
	for (size_t i = 0; i < set->count; i++) {
		struct run_member *member = set->members[i];
		if (member->state != MEMBER_WAITING &&
		    (member->state != MEMBER_SAMPLED || run_set_is_complete(set, member)))
			continue;
		if (!first || member->due_ns < first->due_ns)
			first = member;
	}
	return first;
}

bool run_set_has_children(const struct run_set *set, pid_t pid)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct run_member *member = set->members[i];
		if (member->facts.parent_pid == pid && member->pid != pid)
			return true;
	}
	return false;
}

void run_set_remove(struct run_set *set, struct run_member *member)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->members[i] != member)
			continue;
		for (; i + 1 < set->count; i++)
			set->members[i] = set->members[i + 1];
		set->count--;
		run_member_destroy(member);
		return;
	}
}
