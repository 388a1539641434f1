#include "capture/proc_family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/proc.h"
#include "capture/proc_stat.h"
#include "common/cleanup.h"

/* A process, and where it stands in the tree. */
struct node {
	pid_t pid;
	pid_t parent;
	bool found;
};

/* All processes of the machine or container, as far as they can be seen. */
struct census {
	struct node *nodes;
	size_t count;
	size_t capacity;
};

void family_deinit(struct family *family)
{
	for (size_t i = 0; i < family->count; i++)
		process_facts_deinit(&family->items[i]);
	free(family->items);
	*family = (struct family){0};
}

/* A number that is used again while this runs counts once. */
static bool family_has(const struct family *family, pid_t pid)
{
	for (size_t i = 0; i < family->count; i++)
		if (family->items[i].pid == pid)
			return true;
	return false;
}

/* Takes over what `member` holds. */
static struct error *family_append(struct family *family, struct process_facts *member)
{
	if (family->count == family->capacity) {
		size_t capacity = family->capacity ? family->capacity * 2 : 16;
		struct process_facts *items = reallocarray(family->items, capacity, sizeof(*items));
		if (!items) {
			process_facts_deinit(member);
			return &error_out_of_memory;
		}
		family->items = items;
		family->capacity = capacity;
	}
	family->items[family->count++] = *member;
	*member = (struct process_facts){0};
	return NULL;
}

/* Only running out of memory is an error of the whole: what cannot be seen is left out. */
static struct error *look_at(pid_t pid, struct process_facts *ret, bool *ret_seen)
{
	struct error *error = proc_relative(pid, ret);
	*ret_seen = !error;
	if (error && error->code == ERROR_OUT_OF_MEMORY)
		return error;
	error_destroy(error);
	return NULL;
}

struct error *family_add_ancestors(struct family *family, const struct process_facts *of)
{
	pid_t pid = of->parent_pid;
	uint64_t born = of->start_ticks;
	for (size_t i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
		struct process_facts member = {0};
		bool seen;
		struct error *error = look_at(pid, &member, &seen);
		if (error || !seen)
			return error;
		/* Nobody is younger than his child: the number is another process's by now. */
		if (member.start_ticks > born || family_has(family, pid)) {
			process_facts_deinit(&member);
			return NULL;
		}
		pid = member.parent_pid;
		born = member.start_ticks;
		error = family_append(family, &member);
		if (error)
			return error;
	}
	return NULL;
}

static struct error *census_append(struct census *census, const struct node *node)
{
	if (census->count == census->capacity) {
		size_t capacity = census->capacity ? census->capacity * 2 : 256;
		struct node *nodes = reallocarray(census->nodes, capacity, sizeof(*nodes));
		if (!nodes)
			return &error_out_of_memory;
		census->nodes = nodes;
		census->capacity = capacity;
	}
	census->nodes[census->count++] = *node;
	return NULL;
}

static pid_t folder_pid(const char *name)
{
	char *end;
	errno = 0;
	long number = strtol(name, &end, 10);
	return errno || *end || end == name || number <= 0 || number > INT32_MAX ? 0
										 : (pid_t)number;
}

static int by_parent(const void *a, const void *b)
{
	const struct node *first = a;
	const struct node *second = b;
	if (first->parent != second->parent)
		return first->parent < second->parent ? -1 : 1;
	return first->pid < second->pid ? -1 : first->pid > second->pid;
}

static void cleanup_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static void census_deinit(struct census *census)
{
	free(census->nodes);
}

/* Sorted by parent. */
static struct error *take_census(struct census *census)
{
	CLEANUP(cleanup_directory) DIR *proc = opendir("/proc");
	if (!proc)
		return error_errno(ERROR_IO, errno, "cannot read /proc");
	for (const struct dirent *entry; (entry = readdir(proc));) {
		struct proc_stat stat;
		pid_t pid = folder_pid(entry->d_name);
		if (!pid || proc_stat_read(AT_FDCWD, pid, &stat) != 0)
			continue;
		const struct node node = {.pid = pid, .parent = stat.parent_pid};
		struct error *error = census_append(census, &node);
		if (error)
			return error;
	}
	if (census->count)
		qsort(census->nodes, census->count, sizeof(*census->nodes), by_parent);
	return NULL;
}

static struct node *first_child(struct census *census, pid_t parent)
{
	size_t low = 0;
	size_t high = census->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (census->nodes[middle].parent < parent)
			low = middle + 1;
		else
			high = middle;
	}
	return census->nodes + low;
}

/* A member that is in the family already is passed over, its children are not. */
static struct error *add_member(struct family *family, pid_t pid)
{
	struct process_facts member = {0};
	bool seen;
	if (pid == getpid() || family_has(family, pid))
		return NULL;
	family->cut |= family->count >= FAMILY_MAX;
	if (family->cut)
		return NULL;
	struct error *error = look_at(pid, &member, &seen);
	return error || !seen ? error : family_append(family, &member);
}

struct error *family_add_descendants(struct family *family, pid_t pid)
{
	CLEANUP(census_deinit) struct census census = {0};
	struct error *error = take_census(&census);
	/* A queue in which each process stands once, whatever the parents' numbers say. */
	CLEANUP_FREE pid_t *queue = error ? NULL : calloc(census.count + 1, sizeof(*queue));
	if (error)
		return error;
	if (!queue)
		return &error_out_of_memory;
	size_t end = 0;
	queue[end++] = pid;
	for (size_t next = 0; next < end && !family->cut; next++) {
		struct node *node = first_child(&census, queue[next]);
		for (; node < census.nodes + census.count && node->parent == queue[next]; node++) {
			if (node->found || node->pid == pid)
				continue;
			node->found = true;
			queue[end++] = node->pid;
			error = add_member(family, node->pid);
			if (error)
				return error;
		}
	}
	return NULL;
}
