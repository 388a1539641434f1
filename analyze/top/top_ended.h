/* Whether a process that samples were of is there no more. */
#ifndef PYSPY_ANALYZE_TOP_TOP_ENDED_H
#define PYSPY_ANALYZE_TOP_TOP_ENDED_H

#include <stdbool.h>

#include "common/facts.h"

/* False also if it is of another machine, or cannot be known. */
bool top_process_has_ended(const struct process_facts *facts);

#endif
