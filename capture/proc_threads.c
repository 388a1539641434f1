#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/proc.h"
#include "capture/proc_number.h"
#include "capture/proc_stat.h"
#include "capture/task_list.h"
#include "common/buffer.h"
#include "common/cleanup.h"

enum { SMALL_FILE_LIMIT = 4096 };

static void cleanup_bufferp(struct buffer *buffer)
{
	buffer_deinit(buffer);
}

static void cleanup_taskfolderp(struct task_folder *folder)
{
	task_folder_close(folder);
}

static void cleanup_taskidsp(struct task_ids *ids)
{
	task_ids_deinit(ids);
}

static bool read_thread_file(const struct task_folder *folder, pid_t tid, const char *name,
			     struct buffer *text)
{
	char path[64];
	snprintf(path, sizeof(path), "%d/%s", (int)tid, name);
	return proc_read_text(folder->fd, path, SMALL_FILE_LIMIT, text) == 0;
}

/* Nanoseconds on a CPU (Documentation/scheduler/sched-stats.rst); in ticks only where the kernel
 * has no such file. */
static uint64_t read_cpu_time(const struct task_folder *folder, pid_t tid,
			      const struct proc_stat *stat, struct buffer *text)
{
	uint64_t time_ns;
	if (read_thread_file(folder, tid, "schedstat", text)) {
		const char *at = (const char *)text->data;
		if (proc_number_decimal(&at, &time_ns))
			return time_ns;
	}
	return proc_stat_cpu_time_ns(stat);
}

/* Refused to those who may not trace the thread (proc(5), /proc/PID/syscall). */
static void read_system_call(const struct task_folder *folder, pid_t tid, struct buffer *text,
			     struct thread_facts *thread)
{
	bool read = read_thread_file(folder, tid, "syscall", text);
	proc_system_call_parse(read ? (const char *)text->data : "", thread);
}

/* False if the thread has ended. */
static bool read_thread(const struct task_folder *folder, pid_t tid, struct buffer *text,
			struct thread_facts *ret)
{
	struct proc_stat stat;
	struct proc_status status;
	if (proc_stat_read(folder->fd, tid, &stat) != 0 ||
	    proc_status_read(folder->fd, tid, &status) != 0)
		return false;
	struct thread_facts thread = {
		.tid = tid,
		.container_tid = status.innermost_id ? status.innermost_id : tid,
		.state = stat.state,
		.cpu_time_ns = read_cpu_time(folder, tid, &stat, text),
	};
	read_system_call(folder, tid, text, &thread);
	memcpy(thread.name, stat.name, strnlen(stat.name, sizeof(thread.name) - 1));
	*ret = thread;
	return true;
}

static struct error *read_threads(const struct task_folder *folder, const struct task_ids *ids,
				  struct thread_list *list)
{
	CLEANUP(cleanup_bufferp) struct buffer text = {0};
	for (size_t i = 0; i < ids->count; i++) {
		struct thread_facts thread;
		if (!read_thread(folder, ids->items[i], &text, &thread))
			continue;
		struct error *error = thread_list_append(list, &thread);
		if (error)
			return error;
	}
	return NULL;
}

struct error *proc_threads(pid_t pid, struct thread_list *ret)
{
	CLEANUP(cleanup_taskfolderp) struct task_folder folder = {.fd = -1};
	CLEANUP(cleanup_taskidsp) struct task_ids ids = {0};
	struct error *error = task_folder_open(pid, &folder);
	if (error)
		return error;
	error = task_folder_list(&folder, &ids);
	if (error)
		return error;
	struct thread_list list = {0};
	error = read_threads(&folder, &ids, &list);
	if (!error && list.count == 0)
		error = error_create(ERROR_NO_PROCESS, "process %d ended while it was looked at",
				     (int)pid);
	if (error) {
		thread_list_deinit(&list);
		return error;
	}
	*ret = list;
	return NULL;
}
