/* The perf map of a target: out of its snapshot, or, for a core, from /tmp below the root of the
 * target's system. */
#ifndef PYSPY_ANALYZE_NATIVE_PERF_MAP_LOAD_H
#define PYSPY_ANALYZE_NATIVE_PERF_MAP_LOAD_H

#include "analyze/target.h"
#include "formats/perf_map.h"

/* How large its text is now; 0 if there is none. */
uint64_t perf_map_size(struct target *target);

/* Leaves `ret` empty if there is none. Only running out of memory is an error. */
struct error *perf_map_load(struct target *target, struct perf_map *ret);

#endif
