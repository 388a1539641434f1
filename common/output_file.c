#include "common/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

enum { TEMPORARY_NAME_ATTEMPTS = 100 };

struct output_file {
	int fd;
	bool owns_fd;	 /* not standard output */
	bool is_stream;	 /* standard output, a pipe or a device: has no name to be given */
	bool committed;	 /* it has its name */
	char *path;	 /* as the user named it */
	char *temporary; /* name beside the target; NULL for an unnamed file */
	uint64_t size_bytes;
};

/* EACCES and EPERM have a code of their own, because they have an exit status of their own. */
static struct error *file_error(int errnum, const char *what, const char *path)
{
	enum error_code code = errnum == EACCES || errnum == EPERM ? ERROR_PERMISSION : ERROR_IO;
	return error_errno(code, errnum, "cannot %s %s", what, path);
}

static struct error *exists_error(const char *path)
{
	return error_create(ERROR_EXISTS,
			    "%s exists already and is not overwritten; choose another name or "
			    "remove it",
			    path);
}

/* The folder of `path`, as open(2) wants it. NULL if out of memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

/*
 * An unnamed file vanishes with the process, however that ends. -1 where there is no such thing:
 * the file system does not support it (open(2), O_TMPFILE), or, if it is to get a name later, /proc
 * is not there to name it through.
 */
static int open_unnamed(const char *folder, int flags)
{
	int fd = open(folder, O_TMPFILE | O_CLOEXEC | flags, 0600);
	if (fd < 0 || (flags & O_EXCL))
		return fd;
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (access(link, F_OK) == 0)
		return fd;
	close(fd);
	errno = EOPNOTSUPP;
	return -1;
}

/* A new file ".NAME.PID-N.part" in the folder of `path`. */
static struct error *open_temporary(const char *path, int *ret_fd, char **ret_name)
{
	CLEANUP_FREE char *folder = folder_of(path);
	if (!folder)
		return &error_out_of_memory;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	for (unsigned attempt = 0; attempt < TEMPORARY_NAME_ATTEMPTS; attempt++) {
		char *temporary;
		/* Cut, so that a name as long as the file system allows still fits. */
		if (asprintf(&temporary, "%s/.%.200s.%ld-%u.part", folder, name, (long)getpid(),
			     attempt) < 0)
			return &error_out_of_memory;
		int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			*ret_fd = fd;
			*ret_name = temporary;
			return NULL;
		}
		free(temporary);
		if (errno != EEXIST)
			break;
	}
	return file_error(errno, "create", path);
}

static bool parse_id(const char *text, unsigned *ret)
{
	if (!text || *text < '0' || *text > '9')
		return false;
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return false;
	*ret = (unsigned)value;
	return true;
}

/*
 * Under sudo the file belongs to who called (sudo(8), SUDO_UID). Where that cannot be set, as on
 * file systems without owners, a file of root's is still a result.
 */
static void give_to_invoking_user(int fd)
{
	unsigned uid;
	unsigned gid;
	if (geteuid() != 0 || !parse_id(getenv("SUDO_UID"), &uid) ||
	    !parse_id(getenv("SUDO_GID"), &gid))
		return;
	if (fchown(fd, uid, gid) != 0)
		return;
}

