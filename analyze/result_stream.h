/*
 * Where results go: standard output, or a file that is never half-written and never overwrites. One
 * stdio stream for both, with every failure seen.
 */
#ifndef PYSPY_ANALYZE_RESULT_STREAM_H
#define PYSPY_ANALYZE_RESULT_STREAM_H

#include <stdio.h>

#include "common/output_file.h"

struct result_stream {
	FILE *stream;
	struct output_file *file; /* NULL: standard output */
	struct error *error;	  /* the first of writing to the file */
};

/* `path` NULL or "-" is standard output. The structure must stay where it is until it is closed. */
struct error *result_stream_open(struct result_stream *result, const char *path);

/* Write out what is left, and give a file its name. A full disk or a closed pipe is seen here. */
struct error *result_stream_commit(struct result_stream *result);

/* The same with another name in the same folder; after ERROR_EXISTS again with the next one. */
struct error *result_stream_commit_as(struct result_stream *result, const char *path);

/* Without a commit before it, no file is left behind. */
void result_stream_close(struct result_stream *result);

#endif
