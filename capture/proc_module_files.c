#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "capture/proc.h"
#include "capture/proc_number.h"
#include "common/cleanup.h"

/*
 * Open `path` if it is the file that is mapped. Its inode decides; the device does not: on
 * overlayfs and btrfs the one in /proc/PID/maps is not the one of stat(2). What is left of the
 * doubt is settled by the build-id. Looked at before it is opened: opening a device can have
 * effects.
 */
static int open_checked(const char *path, const struct module *module)
{
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
	    (uint64_t)status.st_ino != module->inode)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    (uint64_t)status.st_ino != module->inode)
		return -1;
	return take_fd(&fd);
}

/* The end of the mapping that begins at `start`; false if none does. */
static bool mapping_end(pid_t pid, uint64_t start, uint64_t *ret)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	CLEANUP_FREE char *line = NULL;
	size_t capacity = 0;
	while (file && getline(&line, &capacity, file) > 0) {
		uint64_t from, to;
		const char *at = line;
		if (!proc_number_hexadecimal(&at, &from) || *at++ != '-' ||
		    !proc_number_hexadecimal(&at, &to) || from > start)
			break;
		if (from != start)
			continue;
		*ret = to;
		return true;
	}
	return false;
}

/*
 * The mapped file itself, even if it was deleted or replaced; the kernel wants CAP_SYS_ADMIN or
 * CAP_CHECKPOINT_RESTORE for it (proc(5), /proc/PID/map_files).
 */
static int open_map_file(pid_t pid, const struct module *module)
{
	char path[96];
	uint64_t end;
	if (!mapping_end(pid, module->start, &end))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 module->start, end);
	return open_checked(path, module);
}

static int open_executable(pid_t pid, const struct module *module)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return open_checked(path, module);
}

/* By its path in the target's mount namespace. */
static int open_in_root(pid_t pid, const struct module *module)
{
	CLEANUP_FREE char *path = NULL;
	if (!module->path || module->path[0] != '/' ||
	    asprintf(&path, "/proc/%d/root%s", (int)pid, module->path) < 0) {
		path = NULL;
		return -1;
	}
	return open_checked(path, module);
}

/* A chroot(2) in our own mount namespace: /proc/PID/maps shows paths as we see them. */
static int open_by_path(pid_t pid, const struct module *module)
{
	(void)pid;
	if (!module->path || module->path[0] != '/')
		return -1;
	return open_checked(module->path, module);
}

/* The surest first. */
static int (*const ways[])(pid_t pid, const struct module *module) = {
	open_map_file,
	open_executable,
	open_in_root,
	open_by_path,
};

static int open_module(const struct module_files *files, const struct module *module)
{
	pid_t pid = ((const struct proc_module_files *)files)->pid;
	if (module->inode == 0)
		return -1; /* no file: anonymous memory, [vdso] */
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = ways[i](pid, module);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

void proc_module_files_init(struct proc_module_files *files, pid_t pid)
{
	*files = (struct proc_module_files){.files = {.open = open_module}, .pid = pid};
}
