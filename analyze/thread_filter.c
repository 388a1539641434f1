#include "analyze/thread_filter.h"

static bool has_id(const struct thread_filter *filter, const struct model_thread *thread)
{
	return !filter->tids->count || id_list_contains(filter->tids, thread->os_thread_id) ||
	       (thread->container_thread_id &&
		id_list_contains(filter->tids, thread->container_thread_id));
}

static struct error *check_gil_known(const struct model_process *process)
{
	bool known = !process->thread_count;
	if (process->free_threaded)
		return error_create(ERROR_UNSUPPORTED,
				    "--gil: this Python is free-threaded, there is no GIL to hold");
	for (size_t i = 0; i < process->thread_count; i++)
		known |= process->threads[i].owns_gil_known;
	if (!known)
		return error_create(ERROR_UNSUPPORTED,
				    "--gil: it cannot be known which thread held the GIL here");
	return NULL;
}

struct error *thread_filter_apply(const struct thread_filter *filter, struct model_process *process)
{
	struct error *error = filter->gil ? check_gil_known(process) : NULL;
	if (error)
		return error;
	size_t kept = 0;
	bool found = false;
	for (size_t i = 0; i < process->thread_count; i++) {
		struct model_thread *thread = &process->threads[i];
		bool wanted = has_id(filter, thread);
		found |= wanted;
		if (wanted && (!filter->gil || thread->owns_gil))
			process->threads[kept++] = *thread;
		else
			model_thread_deinit(thread);
	}
	process->thread_count = kept;
	if (filter->tids->count && !found)
		return error_create(ERROR_NOT_FOUND, "no thread has the id given with --tid");
	return NULL;
}
