/* Inputs that are compressed as a whole (a core kept by systemd-coredump): unpacked to an unlinked,
 * sparse temporary file. */
#ifndef PYSPY_FORMATS_COMPRESSED_INPUT_H
#define PYSPY_FORMATS_COMPRESSED_INPUT_H

#include "common/error.h"

/* "zstd", "xz", "lz4", "gzip" by the file's first bytes, or NULL. */
const char *compressed_input_kind(int fd);

/*
 * Unpack a core into a new descriptor, owned by the caller. ERROR_UNSUPPORTED names the command
 * that would unpack a kind we do not; ERROR_FORMAT if there is no core in it. A file that is cut or
 * damaged is unpacked as far as it goes, and `ret_loss` says so in words for the user: owned by the
 * caller, NULL if nothing was lost.
 */
struct error *compressed_input_unpack(int fd, const char *name, int *ret_fd, char **ret_loss);

#endif
