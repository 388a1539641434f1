#include "analyze/native/perf_map_load.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/target_files.h"
#include "common/cleanup.h"
#include "common/root_file.h"

enum { CLOCK_SLACK_SECONDS = 2 };

/* Whether a file can be the core's: written before it. The user's on this system; below another
 * root, files belong to who copied them. */
static bool fits(const struct stat *status, const struct process_facts *process, const char *root)
{
	uint64_t core_s = process->capture_time_ns / 1000000000;
	bool owned = root || process->uid == UINT32_MAX || status->st_uid == process->uid;
	return S_ISREG(status->st_mode) && owned &&
	       (!core_s || (uint64_t)status->st_mtime <= core_s + CLOCK_SLACK_SECONDS);
}

static int open_beside_core(struct target *target)
{
	const struct process_facts *process = target_process(target);
	const char *root;
	char path[PERF_MAP_PATH_SIZE];
	perf_map_path(process->pid, path);
	for (size_t i = 0; target_files_root(target_files(target), i, &root); i++) {
		struct stat status;
		CLEANUP_CLOSE int fd = root_file_open(root, path);
		if (fd >= 0 && fstat(fd, &status) == 0 && fits(&status, process, root))
			return take_fd(&fd);
	}
	return -1;
}

/* What it is in a snapshot. */
static struct module image_of(struct target *target, char name[PERF_MAP_PATH_SIZE])
{
	perf_map_image_name(target_process(target)->pid, name);
	return (struct module){.path = name};
}

uint64_t perf_map_size(struct target *target)
{
	char name[PERF_MAP_PATH_SIZE];
	const struct module image = image_of(target, name);
	struct stat status;
	if (target_snapshot(target))
		return snapshot_module_image_size(target_snapshot(target), &image);
	CLEANUP_CLOSE int fd = open_beside_core(target);
	return fd >= 0 && fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

struct error *perf_map_load(struct target *target, struct perf_map *ret)
{
	CLEANUP_CLOSE int fd = -1;
	char name[PERF_MAP_PATH_SIZE];
	const struct module image = image_of(target, name);
	struct stat status;
	struct error *error = NULL;
	*ret = (struct perf_map){0};
	if (target_snapshot(target))
		error = snapshot_module_image(target_snapshot(target), &image, &fd);
	else
		fd = open_beside_core(target);
	if (error || fd < 0 || fstat(fd, &status) < 0)
		return error;
	uint64_t size = (uint64_t)status.st_size;
	if (size > PERF_MAP_MAX_BYTES)
		size = PERF_MAP_MAX_BYTES;
	CLEANUP_FREE char *text = malloc(size + 1);
	if (!text)
		return &error_out_of_memory;
	ssize_t got = pread(fd, text, size, 0);
	return got < 0 ? NULL : perf_map_parse(text, (size_t)got, ret);
}
