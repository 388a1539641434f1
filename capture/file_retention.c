#include "capture/file_retention.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct file_retention *retention, size_t index)
{
	free(retention->files[index].path);
	retention->count--;
	memmove(&retention->files[index], &retention->files[index + 1],
		(retention->count - index) * sizeof(*retention->files));
}

void file_retention_deinit(struct file_retention *retention)
{
	for (size_t i = 0; i < retention->count; i++)
		free(retention->files[i].path);
	free(retention->files);
	*retention = (struct file_retention){0};
}

static bool keeps_all(const struct file_retention *retention)
{
	return retention->keep == UINT64_MAX && retention->keep_bytes == UINT64_MAX;
}

struct error *file_retention_add(struct file_retention *retention, const char *path)
{
	struct stat status;
	/* So that the list does not grow for ever. */
	if (keeps_all(retention) || lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return NULL;
	struct kept_file *files =
		reallocarray(retention->files, retention->count + 1, sizeof(*files));
	if (!files)
		return &error_out_of_memory;
	retention->files = files;
	char *copy = strdup(path);
	if (!copy)
		return &error_out_of_memory;
	files[retention->count++] = (struct kept_file){
		.path = copy,
		.device = status.st_dev,
		.inode = status.st_ino,
		.size_bytes = (uint64_t)status.st_size,
	};
	return NULL;
}

/* Somebody may have moved it away, removed it, or put another one in its place. */
static bool is_there(struct kept_file *file)
{
	struct stat status;
	if (lstat(file->path, &status) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_dev != file->device || status.st_ino != file->inode)
		return false;
	file->size_bytes = (uint64_t)status.st_size;
	return true;
}

/* What is there, now. */
static uint64_t measure(struct file_retention *retention)
{
	uint64_t size_bytes = 0;
	for (size_t i = 0; i < retention->count;) {
		if (is_there(&retention->files[i]))
			size_bytes += retention->files[i++].size_bytes;
		else
			forget(retention, i);
	}
	return size_bytes;
}

struct error *file_retention_trim(struct file_retention *retention)
{
	struct error *failure = NULL;
	if (keeps_all(retention))
		return NULL;
	uint64_t size_bytes = measure(retention);
	while (retention->count > 1 &&
	       (retention->count > retention->keep || size_bytes > retention->keep_bytes)) {
		const struct kept_file *oldest = &retention->files[0];
		if (unlink(oldest->path) != 0 && errno != ENOENT && !failure)
			failure = error_errno(ERROR_IO, errno, "cannot remove %s", oldest->path);
		size_bytes -= oldest->size_bytes;
		forget(retention, 0);
	}
	return failure;
}
