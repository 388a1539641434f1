/* The source of frames, from the files that they name. */
#ifndef PYSPY_ANALYZE_SOURCE_LINES_H
#define PYSPY_ANALYZE_SOURCE_LINES_H

#include "common/model.h"

/*
 * Give each frame that has a line the text of it, where its file is at hand at its own path or
 * below `root` (NULL: this system). `ret_note`, owned by the caller, is NULL or tells that files
 * have changed since the process started. Only running out of memory is an error.
 */
struct error *source_lines_add(struct model_process *process, const char *root, char **ret_note);

#endif
