#include "formats/sparse_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { HOLE_BLOCK = 4096, SPOOL_BUFFER = 1 << 18 };

/* O_TMPFILE leaves nothing behind even if we are killed; not every file system has it. */
static int temporary_file(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	CLEANUP_FREE char *path = NULL;
	if (asprintf(&path, "%s/pyspy-XXXXXX", folder) < 0) {
		path = NULL;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

struct error *sparse_file_create(struct sparse_file *ret)
{
	/* /tmp can be memory: a core may not fit. */
	const char *const folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	int errnum = ENOENT;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (!folders[i] || !*folders[i])
			continue;
		int fd = temporary_file(folders[i]);
		if (fd >= 0) {
			*ret = (struct sparse_file){.fd = fd, .folder = folders[i]};
			return NULL;
		}
		errnum = errno;
	}
	return error_errno(ERROR_IO, errnum,
			   "cannot create a temporary file in TMPDIR, /var/tmp or /tmp");
}

void sparse_file_deinit(struct sparse_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static struct error *write_at(const struct sparse_file *file, const uint8_t *bytes, size_t size,
			      uint64_t offset)
{
	while (size) {
		ssize_t written = pwrite(file->fd, bytes, size, (off_t)offset);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return error_errno(ERROR_IO, written ? errno : ENOSPC,
					   "cannot write a temporary file in '%s' (set TMPDIR to a "
					   "folder with more room)",
					   file->folder);
		bytes += written;
		size -= (size_t)written;
		offset += (uint64_t)written;
	}
	return NULL;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* The next piece that is written at once or skipped: up to whole blocks of the file, all zero or
 * all not. */
static size_t piece_size(const uint8_t *bytes, size_t size, uint64_t offset, bool *ret_hole)
{
	size_t piece = 0;
	while (piece < size) {
		size_t block = HOLE_BLOCK - (size_t)((offset + piece) % HOLE_BLOCK);
		if (block > size - piece)
			block = size - piece;
		bool hole = is_zero(bytes + piece, block);
		if (piece && hole != *ret_hole)
			break;
		*ret_hole = hole;
		piece += block;
	}
	return piece;
}

struct error *sparse_file_append(struct sparse_file *file, const void *bytes, size_t size)
{
	const uint8_t *position = bytes;
	while (size) {
		bool hole = false;
		size_t piece = piece_size(position, size, file->size, &hole);
		struct error *error = hole ? NULL : write_at(file, position, piece, file->size);
		if (error)
			return error;
		file->size += piece;
		position += piece;
		size -= piece;
	}
	return NULL;
}

/* When a core was written is told by its file alone. */
static int take_age(const struct sparse_file *file, int source_fd)
{
	struct stat status;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
	if (fstat(source_fd, &status) < 0)
		return -1;
	if (S_ISREG(status.st_mode))
		times[1] = status.st_mtim;
	return futimens(file->fd, times);
}

struct error *sparse_file_finish(struct sparse_file *file, int source_fd, int *ret_fd)
{
	/* Holes at the end belong to it. */
	if (ftruncate(file->fd, (off_t)file->size) < 0 || take_age(file, source_fd) < 0)
		return error_errno(ERROR_IO, errno, "cannot finish a temporary file in '%s'",
				   file->folder);
	*ret_fd = take_fd(&file->fd);
	return NULL;
}

struct error *sparse_file_spool(int fd, const struct buffer *head, const char *name, int *ret_fd)
{
	CLEANUP_FREE uint8_t *buffer = malloc(SPOOL_BUFFER);
	CLEANUP(sparse_file_deinit) struct sparse_file file = {.fd = -1};
	if (!buffer)
		return &error_out_of_memory;
	struct error *error = sparse_file_create(&file);
	if (!error && head)
		error = sparse_file_append(&file, head->data, head->size);
	while (!error) {
		ssize_t size = read(fd, buffer, SPOOL_BUFFER);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return error_errno(ERROR_IO, errno, "cannot read '%s'", name);
		if (!size)
			return sparse_file_finish(&file, fd, ret_fd);
		error = sparse_file_append(&file, buffer, (size_t)size);
	}
	return error;
}