/* What is there and takes a stream is written to: /dev/null, a FIFO, bash's >(command). */
static struct error *open_existing(struct output_file *file)
{
	struct stat target;
	if (stat(file->path, &target) != 0 ||
	    !(S_ISFIFO(target.st_mode) || S_ISCHR(target.st_mode)))
		return exists_error(file->path);
	file->fd = open(file->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (file->fd < 0)
		return file_error(errno, "open", file->path);
	file->owns_fd = true;
	file->is_stream = true;
	return NULL;
}

static struct error *open_new(struct output_file *file)
{
	size_t length = strlen(file->path);
	if (!length || file->path[length - 1] == '/')
		return file_error(length ? EISDIR : ENOENT, "create", file->path);
	CLEANUP_FREE char *folder = folder_of(file->path);
	if (!folder)
		return &error_out_of_memory;
	file->fd = open_unnamed(folder, O_WRONLY);
	if (file->fd < 0) {
		struct error *error = open_temporary(file->path, &file->fd, &file->temporary);
		if (error)
			return error;
	}
	file->owns_fd = true;
	give_to_invoking_user(file->fd);
	return NULL;
}

static struct error *open_output(struct output_file *file)
{
	if (strcmp(file->path, "-") == 0) {
		file->fd = STDOUT_FILENO;
		file->is_stream = true;
		free(file->path);
		file->path = strdup("standard output");
		return file->path ? NULL : &error_out_of_memory;
	}
	/* Told now rather than after all the work; the commit is what guarantees it. */
	struct stat target;
	if (lstat(file->path, &target) == 0)
		return open_existing(file);
	return open_new(file);
}

struct error *output_file_create(const char *path, struct output_file **ret)
{
	struct output_file *file = calloc(1, sizeof(*file));
	if (!file)
		return &error_out_of_memory;
	file->fd = -1;
	file->path = strdup(path);
	struct error *error = file->path ? open_output(file) : &error_out_of_memory;
	if (error) {
		output_file_destroy(file);
		return error;
	}
	*ret = file;
	return NULL;
}

/* Standard output can be a pipe that somebody made non-blocking: wait for it. */
static bool wait_writable(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	return poll(&poller, 1, -1) >= 0 || errno == EINTR;
}

struct error *output_file_write(struct output_file *file, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	while (size) {
		ssize_t written = write(file->fd, from, size);
		if (written < 0) {
			if (errno == EINTR || (errno == EAGAIN && wait_writable(file->fd)))
				continue;
			return file_error(errno, "write", file->path);
		}
		from += written;
		size -= (size_t)written;
		file->size_bytes += (uint64_t)written;
	}
	return NULL;
}

/* Some file systems tell a failed write only when a descriptor is closed (close(2), NFS). */
static struct error *check_written(const struct output_file *file)
{
	int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0 || close(copy) != 0)
		return file_error(errno, "write", file->path);
	return NULL;
}

/* Errors of the three ways to give a name: errno, or 0. None overwrites. */
static int name_unnamed(const struct output_file *file)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static int name_by_link(const struct output_file *file)
{
	if (link(file->temporary, file->path) != 0)
		return errno;
	unlink(file->temporary);
	return 0;
}

/* The last way, without RENAME_NOREPLACE and hard links: take the name, then replace what is then
 * our own empty file. */
static int name_by_placeholder(const struct output_file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	if (rename(file->temporary, file->path) == 0)
		return 0;
	int errnum = errno;
	unlink(file->path);
	return errnum;
}

static int name_temporary(const struct output_file *file)
{
	if (renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
		return 0;
	/* EINVAL: the file system cannot do it (rename(2)); ENOSYS: an old kernel. */
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	int errnum = name_by_link(file);
	if (errnum == EPERM || errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EMLINK)
		errnum = name_by_placeholder(file);
	return errnum;
}

struct error *output_file_set_name(struct output_file *file, const char *path)
{
	if (file->is_stream)
		return NULL;
	char *copy = strdup(path);
	if (!copy)
		return &error_out_of_memory;
	free(file->path);
	file->path = copy;
	return NULL;
}

struct error *output_file_commit(struct output_file *file)
{
	if (file->is_stream || file->committed)
		return NULL;
	struct error *error = check_written(file);
	if (error)
		return error;
	int errnum = file->temporary ? name_temporary(file) : name_unnamed(file);
	if (errnum == EEXIST)
		return exists_error(file->path);
	if (errnum)
		return file_error(errnum, "create", file->path);
	file->committed = true;
	return NULL;
}

void output_file_destroy(struct output_file *file)
{
	if (!file)
		return;
	if (file->owns_fd && file->fd >= 0)
		close(file->fd);
	if (file->temporary && !file->committed)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	free(file);
}

void output_file_destroyp(struct output_file **file)
{
	output_file_destroy(*file);
}

uint64_t output_file_size_bytes(const struct output_file *file)
{
	return file->size_bytes;
}

/* A name that stands for the folder in which to spool for `path`. */
static char *spool_path(const char *path)
{
	if (strcmp(path, "-") != 0)
		return strdup(path);
	const char *folder = getenv("TMPDIR");
	char *result;
	if (asprintf(&result, "%s/pyspy-spool", folder && *folder ? folder : "/tmp") < 0)
		return NULL;
	return result;
}

struct error *output_file_spool(const char *path, int *ret_fd)
{
	CLEANUP_FREE char *beside = spool_path(path);
	if (!beside)
		return &error_out_of_memory;
	CLEANUP_FREE char *folder = folder_of(beside);
	if (!folder)
		return &error_out_of_memory;
	int fd = open_unnamed(folder, O_RDWR | O_EXCL);
	if (fd < 0) {
		CLEANUP_FREE char *temporary = NULL;
		struct error *error = open_temporary(beside, &fd, &temporary);
		if (error)
			return error_prefix(error, "no room for a temporary file in %s", folder);
		unlink(temporary);
	}
	*ret_fd = fd;
	return NULL;
}
