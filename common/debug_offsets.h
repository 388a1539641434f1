/* _Py_DebugOffsets: CPython 3.13 and later tell their own layout at the start of _PyRuntime. */
#ifndef PYSPY_COMMON_DEBUG_OFFSETS_H
#define PYSPY_COMMON_DEBUG_OFFSETS_H

#include "common/memory.h"
#include "common/python_layout.h"

#define DEBUG_OFFSETS_COOKIE "xdebugpy" /* 8 bytes, no NUL */

/*
 * Read the offsets at the start of _PyRuntime, check every one of them against bounds, and make a
 * layout from them, completed by the generated row of the same version and build.
 *
 * ERROR_NOT_FOUND if there is no cookie, ERROR_FORMAT if an offset is absurd, ERROR_UNSUPPORTED if
 * there is no schema for the minor version (`ret_version` is set even then), ERROR_MEMORY_GAP.
 */
struct error *debug_offsets_read(struct memory *memory, uint64_t runtime_address,
				 struct python_version *ret_version, struct python_layout *ret);

/*
 * The same for a minor version that is newer than all that are known: by the schema and the row of
 * the newest of these, whose number the layout has. Offsets that are within bounds can still be
 * wrong: to be proven by locate_trial. ERROR_UNSUPPORTED for other versions.
 */
struct error *debug_offsets_assume(struct memory *memory, uint64_t runtime_address,
				   struct python_version *ret_version, struct python_layout *ret);

#endif
