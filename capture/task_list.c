#include "capture/task_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "capture/permission.h"
#include "capture/proc_number.h"

static struct error *open_error(pid_t pid, int errnum)
{
	if (errnum == ENOENT || errnum == ESRCH)
		return error_create(ERROR_NO_PROCESS, "there is no process %d", (int)pid);
	if (errnum == EACCES || errnum == EPERM)
		return permission_error(pid, "list the threads of", "/proc", errnum);
	return error_errno(ERROR_IO, errnum, "cannot list the threads of process %d", (int)pid);
}

struct error *task_folder_open(pid_t pid, struct task_folder *ret)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *stream = opendir(path);
	if (!stream)
		return open_error(pid, errno);
	*ret = (struct task_folder){.stream = stream, .fd = dirfd(stream)};
	return NULL;
}

void task_folder_close(struct task_folder *folder)
{
	if (folder->stream)
		closedir(folder->stream);
	*folder = (struct task_folder){.fd = -1};
}

struct error *task_ids_append(struct task_ids *ids, pid_t tid)
{
	if (ids->count == ids->capacity) {
		size_t capacity = ids->capacity ? ids->capacity * 2 : 64;
		pid_t *items = reallocarray(ids->items, capacity, sizeof(*items));
		if (!items)
			return &error_out_of_memory;
		ids->items = items;
		ids->capacity = capacity;
	}
	ids->items[ids->count++] = tid;
	return NULL;
}

void task_ids_deinit(struct task_ids *ids)
{
	free(ids->items);
	*ids = (struct task_ids){0};
}

struct error *task_folder_list(const struct task_folder *folder, struct task_ids *ids)
{
	ids->count = 0;
	rewinddir(folder->stream);
	for (const struct dirent *entry; (entry = readdir(folder->stream));) {
		char *end;
		long tid = strtol(entry->d_name, &end, 10);
		if (*end || end == entry->d_name)
			continue; /* "." and ".." */
		struct error *error = task_ids_append(ids, (pid_t)tid);
		if (error)
			return error;
	}
	return NULL;
}

bool task_folder_has(const struct task_folder *folder, pid_t tid)
{
	char name[16];
	struct stat status;
	snprintf(name, sizeof(name), "%d", (int)tid);
	return fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

size_t task_folder_count(const struct task_folder *folder)
{
	/* One link for each thread, besides "." and ".." (fs/proc/base.c, proc_task_getattr). */
	struct stat status;
	if (fstat(folder->fd, &status) != 0 || status.st_nlink < 2)
		return 0;
	return (size_t)status.st_nlink - 2;
}

int task_births_open(void)
{
	struct statfs system;
	int fd = open("/proc/sys/kernel/ns_last_pid", O_RDONLY | O_CLOEXEC);
	/* What stands in for it in a container may be brought up to date now and then only. */
	if (fd >= 0 && (fstatfs(fd, &system) != 0 || system.f_type != PROC_SUPER_MAGIC)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

uint64_t task_births_read(int fd)
{
	char text[32];
	uint64_t number = 0;
	ssize_t length = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
	if (length <= 0)
		return 0;
	text[length] = '\0';
	const char *at = text;
	return proc_number_decimal(&at, &number) ? number : 0;
}
