#include "capture/perf_map_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/root_file.h"
#include "formats/perf_map.h"

/* The start of a process is known to the hundredth of a second, the age of its file as well. */
enum { CLOCK_SLACK_SECONDS = 2 };

static bool is_trusted(int fd, const struct process_facts *process, uint64_t *ret_size)
{
	struct stat status;
	uint64_t start_s = process->start_time_ns / 1000000000;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_uid != process->uid ||
	    (uint64_t)status.st_mtime + CLOCK_SLACK_SECONDS < start_s)
		return false;
	*ret_size = (uint64_t)status.st_size;
	if (*ret_size > PERF_MAP_MAX_BYTES)
		*ret_size = PERF_MAP_MAX_BYTES;
	return true;
}

struct error *perf_map_read(const struct process_facts *process, uint64_t known,
			    struct module_image *ret, bool *ret_found)
{
	char root[32];
	char path[PERF_MAP_PATH_SIZE];
	uint64_t size;
	struct error *error = module_image_init(ret);
	*ret_found = false;
	if (error)
		return error;
	snprintf(root, sizeof(root), "/proc/%d/root", (int)process->pid);
	perf_map_path(process->container_pid ? process->container_pid : process->pid, path);
	CLEANUP_CLOSE int fd = root_file_open(root, path);
	if (fd < 0 || !is_trusted(fd, process, &size) || size == known)
		return NULL;
	uint64_t from = size > known ? known : 0;
	CLEANUP_FREE char *bytes = malloc(size - from + 1);
	ret->path = malloc(PERF_MAP_PATH_SIZE);
	if (!bytes || !ret->path)
		return &error_out_of_memory;
	ssize_t got = pread(fd, bytes, size - from, (off_t)from);
	if (got <= 0)
		return NULL;
	perf_map_image_name(process->pid, ret->path);
	ret->size = from + (uint64_t)got;
	*ret_found = true;
	return memory_image_put(ret->contents, from, bytes, (size_t)got);
}
