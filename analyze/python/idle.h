/*
 * Whether a thread is idle, where the operating system does not tell (a core): by its innermost
 * Python frame being in a function that is known to wait.
 */
#ifndef PYSPY_ANALYZE_PYTHON_IDLE_H
#define PYSPY_ANALYZE_PYTHON_IDLE_H

#include <stdbool.h>

/* Of the innermost frame; any may be NULL. */
bool is_waiting_frame(const char *function, const char *filename);

#endif
