/* The C code that Cython has made, where it is at hand: beside the module, or where it was
 * compiled, below the roots of the target's system. */
#ifndef PYSPY_ANALYZE_NATIVE_CYTHON_SOURCE_H
#define PYSPY_ANALYZE_NATIVE_CYTHON_SOURCE_H

#include "analyze/target.h"

enum { CYTHON_SOURCE_MAX_BYTES = 64 << 20 };

/* The file that was read last; an all-zero struct has none. */
struct cython_source {
	char *path;
	char *text; /* NULL: it is not there */
	size_t size;
};

void cython_source_deinit(struct cython_source *source);

/*
 * Replace a line of generated code by the one of the author's file. `folder` is where the compiler
 * ran, or NULL. Nothing is changed if the code is not at hand; only running out of memory is an
 * error.
 */
struct error *cython_source_place(struct cython_source *source, const struct module_files *files,
				  const struct module *module, const char *folder, char **filename,
				  int32_t *line);

#endif
