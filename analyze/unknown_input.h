/* What a file is that is neither a snapshot nor a core, in words for the user. */
#ifndef PYSPY_ANALYZE_UNKNOWN_INPUT_H
#define PYSPY_ANALYZE_UNKNOWN_INPUT_H

#include "common/error.h"

struct error *unknown_input_error(int fd, const char *name);

#endif
