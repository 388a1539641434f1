#include "common/root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

/*
 * Open a path below a root, in which links that are absolute or lead upwards stay (openat2(2),
 * Linux 5.6). Where the system has no openat2, such links are followed as they are.
 */
static int open_below(const char *root, const char *path, int flags)
{
	if (!root)
		return open(path, flags);
	CLEANUP_CLOSE int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
	if (folder < 0)
		return -1;
	long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return (int)fd;
	while (*path == '/')
		path++;
	return openat(folder, path, flags);
}

int root_file_open(const char *root, const char *path)
{
	struct stat status;
	CLEANUP_CLOSE int look = open_below(root, path, O_PATH | O_CLOEXEC);
	if (look < 0 || fstat(look, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	return open_below(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}
