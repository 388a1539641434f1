/* The threads of one process, from /proc/PID/task, safe against reuse of ids. */
#ifndef PYSPY_CAPTURE_TASK_LIST_H
#define PYSPY_CAPTURE_TASK_LIST_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/*
 * An open /proc/PID/task. It stays bound to the process that had the id when it was opened: once
 * that has ended, lookups fail, whoever has the id then (fs/proc/base.c, get_proc_task).
 */
struct task_folder {
	DIR *stream;
	int fd; /* of the stream; borrowed, for openat(2) */
};

struct task_ids {
	pid_t *items;
	size_t count;
	size_t capacity;
};

/* ERROR_NO_PROCESS, ERROR_PERMISSION. */
struct error *task_folder_open(pid_t pid, struct task_folder *ret);
void task_folder_close(struct task_folder *folder);

/* The ids of all threads now, replacing what is in `ids`; none if the process has ended. */
struct error *task_folder_list(const struct task_folder *folder, struct task_ids *ids);

/* Whether this thread belongs to the process. */
bool task_folder_has(const struct task_folder *folder, pid_t tid);

/* How many threads there are, zombies too, without listing them; 0 if the process has ended. */
size_t task_folder_count(const struct task_folder *folder);

/*
 * A file that tells of every beginning: what task_births_read() gives changes whenever any thread
 * begins that this program could see (kernel/pid_namespace.c, ns_last_pid). -1 and 0 where there is
 * none.
 */
int task_births_open(void);
uint64_t task_births_read(int fd);

struct error *task_ids_append(struct task_ids *ids, pid_t tid);
void task_ids_deinit(struct task_ids *ids);

#endif
