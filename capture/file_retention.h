/*
 * How many of a run's files, and how much of them, is kept: the oldest are removed. Only files that
 * were added here are ever removed, and only while the name still leads to that very file.
 */
#ifndef PYSPY_CAPTURE_FILE_RETENTION_H
#define PYSPY_CAPTURE_FILE_RETENTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct kept_file {
	char *path;
	dev_t device;
	ino_t inode;
	uint64_t size_bytes;
};

struct file_retention {
	uint64_t keep;		 /* files; UINT64_MAX: all */
	uint64_t keep_bytes;	 /* UINT64_MAX: all */
	struct kept_file *files; /* oldest first */
	size_t count;
};

void file_retention_deinit(struct file_retention *retention);

/* A file that was just made; it is the newest. What is no regular file is not taken note of. */
struct error *file_retention_add(struct file_retention *retention, const char *path);

/*
 * Remove the oldest until what is there is within bounds. The newest stays in any case: it may be
 * written still. A file that cannot be removed is given as an error, and not tried again.
 */
struct error *file_retention_trim(struct file_retention *retention);

#endif
