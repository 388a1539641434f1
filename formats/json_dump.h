/* The JSON of `dump --json`: py-spy's array of threads, with keys added and none changed. */
#ifndef PYSPY_FORMATS_JSON_DUMP_H
#define PYSPY_FORMATS_JSON_DUMP_H

#include <stdio.h>

#include "common/model.h"

/* Of all processes together one array, a line for each thread. */
struct error *json_dump(FILE *stream, const struct model_process *const *processes, size_t count);

#endif
