#include "analyze/thread_filter.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

/* A message does not list more. */
enum { IDS_LISTED = 32, ID_TEXT_SIZE = 24 };

void thread_filter_deinit(struct thread_filter *filter)
{
	buffer_deinit(&filter->found);
	number_list_deinit(&filter->seen);
}

static bool is_id_of(uint64_t id, const struct model_thread *thread)
{
	return (thread->os_thread_id > 0 && (uint64_t)thread->os_thread_id == id) ||
	       (thread->container_thread_id > 0 && (uint64_t)thread->container_thread_id == id) ||
	       thread->thread_id == id;
}

static void cleanup_bufferp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static struct error *append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

static struct error *append_id(struct buffer *buffer, uint64_t id)
{
	char text[ID_TEXT_SIZE];
	/* Python's ids are addresses. */
	snprintf(text, sizeof(text), id > INT32_MAX ? " 0x%llx" : " %llu", (unsigned long long)id);
	return append_text(buffer, text);
}

/* For the message about those that are not there. The same threads come with each sample. */
static struct error *list_id(struct thread_filter *filter, const struct model_thread *thread)
{
	uint64_t id = thread->os_thread_id > 0 ? (uint64_t)thread->os_thread_id : thread->thread_id;
	for (size_t i = 0; i < filter->seen.count; i++) {
		if (filter->seen.items[i] == id)
			return NULL;
	}
	if (filter->seen.count < IDS_LISTED)
		return number_list_append(&filter->seen, id);
	filter->more_seen = true;
	return NULL;
}

static struct error *has_id(struct thread_filter *filter, const struct model_thread *thread,
			    bool *ret)
{
	struct error *error = list_id(filter, thread);
	while (!error && filter->found.size < filter->ids->count)
		error = buffer_append_u8(&filter->found, 0);
	for (size_t i = 0; !error && i < filter->ids->count; i++) {
		if (!is_id_of(filter->ids->items[i], thread))
			continue;
		filter->found.data[i] = 1;
		*ret = true;
	}
	return error;
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

bool thread_filter_has(const struct thread_filter *filter, const struct model_thread *thread)
{
	bool has = !filter->ids->count;
	for (size_t i = 0; !has && i < filter->ids->count; i++)
		has = is_id_of(filter->ids->items[i], thread);
	return has && (!filter->gil || thread->owns_gil);
}

static struct error *look(struct thread_filter *filter, const struct model_thread *threads,
			  size_t count, bool *ret_found)
{
	struct error *error = NULL;
	for (size_t i = 0; !error && filter->ids->count && i < count; i++) {
		bool has = false;
		error = has_id(filter, &threads[i], &has);
		*ret_found |= has;
	}
	return error;
}

struct error *thread_filter_look(struct thread_filter *filter, const struct model_process *process,
				 bool *ret_wanted)
{
	bool found = !filter->ids->count;
	struct error *error = filter->gil ? check_gil_known(process) : NULL;
	if (!error)
		error = look(filter, process->threads, process->thread_count, &found);
	if (!error)
		error = look(filter, process->other_threads, process->other_count, &found);
	if (!error)
		*ret_wanted = found;
	return error;
}

static void keep(const struct thread_filter *filter, struct model_thread *threads, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++) {
		if (thread_filter_has(filter, &threads[i]))
			threads[kept++] = threads[i];
		else
			model_thread_deinit(&threads[i]);
	}
	*count = kept;
}

struct error *thread_filter_apply(struct thread_filter *filter, struct model_process *process,
				  bool *ret_wanted)
{
	struct error *error = thread_filter_look(filter, process, ret_wanted);
	if (error)
		return error;
	keep(filter, process->threads, &process->thread_count);
	keep(filter, process->other_threads, &process->other_count);
	return NULL;
}

struct error *thread_filter_missing(const struct thread_filter *filter)
{
	CLEANUP(cleanup_bufferp) struct buffer missing = {0};
	CLEANUP(cleanup_bufferp) struct buffer seen = {0};
	struct error *error = NULL;
	/* Nothing was looked at: another message says why. */
	for (size_t i = 0; !error && filter->seen.count && i < filter->ids->count; i++) {
		if (!filter->found.data[i])
			error = append_id(&missing, filter->ids->items[i]);
	}
	for (size_t i = 0; !error && missing.size && i < filter->seen.count; i++)
		error = append_id(&seen, filter->seen.items[i]);
	if (error || !missing.size)
		return error;
	return error_create(ERROR_NOT_FOUND,
			    "no thread has the id%.*s given with --tid; there are%.*s%s",
			    (int)missing.size, (const char *)missing.data, (int)seen.size,
			    (const char *)seen.data, filter->more_seen ? " and others" : "");
}
