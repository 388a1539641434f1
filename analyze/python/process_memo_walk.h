/* The walk over a process of which something is known already. */
#ifndef PYSPY_ANALYZE_PYTHON_PROCESS_MEMO_WALK_H
#define PYSPY_ANALYZE_PYTHON_PROCESS_MEMO_WALK_H

#include "analyze/python/process_memo.h"

/* Walk what is not known; threads that are no longer there are forgotten. */
struct error *process_memo_walk(struct process_memo *memo);
/* Put the threads that were met into the model, with their names. */
struct error *process_memo_fill(struct process_memo *memo);

#endif
