/* The loop of `top`: samples into counts, keys into choices, both onto the screen. */
#ifndef PYSPY_ANALYZE_TOP_TOP_LOOP_H
#define PYSPY_ANALYZE_TOP_TOP_LOOP_H

#include "analyze/top/top_processes.h"
#include "analyze/top/top_screen.h"
#include "analyze/top/top_source.h"

/* Until the user ends it, or a signal does. `speed` of a replay, 0 as fast as can be. What was
 * counted is left in `processes`. */
struct error *top_loop_run(const struct analyze_options *options, struct top_source *source,
			   double speed, struct top_screen *screen,
			   struct top_processes *processes);

#endif
