/*
 * Output that is never half-written and never overwrites. A single result is written to a temporary
 * name beside its own and renamed without overwriting when it is whole; standard output is just
 * written. Files are created with mode 0600: they hold a process's memory.
 */
#ifndef PYSPY_COMMON_OUTPUT_FILE_H
#define PYSPY_COMMON_OUTPUT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct output_file;

/* "-" is standard output. ERROR_EXISTS if the name is taken; a device or FIFO of that name is
 * written to as standard output is. Under sudo the file belongs to the invoking user. */
struct error *output_file_create(const char *path, struct output_file **ret);
struct error *output_file_write(struct output_file *file, const void *bytes, size_t size);
/* Another name in the same folder, for the commit to give; of a stream it changes nothing. */
struct error *output_file_set_name(struct output_file *file, const char *path);
/* Give the file its name; after ERROR_EXISTS again with another name. After an error, or without
 * this call, destroy leaves nothing behind. */
struct error *output_file_commit(struct output_file *file);
void output_file_destroy(struct output_file *file);
void output_file_destroyp(struct output_file **file);
uint64_t output_file_size_bytes(const struct output_file *file);

/* An unlinked temporary file in the folder of `path` (or of TMPDIR for "-"), for spooling. */
struct error *output_file_spool(const char *path, int *ret_fd);

#endif
