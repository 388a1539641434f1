/* A bar on standard error for who waits at a terminal. */
#ifndef PYSPY_ANALYZE_PROGRESS_H
#define PYSPY_ANALYZE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Begin one for a number of files; none is shown unless standard error is a terminal. */
void progress_begin(bool hidden, size_t files);
/* File number `index` is begun; sample `index` of `count` of it. Drawn a few times in a second. */
void progress_file(size_t index);
void progress_samples(size_t index, size_t count);
/* Whether it is time to draw again; a line of text instead of a bar, which is drawn then. */
bool progress_due(void);
void progress_text(const char *text);
/* Take it away; messages may be printed then. It comes back with the next progress. */
void progress_clear(void);
void progress_end(void);

#endif
