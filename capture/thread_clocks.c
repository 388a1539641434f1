#include "capture/thread_clocks.h"

#include <stdlib.h>

#include "capture/task_list.h"
#include "common/cleanup.h"

struct error *thread_clocks_begin(pid_t pid, const struct thread_list *threads,
				  struct thread_clocks *ret)
{
	if (threads->count > THREAD_CLOCKS_MAX)
		return error_create(ERROR_UNSUPPORTED, "%zu threads are too many to look at each",
				    threads->count);
	struct thread_clocks clocks = {.count = threads->count};
	clocks.items = calloc(clocks.count + 1, sizeof(*clocks.items));
	if (!clocks.items)
		return &error_out_of_memory;
	for (size_t i = 0; i < clocks.count; i++)
		thread_clock_begin(pid, threads->items[i].tid, &clocks.items[i].files,
				   &clocks.items[i].clock);
	*ret = clocks;
	return NULL;
}

void thread_clocks_deinit(struct thread_clocks *clocks)
{
	for (size_t i = 0; i < clocks->count; i++)
		thread_clock_files_close(&clocks->items[i].files);
	free(clocks->items);
	*clocks = (struct thread_clocks){0};
}

static bool is_listed(const struct thread_list *threads, pid_t tid)
{
	for (size_t i = 0; i < threads->count; i++) {
		if (threads->items[i].tid == tid)
			return true;
	}
	return false;
}

/* A thread that is not in the list was begun by one that ran, but maybe before its clock was read.
 */
static struct error *all_are_listed(pid_t pid, const struct thread_list *threads, bool *ret)
{
	CLEANUP(task_folder_close) struct task_folder folder = {.fd = -1};
	CLEANUP(task_ids_deinit) struct task_ids ids = {0};
	struct error *error = task_folder_open(pid, &folder);
	if (!error)
		error = task_folder_list(&folder, &ids);
	*ret = !error;
	for (size_t i = 0; !error && *ret && i < ids.count; i++)
		*ret = is_listed(threads, ids.items[i]);
	return error;
}

struct error *thread_clocks_stood(pid_t pid, const struct thread_list *threads,
				  const struct thread_clocks *clocks, bool *ret_stood)
{
	bool stood = true;
	for (size_t i = 0; stood && i < clocks->count; i++)
		stood = thread_clock_stood(&clocks->items[i].clock, &clocks->items[i].files);
	*ret_stood = false;
	return stood ? all_are_listed(pid, threads, ret_stood) : NULL;
}
