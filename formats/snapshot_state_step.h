/* Steps, applied to what is known of a process. */
#ifndef PYSPY_FORMATS_SNAPSHOT_STATE_STEP_H
#define PYSPY_FORMATS_SNAPSHOT_STATE_STEP_H

#include "formats/snapshot_state.h"

/* `payload` is the step from its head on; malformed input fails it. */
struct error *snapshot_state_apply_step(struct snapshot_state *state,
					struct snapshot_process_state *process,
					struct cursor *payload);

#endif
