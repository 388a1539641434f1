/* An unlinked temporary file for what cannot be read in place: a core that is compressed, or comes
 * through a pipe. Blocks of zeros become holes: cores are full of them. */
#ifndef PYSPY_FORMATS_SPARSE_FILE_H
#define PYSPY_FORMATS_SPARSE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buffer.h"

struct sparse_file {
	int fd;
	uint64_t size; /* bytes appended, holes included */
	const char *folder;
};

/* In $TMPDIR, /var/tmp or /tmp, whichever can be written to first. */
struct error *sparse_file_create(struct sparse_file *ret);
void sparse_file_deinit(struct sparse_file *file);

struct error *sparse_file_append(struct sparse_file *file, const void *bytes, size_t size);

/* Give the whole file, which is as old as `source_fd`, of whose content it is; what came through a
 * pipe has no age (1970). The descriptor is the caller's from then on. */
struct error *sparse_file_finish(struct sparse_file *file, int source_fd, int *ret_fd);

/* Copy all that a descriptor gives, until its end, behind the bytes of `head`, which were read from
 * it before; NULL if there are none. `name` is for messages. */
struct error *sparse_file_spool(int fd, const struct buffer *head, const char *name, int *ret_fd);

#endif
