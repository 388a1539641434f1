/* The chunks that are lists of records, in one or several parts: mappings, modules, threads. */
#ifndef PYSPY_FORMATS_SNAPSHOT_STATE_LISTS_H
#define PYSPY_FORMATS_SNAPSHOT_STATE_LISTS_H

#include "formats/snapshot_state.h"

/* Replace a list (part 0) or lengthen it. Malformed input fails the cursor. */
struct error *snapshot_state_apply_list(struct snapshot_state *state,
					struct snapshot_process_state *process,
					enum snapshot_list list, struct cursor *payload);

#endif
