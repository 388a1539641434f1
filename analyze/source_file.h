/* A file of Python source, by its lines. */
#ifndef PYSPY_ANALYZE_SOURCE_FILE_H
#define PYSPY_ANALYZE_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	SOURCE_FILE_MAX_BYTES = 1 << 24, /* a file with more is not read */
	SOURCE_LINE_MAX_BYTES = 4096,	 /* of a longer line, the start */
};

/* What the bytes of the file mean (PEP 263). */
enum source_encoding {
	SOURCE_UTF8 = 0,
	SOURCE_LATIN1,
	SOURCE_OTHER, /* what is not ASCII is shown as bytes */
};

struct source_file {
	char *bytes; /* owned */
	size_t size;
	size_t *lines; /* owned: where each begins */
	size_t line_count;
	enum source_encoding encoding;
	uint64_t modified_ns; /* since 1970 */
};

/*
 * Read a file, of this system or below `root`. `ret_found` is false if there is none that is text,
 * can be read, and keeps the bounds. Only running out of memory is an error.
 */
struct error *source_file_read(const char *root, const char *path, struct source_file *ret,
			       bool *ret_found);
void source_file_deinit(struct source_file *file);

/* The text of a line, from 1, without its end, in UTF-8; bytes that are not in the encoding become
 * \xff, and `ret_escaped` is true. Untouched if there is no such line. Owned by the caller. */
struct error *source_file_line(const struct source_file *file, int32_t line, char **ret,
			       bool *ret_escaped);

#endif
